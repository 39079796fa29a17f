"""A server that speaks with the clients of other services."""

from collections.abc import Iterator

import pytest

from crmkit.settings import FACES
from tests.house import House
from tests.teams.office import Team, office, team
from tests.webhooks.receiver import Receiver, receiver


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    settings = {
        "CRMKIT_SERVER_FACES": ",".join(FACES),
        "CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0",
        "CRMKIT_WEBHOOKS_ALLOW": "127.0.0.0/8",
    }
    with office(tmp_path_factory.mktemp("faces") / "data", settings) as running:
        yield running


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def us(home: House) -> Team:
    """Alice and Bob in a fresh workspace, and Charlie in another."""
    return team(home)
