"""Fixtures of the storage's tests."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import CHARLIE
from tests.storage.desk import SEARCH_PLANS, Desk, desk, force_search_plan
from tests.storage.samples import Library, shown, stock


@pytest.fixture(params=SEARCH_PLANS)
def every_plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each plan of a search in turn."""
    force_search_plan(monkeypatch, request.param)
    return str(request.param)


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Desk]:
    """An open, empty database."""
    with desk(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """A database that is only read: about a hundred records of every kind for Alice, and a few for Charlie."""
    with desk(tmp_path_factory.mktemp("library") / "data") as opened:
        alice = opened.person()
        made = stock(opened, alice, 90, random.Random(7))
        stock(opened, opened.person(CHARLIE), 30, random.Random(8))
        yield Library(opened, alice, {name: shown(records) for name, records in made.items()})
