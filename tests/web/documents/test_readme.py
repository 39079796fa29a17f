"""The README's first exchange and its quick start, run as they stand: every command, and every line they promise."""

import os
import re
import subprocess
from pathlib import Path

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


def exchange() -> list[tuple[str, str]]:
    """Return the commands of the first exchange, each with the lines that it prints."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```console\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", shown, re.MULTILINE)


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


def test_the_quick_start_has_commands_and_expected_lines(printed: list[list[str]]) -> None:
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


@pytest.mark.slow
def test_the_first_exchange_prints_what_the_readme_shows(tmp_path: Path) -> None:
    id_shown = re.search(r"c_\w+", exchange()[0][1])
    assert id_shown
    id = id_shown[0]
    with process(tmp_path / "data") as served:
        environ = {**os.environ, "CRM": served.url, "AUTH": f"Authorization: Bearer {served.sign_in().token}"}
        for command, promise in exchange():
            line = ["bash", "-euc", command.replace("curl ", "curl -s ", 1).replace(id_shown[0], id)]
            answer = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=30, check=True).stdout
            if id == id_shown[0]:
                (id,) = re.findall(r"^contact/(c_\w+)", answer)
            assert re.fullmatch(pattern(promise.strip()), answer.strip().replace(id, id_shown[0])), answer
        assert served.stop() == 0
