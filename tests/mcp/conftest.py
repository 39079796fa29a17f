"""A server that the tests of a module share, and a client of it, for tests that do not mind each other."""

from collections.abc import Iterator

import pytest

from tests.house import ALICE, UNLIMITED, House, Person, house


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(
        tmp_path_factory.mktemp("mcp") / "data", {**UNLIMITED, "CRMKIT_SERVER_ORIGINS": "https://chat.example.com"}
    ) as running:
        yield running


@pytest.fixture(scope="module")
def client(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person
