"""A file of the package that the one file would lack stops the build."""

import shutil
from pathlib import Path

import pytest

from release.binary import lacking
from tests.house import ROOT

DATA = sorted(
    path.relative_to(ROOT) for path in (ROOT / "crmkit").rglob("*") if path.suffix in (".txt", ".css", ".sql")
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A frozen folder that has everything but modules."""
    ignored = shutil.ignore_patterns("*.py", "__pycache__")
    shutil.copytree(ROOT / "crmkit", tmp_path / "_internal" / "crmkit", ignore=ignored)
    return tmp_path


def test_what_is_no_module_must_be_there(folder: Path) -> None:
    assert lacking(ROOT / "crmkit", folder) == []
    assert len(DATA) > 30
    for name in DATA:
        (folder / "_internal" / name).unlink()
    assert lacking(ROOT / "crmkit", folder) == [str(name) for name in DATA]
