from pathlib import Path

import pytest

from tests.storage.desk import desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with a database and somebody in it."""
    with desk(tmp_path / "data") as back:
        back.person("alice@example.com")
    return tmp_path / "data"
