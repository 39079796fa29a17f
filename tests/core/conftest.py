"""Fixtures of the core's tests: those of one module share a server, each makes records of its own."""

from collections.abc import Iterator

import pytest

from tests.house import ALICE, CHARLIE, UNLIMITED, House, Person, house
from tests.storage.conftest import back

__all__ = ["alice", "back", "charlie", "home"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("home") / "data"
    with house(folder, UNLIMITED) as running:
        yield running


@pytest.fixture(scope="module")
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        yield person


@pytest.fixture(scope="module")
def charlie(home: House) -> Iterator[Person]:
    with home.sign_in(CHARLIE) as person:
        yield person
