"""What a release is made of: the archive is the same each time, the checksums are those of the files."""

import subprocess
import tarfile
from pathlib import Path

import pytest

from release import archive
from tests.house import ROOT


@pytest.fixture
def program(tmp_path: Path) -> Path:
    program = tmp_path / "crmkit"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return program


def test_the_archive_is_the_same_each_time_and_has_the_program_with_what_belongs_to_it(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    first, second = (tmp_path / name / "crmkit-1.tar.gz" for name in ("a", "b"))
    for file in (first, second):
        file.parent.mkdir()
        archive.archived(file, program)
        program.touch()
    assert first.read_bytes() == second.read_bytes()
    with tarfile.open(first) as whole:
        modes = {entry.name: entry.mode for entry in whole}
        assert {(entry.uid, entry.uname) for entry in whole} == {(0, "")}
    assert modes["crmkit-1/crmkit"] == 0o755
    for name in ("LICENSE", "README.md", "deploy/systemd/crmkit.service", "docs/deploying.md"):
        assert modes[f"crmkit-1/{name}"] == 0o644


def test_the_checksums_are_those_of_all_files(program: Path, tmp_path: Path) -> None:
    (tmp_path / "crmkit.whl").write_bytes(b"wheel")
    (tmp_path / archive.SUMS).write_text(archive.sums(tmp_path))
    assert [line.split("  ")[1] for line in archive.sums(tmp_path).splitlines()] == ["crmkit", "crmkit.whl"]
    check = ["sha256sum", "--check", "--quiet", archive.SUMS]
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    program.write_text("changed")
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 1
