"""The README's quick start, run as it stands: every command, and every line it promises."""

import re
import subprocess

import pytest

from crmkit.settings import rows
from tests.house import ROOT, process

BASE_URL = "http://127.0.0.1:8000"


def blocks() -> list[str]:
    """Return the shell blocks under the heading "Quick start", the one that starts the server left out."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^## Quick start$(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
    assert found, "README.md has no quick start"
    first, *others = re.findall(r"^```sh\n(.*?)^```$", found.group(1), re.MULTILINE | re.DOTALL)
    assert "make serve" in first
    assert BASE_URL in found.group(1)
    return others


def promised(block: str) -> list[str]:
    """Return the lines that the comments of a block say will be printed, in order."""
    return re.findall(r"^# -> (.*)$", block, re.MULTILINE)


def pattern(line: str) -> str:
    """Return what a promised line means: `…` stands for anything."""
    return ".*".join(re.escape(part) for part in line.split("…"))


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """Run all blocks in one shell against the real program, and return the lines that each printed."""
    folder = tmp_path_factory.mktemp("readme")
    mark = "----- next block -----"
    with process(folder / "data") as served:
        script = f"\necho '{mark}'\n".join(["set -e", *blocks()]).replace(BASE_URL, served.url)
        done = subprocess.run(
            ["bash", "-u", "-c", script], cwd=folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert served.stop() == 0
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return [part.strip("\n").split("\n") if part.strip() else [] for part in done.stdout.split(f"{mark}\n")[1:]]


def test_the_quick_start_has_blocks_and_promises_lines(printed: list[list[str]]) -> None:
    assert len(printed) == len(blocks()) >= 3
    assert sum(len(promised(block)) for block in blocks()) >= 8


@pytest.mark.parametrize("number", range(len(blocks())))
def test_each_block_prints_what_the_readme_says_line_by_line(printed: list[list[str]], number: int) -> None:
    lines, wanted = printed[number], promised(blocks()[number])
    assert len(lines) == len(wanted), lines
    for line, promise in zip(lines, wanted, strict=True):
        assert re.fullmatch(pattern(promise), line), f"{promise!r} is promised, {line!r} is printed"


def test_the_readme_names_every_setting_with_its_default() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in rows():
        found = re.search(rf"^\| `\[{row.section}\] {row.key}` \| `{row.env}` \| (.+?) \|", readme, re.MULTILINE)
        assert found, f"[{row.section}] {row.key} is missing"
        default = str(row.default).lower() if isinstance(row.default, bool) else str(row.default)
        assert row.default in ("", ()) or found.group(1) == f"`{default}`", found.group()
