"""`crmkit doctor` as an operator meets it: what it finds in a data folder, and what it advises."""

import os
import re
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from crmkit import __version__
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.house import Process, run

pytestmark = pytest.mark.sqlite  # it is about the folder


def lines_of(folder: Path, status: int) -> dict[str, tuple[str, str]]:
    """Return what doctor finds: name -> (ok or BAD, what)."""
    done = run("doctor", "--data", str(folder), cwd=folder.parent)
    assert (done.returncode, done.stderr) == (status, "")
    found = [re.fullmatch(r"(ok  |BAD ) (\w+): (\S.*)", line) for line in done.stdout.splitlines()]
    assert all(found), done.stdout
    return {line.group(2): (line.group(1).strip(), line.group(3)) for line in found if line}


def bad(found: dict[str, tuple[str, str]]) -> set[str]:
    return {name for name, (verdict, _) in found.items() if verdict == "BAD"}


@pytest.mark.slow
def test_doctor_finds_no_fault_in_a_sound_installation(folder: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    found = lines_of(folder, 0)
    assert bad(found) == set()
    names = ["crmkit", "sqlite", "folder", "database", "key", "server", "log", "disk", "schema", "integrity", "links"]
    names += [
        "content",
        "counts",
        "derived",
        "search",
        "audit",
        "clock",
        "jobs",
        "imports",
        "webhooks",
        "plans",
        "url",
        "mail",
    ]
    assert list(found) == names
    assert found["crmkit"][1].startswith(__version__)
    assert found["server"][1] == "none runs on this data"
    assert found["content"][1].startswith("1 workspaces, 0 records, ")
    after = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert {FILE: before[FILE], "secret.key": before["secret.key"]}.items() <= after.items()
    assert not any(content for name, content in after.items() if name.endswith("-wal"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "state"), [("data", "does not exist"), ("empty", "holds no crmkit.db")])
def test_doctor_says_that_nothing_is_there_and_makes_nothing(tmp_path: Path, name: str, state: str) -> None:
    (tmp_path / "empty").mkdir()
    found = lines_of(tmp_path / name, 1)
    assert bad(found) == {"database"}
    assert found["database"][1].startswith(
        f"nothing is there: {tmp_path / name} {state}; name the data folder with --data"
    )
    assert [*tmp_path.rglob("*")] == [tmp_path / "empty"]


@pytest.mark.slow
def test_doctor_makes_no_lock(folder: Path) -> None:
    (folder / "crmkit.lock").unlink()
    lines_of(folder, 0)
    assert not (folder / "crmkit.lock").exists()


@pytest.mark.slow
def test_doctor_can_look_while_a_server_runs(served: Process) -> None:
    with served.sign_in() as me:
        for number in range(3):
            me.post("/contacts", json={"name": f"Jane {number}"})
    found = lines_of(served.folder, 0)
    assert bad(found) == set()
    assert f"process {served.popen.pid}" in found["server"][1]
    assert found["content"][1].startswith("1 workspaces, 3 records, ")
    assert httpx.get(f"{served.url}/readyz").text == "ready\n"
    assert served.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "mode", "finding"), [("", 0o755, "folder"), (FILE, 0o644, "database"), ("secret.key", 0o640, "key")]
)
def test_doctor_finds_what_others_can_read(folder: Path, name: str, mode: int, finding: str) -> None:
    path = folder / name
    path.chmod(mode)
    found = lines_of(folder, 1)
    assert bad(found) == {finding}
    assert f"mode {mode:04o}; others can read it: chmod " in found[finding][1]
    assert stat.S_IMODE(path.stat().st_mode) == mode  # it looks, and changes nothing
    advised = found[finding][1].rpartition(": ")[2].split()
    subprocess.run(advised, check=True, cwd=folder.parent)
    assert bad(lines_of(folder, 0)) == set()


@pytest.mark.slow
def test_doctor_finds_that_the_key_is_missing(folder: Path) -> None:
    (folder / "secret.key").unlink()
    found = lines_of(folder, 1)
    assert bad(found) == {"key"}
    assert "is missing" in found["key"][1]


@pytest.mark.slow
@pytest.mark.parametrize(("by", "advice"), [(1, "install a newer crmkit"), (-1, "run `crmkit migrate`")])
def test_doctor_finds_that_the_database_is_of_another_version(folder: Path, by: int, advice: str) -> None:
    with closing(sqlite3.connect(folder / FILE)) as file:
        file.execute(f"PRAGMA user_version = {len(MIGRATIONS) + by}")
    found = lines_of(folder, 1)
    assert bad(found) == {"schema"}
    assert advice in found["schema"][1]


def damaged_head(file: Path) -> None:
    with file.open("r+b") as raw:
        raw.write(b"not a database at all")


def damaged_middle(file: Path) -> None:
    """Overwrite a page of an index, so that it no longer fits its table."""
    with closing(sqlite3.connect(file)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'tokens_by_user'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with file.open("r+b") as raw:
        raw.seek((page - 1) * size)
        raw.write(os.urandom(size))


def cut_off(file: Path) -> None:
    with file.open("r+b") as raw:
        raw.truncate(file.stat().st_size // 2)


@pytest.mark.slow
@pytest.mark.parametrize("damage", [damaged_head, damaged_middle, cut_off])
def test_doctor_finds_that_the_file_is_damaged(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder / FILE)
    found = lines_of(folder, 1)
    assert bad(found) <= {"integrity", "database"}
    (name,) = bad(found)
    assert "restore a copy" in found[name][1]
