"""Fixtures of the tests of writes of many records."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.desk import Desk, desk


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Desk]:
    """An open, empty database."""
    with desk(tmp_path / "data") as opened:
        yield opened
