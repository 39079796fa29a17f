"""A workspace in which somebody only proposes: Alice is admin, and her bot has a token with the access `propose`."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from msgspec import Struct

from crmkit.core.call import Call
from crmkit.core.pruning.sweep import sweep
from crmkit.model.access import PROPOSE, Access
from tests.house import House, Person
from tests.teams.office import Books, Team, holding, office, team
from tests.web.writes.conftest import hash_of


class Firm(Struct, frozen=True):
    """A team, and the bot of one of its members; the bot's token is another than any of theirs."""

    home: House
    us: Team
    bot: Person

    @property
    def alice(self) -> Person:
        return self.us.alice

    @property
    def bob(self) -> Person:
        return self.us.bob


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    many = {"CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0"}
    with office(tmp_path_factory.mktemp("proposals") / "data", many) as running:
        yield running


@pytest.fixture
def firm(home: House) -> Firm:
    us = team(home)
    return Firm(home, us, holding(home, us.bob, us.id, Access(PROPOSE)))


@pytest.fixture
def hashed(home: House, firm: Firm) -> Iterator[Callable[[], str]]:
    """A function that returns a hash over all rows of all tables (see tests/web/writes).

    What is outdated is dropped before, since tests of the same server moved its clock; else that would come in between.
    """
    home.do(sweep(Call(home.crm)))
    with Books(home.folder) as books:
        yield partial(hash_of, home, books, firm.alice)
