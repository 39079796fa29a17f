"""A server for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.house import House
from tests.teams.office import office


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server for many new people."""
    many = {"CRMKIT_LIMITS_MAILS_PER_HOUR": "1000000", "CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0"}
    with office(tmp_path_factory.mktemp("tokens") / "data", many) as running:
        yield running
