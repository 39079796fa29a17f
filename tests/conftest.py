"""Fixtures that most tests share."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import postgres
from tests.house import ALICE, CHARLIE, UNLIMITED, House, Person, Process, house, process

STUCK_SECONDS, SLOW_SECONDS = 40, 300

# how long an example takes depends on what other tests run at the same time
settings.register_profile("beside others", settings(deadline=None))
settings.load_profile("beside others")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is about SQLite where the data is elsewhere."""
    if postgres.SERVER:
        skipped = pytest.mark.skip(reason="it is about SQLite: its file, its plans, its one writer")
        for item in items:
            if "tests/storage/sqlite/" in item.nodeid or item.get_closest_marker("sqlite"):
                item.add_marker(skipped)


@pytest.fixture(autouse=postgres.SERVER != "", scope="module")
def no_database_stays() -> Iterator[None]:
    """A database lasts as long as the module of tests for whose folder it was made."""
    yield
    postgres.drop_unused()


@pytest.fixture(autouse=postgres.SERVER != "")
def none_is_stuck(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that waits for a lock for ever fails."""
    seconds = SLOW_SECONDS if request.node.get_closest_marker("slow") else STUCK_SECONDS

    def fail(*_: object) -> None:
        raise TimeoutError(f"a test took {seconds} seconds")

    signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    yield
    signal.alarm(0)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A server in this process with a given clock and a letterbox."""
    with house(tmp_path / "data", UNLIMITED) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    """Alice, admin of a workspace of her own."""
    with home.sign_in(ALICE) as person:
        yield person


@pytest.fixture
def charlie(home: House) -> Iterator[Person]:
    """Charlie, who belongs to another workspace."""
    with home.sign_in(CHARLIE) as person:
        yield person


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Process]:
    """The real program in local mode."""
    with process(tmp_path / "data", **UNLIMITED) as running:
        yield running
