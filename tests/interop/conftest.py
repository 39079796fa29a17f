"""One server for all: the real program in local mode, with a person of its own for each test."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.house import UNLIMITED, Person, Process, process

_numbers = count(1)


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    folder = tmp_path_factory.mktemp("interop") / "data"
    with process(folder, **UNLIMITED) as running:
        yield running
        assert running.stop() == 0
    assert "Traceback" not in running.printed()


@pytest.fixture
def email() -> str:
    """The address of a person whom no other test knows."""
    return f"person{next(_numbers)}@example.com"


@pytest.fixture
def person(served: Process, email: str) -> Iterator[Person]:
    """That person, signed in by hand."""
    with served.sign_in(email) as signed_in:
        yield signed_in
