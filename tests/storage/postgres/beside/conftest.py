"""Processes and receivers of webhooks, as the tests of this room need them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.storage.postgres.beside.processes import Processes
from tests.webhooks.receiver import Receiver, receiver


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    with ExitStack() as stack:
        yield Processes(tmp_path / "data", stack)


@pytest.fixture
def receiving() -> Iterator[Receiver]:
    with receiver() as found:
        yield found
