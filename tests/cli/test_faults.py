"""What stops a command is one line: a full disk, a damaged database, another program that holds it, lost output."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from tests.cli.test_cli import gives_up
from tests.cli.test_doctor import lines_of
from tests.disks import mounted
from tests.house import command, process, run
from tests.storage.desk import desk
from tests.storage.sqlite.backup.installation import installation, names
from tests.storage.sqlite.engine.test_disk import fill

pytestmark = pytest.mark.slow

WRITING = (
    ["token", "--email", "bob@example.com"],
    ["users", "disable", "alice@example.com"],
    ["audit", "verify"],
    ["audit", "renew", "--yes"],
    ["doctor", "--repair"],
)
LISTING = ["users", "list"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path, "size=8m") as disk:
        yield disk


def people(folder: Path) -> Path:
    """Return a data folder with somebody in it, of whom entries wait to be sealed."""
    with desk(folder) as back:
        alice = back.person("alice@example.com")
        back.save(alice, name="Jane")
    return folder


@pytest.mark.sqlite
def test_a_full_disk_ends_each_command_with_one_line(small_disk: Path) -> None:
    folder = people(small_disk / "data")
    fill(small_disk)
    for arguments in WRITING:
        done = run(*arguments, "--data", str(folder), cwd=small_disk.parent)
        gives_up(done, f"the disk that holds {folder} is full", "free some space")


@pytest.mark.sqlite
def test_a_database_that_another_program_holds_ends_each_command_with_one_line(folder: Path, tmp_path: Path) -> None:
    people(tmp_path / "more")
    with closing(connect(tmp_path / "more" / FILE, True)) as foreign:
        foreign.execute("BEGIN IMMEDIATE")
        for arguments in WRITING:
            done = run(*arguments, "--data", "more", cwd=tmp_path)
            gives_up(done, "another program holds", FILE, "end that program")
        foreign.execute("ROLLBACK")


def damage(file: Path) -> None:
    """Overwrite all pages but the first ones of what an account, the log and a workspace are read of."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        sql = "SELECT rootpage FROM sqlite_schema WHERE tbl_name IN ('users', 'audit', 'workspaces', 'counts')"
        pages = [page for (page,) in connection.execute(f"{sql} AND rootpage > 1")]
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA journal_mode = WAL")
    with file.open("r+b") as raw:
        for page in pages:
            raw.seek((page - 1) * size)
            raw.write(b"\xff" * size)


@pytest.mark.sqlite
def test_a_damaged_database_ends_each_command_with_one_line(tmp_path: Path) -> None:
    folder = people(tmp_path / "data")
    (id,) = re.findall(
        r"^workspace/(\w+)", run("workspaces", "list", "--data", "data", cwd=tmp_path).stdout, re.MULTILINE
    )
    damage(folder / FILE)
    for arguments in (*WRITING, LISTING, ["workspace", "export", id, "w.zip"]):
        done = run(*arguments, "--data", "data", cwd=tmp_path)
        gives_up(done, f"the database {folder.relative_to(tmp_path)}/{FILE} cannot be read", "`crmkit doctor`")
    assert not (tmp_path / "w.zip").exists()


PRINTING = [["version"], ["--version"], [], ["--help"], ["users", "list", "--help"]]


@pytest.mark.sqlite
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["doctor"], LISTING, *PRINTING])  # written line by line, and at the end
def test_output_that_cannot_be_written_is_one_line(folder: Path, arguments: list[str], unbuffered: str) -> None:
    line, env = command(*arguments, *(["--data", str(folder)] if arguments not in PRINTING else []))
    env["PYTHONUNBUFFERED"] = unbuffered
    with open("/dev/full", "w") as full:
        done = subprocess.run(line, env=env, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr == "crmkit: the output cannot be written: No space left on device\n"


def test_a_command_without_an_output_says_nothing() -> None:
    line, env = command("version")
    line = ["sh", "-c", '"$@" >&-', "sh", *line]
    done = subprocess.run(line, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_file_of_an_import_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    done = run("import", "nofile.csv", cwd=tmp_path, CRMKIT_TOKEN="x")
    gives_up(done, "nofile.csv cannot be read: No such file or directory")


STEPS = "rename,renameat,renameat2,link,linkat,unlink,unlinkat,fsync,fdatasync"


@pytest.mark.sqlite
def test_a_restore_that_is_killed_while_it_folds_the_log_in_leaves_what_doctor_and_backup_can_read(
    tmp_path: Path,
) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("needs strace")
    with process(tmp_path / "killed") as served, served.sign_in() as me:
        me.json_of("POST", "/contacts", {"name": "Jane"})
        served.kill()
    other = installation(tmp_path / "other", "Bob")
    assert run("backup", "full.db", "--data", str(other), cwd=tmp_path).returncode == 0
    hot = 0
    for step in range(8, 18):
        folder = tmp_path / f"data{step}"
        shutil.copytree(tmp_path / "killed", folder)
        line, env = command("restore", "full.db", "--data", folder.name)
        inject = ["-e", f"trace={STEPS}", "-e", f"inject={STEPS}:signal=SIGKILL:when={step}"]
        subprocess.run([strace, "-f", "-o", "/dev/null", *inject, *line], env=env, cwd=tmp_path, check=False)
        if not folder.joinpath(f"{FILE}-journal").exists():
            continue
        hot += 1
        if hot % 2:
            found = lines_of(folder, 0)
            assert "killed and changed nothing" in found["restore"][1]
        done = run("backup", f"{step}.db", "--data", folder.name, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert names(folder) == ["Jane"]
        rm = re.search(r"or: (rm .*)", run("doctor", "--data", folder.name, cwd=tmp_path).stdout)
        assert rm
        subprocess.run(rm[1].split(), check=True)
        assert "restore" not in lines_of(folder, 0)
        assert names(folder) == ["Jane"]
    assert hot, "no kill met the journal"
