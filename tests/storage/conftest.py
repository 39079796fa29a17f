"""Fixtures of the storage's tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.desk import Desk, desk


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Desk]:
    """An open, empty database."""
    with desk(tmp_path / "data") as opened:
        yield opened
