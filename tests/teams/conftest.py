"""Fixtures of teams: the tests of a module share a server, each has people of its own."""

from collections.abc import Iterator

import pytest

from tests.house import House
from tests.teams.office import Team, office, team


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("teams") / "data") as running:
        yield running


@pytest.fixture
def us(home: House) -> Team:
    return team(home)
