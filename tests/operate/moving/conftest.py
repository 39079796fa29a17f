"""A server that speaks as the other services do, with a workspace that is left and one that is entered."""

from collections.abc import Iterator

import pytest

from crmkit.settings import FACES
from tests.house import House
from tests.teams.office import Team, office, team


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = {"CRMKIT_SERVER_FACES": ",".join(FACES), "CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0"}
    with office(tmp_path_factory.mktemp("moving") / "data", settings) as running:
        yield running


@pytest.fixture
def us(home: House) -> Team:
    """Alice in a workspace that is left, and Charlie in another one, which is entered."""
    return team(home)
