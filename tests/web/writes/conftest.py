"""A server for the tests of a module, and a hash over all that it has written."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.house import House, Person
from tests.teams.office import Books, address, enter, office


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("writes") / "data") as running:
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
