"""A data folder that cannot be used ends every command with one line: which folder, which user, what to do."""

import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.folder import FILE, LOCK
from tests.cli.test_cli import gives_up
from tests.house import command, run
from tests.storage.desk import desk

pytestmark = pytest.mark.slow

COMMANDS = (["serve", "--port", "0"], ["migrate"], ["token", "--email", "alice@example.com"])
NOBODY = 65534
# the interpreter may lie where only root can read it: everything is imported before the user is changed
AS_NOBODY = (
    "import os, sys, encodings.ascii, importlib.readers\n"
    "from crmkit import boot, cli\nfrom crmkit.operate import doctor\nfrom crmkit.web.connection import server\n"
    f"os.setgroups([])\nos.setgid({NOBODY})\nos.setuid({NOBODY})\nsys.exit(cli.main())"
)
is_root = os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="makes files of another user")
USER = pwd.getpwuid(NOBODY if is_root else os.geteuid()).pw_name


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user can look into, but only its owner can change."""
    folder = Path(tempfile.mkdtemp(prefix="crmkit-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run_plainly(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, not as root."""
    if not is_root:
        return run(*arguments, cwd=cwd)
    _, env = command()
    line = [sys.executable, "-c", AS_NOBODY, *arguments]
    return subprocess.run(line, env=env, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def refusal(folder: Path | str, place: Path, commands: tuple[list[str], ...] = COMMANDS[1:2]) -> str:
    """Return the one line that ends each of these commands."""
    lines = set()
    for arguments in commands:
        done = run_plainly(*arguments, "--data", str(folder), cwd=place)
        assert (done.returncode, done.stdout) == (1, ""), done
        (line,) = done.stderr.splitlines()
        lines.add(line.removeprefix("crmkit: "))
    (line,) = lines
    assert str(place / folder) in line
    assert f"user {USER}" in line
    assert "Errno" not in line
    return line


def examined(folder: Path | str, place: Path) -> str:
    """Return the first thing that doctor finds wrong."""
    looked = run_plainly("doctor", "--data", str(folder), cwd=place)
    assert (looked.returncode, looked.stderr) == (1, ""), looked
    return next(line for line in looked.stdout.splitlines() if line.startswith("BAD ")).removeprefix("BAD  database: ")


def advised(line: str) -> None:
    """Do as root what the line says."""
    subprocess.run(shlex.split(line.partition("as root: ")[2].partition(", or ")[0]), check=True)


def test_a_file_in_the_place_of_the_folder_is_named(place: Path) -> None:
    (place / "data").write_text("in the way")
    assert f"{place / 'data'} is a file; move it away" in refusal("data", place)
    assert f"{place / 'data'} is a file; move it away" in examined("data", place)


@needs_root
def test_a_file_above_the_folder_is_named(place: Path) -> None:
    (place / "file").write_text("in the way")
    assert f"{place / 'file'} is a file; move it away" in refusal("file/crm/data", place)
    assert f"{place / 'file'} is a file; move it away" in examined("file/crm/data", place)


def test_a_link_that_leads_nowhere_is_named_with_its_end(place: Path) -> None:
    (place / "data").symlink_to(place / "disk that is not mounted")
    assert f"{place / 'data'} is a link to {place / 'disk that is not mounted'}, which" in refusal("data", place)


@needs_root
def test_a_folder_that_cannot_be_made_is_made_by_the_command_that_the_line_shows(place: Path) -> None:
    line = refusal("my crm/data", place)
    assert f"user {USER} may not write in {place}, which belongs to user root" in line
    advised(line)
    assert run_plainly("migrate", "--data", "my crm/data", cwd=place).returncode == 0


@needs_root
@pytest.mark.parametrize("mode", [0o777, 0o700])
def test_a_folder_of_another_user_is_given_over_by_the_command_that_the_line_shows(place: Path, mode: int) -> None:
    folder = place / "data"
    folder.mkdir()
    folder.chmod(mode)
    line = refusal("data", place, COMMANDS)
    assert f"belongs to user root and crmkit runs as user {USER}" in line
    if mode == 0o777:  # a volume that a container mounts
        inside = line.rpartition(" --data ")[2]
        assert run_plainly("migrate", "--data", inside, cwd=place).returncode == 0
    advised(line)
    assert run_plainly("migrate", "--data", "data", cwd=place).returncode == 0


@needs_root
@pytest.mark.parametrize("name", [FILE, LOCK, "secret.key"])
def test_a_file_of_another_user_in_the_folder_is_named(place: Path, name: str) -> None:
    folder = place / "data"
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    (folder / name).touch(mode=0o600)
    line = refusal("data", place, COMMANDS[:1])
    assert f"{folder / name} in the data folder belongs to user root and crmkit runs as user {USER}" in line
    if name == FILE:
        assert examined("data", place) == line
    advised(line)
    assert run_plainly("migrate", "--data", "data", cwd=place).returncode == 0


@needs_root
def test_a_read_only_file_system_is_told(place: Path) -> None:
    disk = place / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        assert "is on a read-only file system" in refusal("disk/data", place)
        assert "is on a read-only file system" in refusal("disk", place)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@needs_root
def test_on_a_read_only_file_system_doctor_tells_all_the_rest(place: Path) -> None:
    with desk(place / "data") as back:
        back.person("alice@example.com")
    folder = place / "data"
    for make in (["mount", "--bind", str(folder), str(folder)], ["mount", "-o", "remount,ro,bind", str(folder)]):
        if subprocess.run(make, capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
    try:
        done = run("doctor", "--data", "data", cwd=place)
        assert (done.returncode, done.stderr) == (1, ""), done
        (bad,) = [line for line in done.stdout.splitlines() if line.startswith("BAD ")]
        assert bad.startswith(f"BAD  disk: {folder} is on a read-only file system")
        told = {*re.findall(r"^ok   (\w+): ", done.stdout, re.MULTILINE)}
        assert {"server", "schema", "integrity", "links", "counts", "audit", "jobs", "plans", "url", "mail"} <= told
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def given(place: Path) -> Path:
    """Return a data folder with somebody in it that belongs to the plain user."""
    with desk(place / "data") as back:
        back.person("alice@example.com")
    for path in (place / "data", *(place / "data").iterdir()):
        os.chown(path, NOBODY, NOBODY)
    return place / "data"


@needs_root
@pytest.mark.parametrize(("target", "mode"), [("b.db", 0o755), ("forbidden/b.db", 0o700), ("forbidden/in/b.db", 0o700)])
def test_a_place_of_a_backup_that_is_forbidden_is_named_and_not_the_data_folder(
    place: Path, target: str, mode: int
) -> None:
    given(place)
    (place / "forbidden/in").mkdir(parents=True)
    (place / "forbidden").chmod(mode)
    done = run_plainly("backup", target, "--data", "data", cwd=place)
    gives_up(done, f"{target} cannot be written: Permission denied")
    assert "chown" not in done.stderr


@needs_root
def test_earlier_backups_that_may_not_be_removed_are_told_once_the_new_one_is_written(place: Path) -> None:
    given(place)
    (place / "kept").mkdir()
    (place / "kept").chmod(0o1777)
    old = place / "kept/b-20260101T000000Z.db"
    SQLITE.backup(place / "data", old, place / "part", "2026-01-01T00:00:00Z")
    old.chmod(0o644)
    done = run_plainly("backup", "kept/b.db", "--keep", "1", "--data", "data", cwd=place)
    told = "but earlier backups were not removed: kept/b-20260101T000000Z.db cannot be read or changed: Operation not"
    gives_up(done, ".db was written, ", told)
    assert len([*(place / "kept").iterdir()]) == 2


@needs_root
def test_a_key_that_cannot_be_read_is_told_as_what_it_is_and_the_rest_is_looked_at(place: Path) -> None:
    folder = given(place)
    (place / "kept").mkdir(mode=0o777)
    (place / "kept").chmod(0o777)
    os.chown(folder / "secret.key", 0, 0)
    told = f"{folder / 'secret.key'} in the data folder belongs to user root and crmkit runs as user {USER}; as root: "
    gives_up(run_plainly("backup", "kept/b.db", "--data", "data", cwd=place), told)
    assert [*(place / "kept").iterdir()] == []
    done = run_plainly("doctor", "--data", "data", cwd=place)
    assert f"\nBAD  key: {told}" in done.stdout
    assert {"\nok   counts: ", "\nok   jobs: ", "\nok   url: "} <= {*re.findall(r"\nok   \w+: ", done.stdout)}
    assert done.stderr == ""


@needs_root
def test_a_command_runs_in_a_folder_that_its_user_may_not_enter(place: Path) -> None:
    given(place)
    (place / "mine").mkdir(mode=0o700)
    assert run_plainly("migrate", "--data", str(place / "data"), cwd=place / "mine").returncode == 0


@needs_root
@pytest.mark.parametrize("end", ["", "-wal", "-shm"])
def test_a_file_of_the_database_that_belongs_to_another_user_is_told_with_the_command_that_gives_it_over(
    place: Path, end: str
) -> None:
    with desk(place / "data") as back:
        back.person("alice@example.com")
        as_it_runs = {each: each.read_bytes() for each in (place / "data").iterdir()}
    for path, content in as_it_runs.items():
        path.write_bytes(content)
        path.chmod(0o600)
    for path in (place / "data", *(place / "data").iterdir()):
        os.chown(path, NOBODY, NOBODY)
    path = place / "data" / f"{FILE}{end}"
    os.chown(path, 0, 0)
    told = f"{path} in the data folder belongs to user root and crmkit runs as user {USER}; as root: chown -R "
    commands = [["serve", "--port", "0"], ["users", "list"], ["backup", "/tmp/no.db"], ["doctor", "--repair"]]
    if end:  # without a right to it, nothing else is looked at
        assert told in examined("data", place)
    for arguments in commands:
        gives_up(run_plainly(*arguments, "--data", "data", cwd=place), told)
    advised(told + shlex.quote(USER) + f" {place / 'data'}")
    assert run_plainly("users", "list", "--data", "data", cwd=place).returncode == 0


@needs_root
def test_lists_a_repair_and_an_export_name_the_data_folder_where_that_is_at_fault(place: Path) -> None:
    with desk(place / "data") as back:
        back.person("alice@example.com")
    (id,) = re.findall(r"workspace/(\w+)", run("workspaces", "list", "--data", "data", cwd=place).stdout)
    (place / "data").chmod(0o755)
    (place / "data" / FILE).chmod(0o644)
    (place / "mine").mkdir(mode=0o777)
    (place / "mine").chmod(0o777)
    export = ["workspace", "export", id, str(place / "mine/w.zip")]
    for arguments in (["users", "list"], ["workspaces", "list"], ["tokens", "list"], ["doctor", "--repair"], export):
        done = run_plainly(*arguments, "--data", "data", cwd=place)
        gives_up(done, f"the data folder {place / 'data'} belongs to user root and crmkit runs as user {USER}")
        assert "Errno" not in done.stderr
        assert "w.zip" not in done.stderr
