"""A server for the tests of a module, and a hash over all that it has written."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from crmkit.core import upkeep
from tests.house import House, Person
from tests.teams.office import Books, address, enter, office


@contextmanager
def prompt_office(folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[House]:
    """Run a server that indexes texts as they are written, so that a hash over all rows waits for none."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(upkeep, "PAUSE_SECONDS", 0.001)
        with office(folder, environ) as running:
            yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with prompt_office(tmp_path_factory.mktemp("writes") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def alice(home: House) -> Person:
    return enter(home, address("alice"))


@pytest.fixture(scope="module")
def hashed(home: House, alice: Person) -> Iterator[Callable[[], str]]:
    """A function that returns a hash over all rows of all tables (see hash_of)."""
    with Books(home.folder) as books:
        yield partial(hash_of, home, books, alice)


def hash_of(home: House, books: Books, person: Person) -> str:
    """Return a hash over all rows of all tables, once no text waits to be indexed.

    The segments of the indexes of texts are left out: upkeep merges them at any time.
    """
    indexes = tuple(f"{name}_" for name in books.virtual())
    home.rested()
    books.settled(person)
    sums = hashlib.sha256()
    for table in (name for name in books.tables() if not name.startswith(indexes)):
        for row in books.rows(table):
            sums.update(repr((table, sorted(row.items()))).encode())
    return sums.hexdigest()
