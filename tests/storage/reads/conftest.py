"""A database with rows to stream."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.desk import Desk, desk
from tests.storage.reads.streaming import fill


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "data") as back:
        back.do(back.database.write(fill))
        yield back
