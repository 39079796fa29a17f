"""The place of storms: it serves all tests of this room, each of which has people of its own."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.house import Person
from tests.storms.place import NUMBERS, Place, place


@pytest.fixture(scope="session")
def all_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("storms") / "data", max(NUMBERS)) as found:
        yield found


@pytest.fixture(params=NUMBERS, ids=lambda number: f"{number} servers")
def town(all_servers: Place, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The servers that take part; after the test all that they hold is as it must be."""
    found = replace(all_servers, urls=all_servers.urls[: request.param], acknowledged=[])
    yield found
    assert found.faults() == []


@pytest.fixture
def alice(town: Place) -> Person:
    """Alice, admin of a workspace of her own."""
    return town.newcomer("alice")
