"""What tests of the sealed log share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.desk import Desk, desk


@pytest.fixture
def back(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "data") as made:
        yield made
