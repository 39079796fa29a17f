"""What a release is made of: the archive is the same each time, the checksums are those of the files."""

import re
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


def test_what_the_readme_of_the_archive_leads_to_is_in_it(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    there = unpacked(program, tmp_path)
    links = set(re.findall(r"\]\((?!https?:|#)([^)\s#]+)", (there / "README.md").read_text(encoding="utf-8")))
    assert len(links) > 10
    assert [link for link in links if not (there / link).exists()] == []
    assert (there / "skills/connect/SKILL.md").exists()


def test_what_is_no_part_of_the_sources_is_not_in_the_archive(
    program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sources/docs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "sources")
    for name in ("README.md", "docs/serving.md", "docs/notes.md"):
        Path(name).touch()
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "add", "README.md", "docs/serving.md"], check=True)
    there = unpacked(program, tmp_path)
    names = {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}
    assert names == {"crmkit", "README.md", "docs/serving.md"}


def unpacked(program: Path, place: Path) -> Path:
    """Return the folder of an archive that was made and unpacked."""
    archive.archived(place / "crmkit-1.tar.gz", program)
    with tarfile.open(place / "crmkit-1.tar.gz") as whole:
        whole.extractall(place, filter="data")
    return place / "crmkit-1"


def test_the_checksums_are_those_of_all_files(program: Path, tmp_path: Path) -> None:
    (tmp_path / "crmkit.whl").write_bytes(b"wheel")
    (tmp_path / archive.SUMS).write_text(archive.sums(tmp_path))
    assert [line.split("  ")[1] for line in archive.sums(tmp_path).splitlines()] == ["crmkit", "crmkit.whl"]
    check = ["sha256sum", "--check", "--quiet", archive.SUMS]
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    program.write_text("changed")
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 1
