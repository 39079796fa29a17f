"""Fixtures that most tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.house import ALICE, CHARLIE, UNLIMITED, House, Person, Process, house, process

# how long an example takes depends on what other tests run at the same time
settings.register_profile("beside others", settings(deadline=None))
settings.load_profile("beside others")


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
