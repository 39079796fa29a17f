"""A folder of one's own for each test of a reader."""

from pathlib import Path

import pytest

from tests.files.made import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
