"""From any older database to this program's, through any interruption, with a copy kept; never back."""

import itertools
import signal
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from crmkit.model.record import Kind
from crmkit.storage.columns import stored, table_columns
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Unusable
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.migrations import MIGRATIONS, Migration
from tests.disks import mounted
from tests.house import ROOT, command, run
from tests.kinds import ACTIVITY, AUDIT, KINDS
from tests.storage.sqlite.migrations.released import fresh


class Cut(Exception):
    """The power went."""


class Watched:
    """A connection that says when a statement is about to run."""

    def __init__(self, connection: Connection, before: Callable[[], None]) -> None:
        self._connection = connection
        self._before = before

    def execute(self, *arguments: Any) -> Any:
        if arguments[0] != "ROLLBACK":  # a process that dies does not roll back, it just stops
            self._before()
        return self._connection.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def watching(before: Callable[[], None]) -> Any:
    return lambda file, writes: Watched(connect(file, writes), before)


def cut_at(number: int) -> Callable[[], None]:
    """Return what raises Cut before the statement of that number (from 1)."""
    count = itertools.count(1)

    def before() -> None:
        if next(count) == number:
            raise Cut

    return before


def statements_of(folder: Path, migrations: tuple[Migration, ...] = MIGRATIONS) -> int:
    """Return how many statements it takes to migrate what is in the folder."""
    numbers: list[int] = []
    migrate.run(folder / FILE, watching(lambda: numbers.append(1)), migrations)
    return len(numbers)


def at_version_1(folder: Path) -> Path:
    """Return the file of a database of the first program, with somebody in it."""
    file = fresh(folder)
    migrate.run(file, connect, MIGRATIONS[:1])
    with closing(connect(file, True)) as connection:
        connection.execute("INSERT INTO users VALUES ('u_aaaaaaaa', 'alice@example.com', '2026-06-10T09:00:00Z')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def described(file: Path) -> dict[str, Any]:
    """Return all that makes a database: its schema, its version, and what it says of its migrations."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {
            "schema": connection.execute(
                "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name"
            ).fetchall(),
            "version": connection.execute("PRAGMA user_version").fetchone(),
            "migrations": connection.execute("SELECT number, name FROM migrations ORDER BY number").fetchall(),
            "users": connection.execute("SELECT id, email FROM users").fetchall(),
        }


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, Any]:
    """A database that was migrated without a hitch."""
    file = fresh(tmp_path / "whole")
    assert migrate.run(file, connect, by_steps=True) == [migration.name for migration in MIGRATIONS]
    return described(file)


def test_the_version_and_the_migrations_table_agree(whole: dict[str, Any]) -> None:
    assert whole["version"] == (len(MIGRATIONS),)
    assert whole["migrations"] == [(number, m.name) for number, m in enumerate(MIGRATIONS, start=1)]


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY, AUDIT], ids=lambda kind: kind.name)
def test_every_field_has_its_column_and_every_column_its_field(tmp_path: Path, kind: Kind) -> None:
    file = fresh(tmp_path / "data")
    migrate.run(file, connect)
    with closing(connect(file, False)) as connection:
        found = connection.execute(f"PRAGMA table_xinfo({kind.plural})").fetchall()
        (strict,) = connection.execute("SELECT strict FROM pragma_table_list WHERE name = ?", (kind.plural,)).fetchone()
    never_empty = {"workspace_id"}
    for field in stored(kind):
        if not field.nullable:
            never_empty |= {field.name, field.compared}
    expected = {name: (type_, name in never_empty) for name, type_ in table_columns(kind)}
    if kind is AUDIT:
        expected |= dict.fromkeys(("op", "version"), ("INTEGER", False))  # which the log keeps for itself
        expected["moved_at"] = ("TEXT", False)
    assert {name: (type_, bool(not_null)) for _, name, type_, not_null, *_ in found} == expected
    assert [name for _, name, _, _, _, key, _ in found if key] == ["seq"]
    assert strict


def test_a_second_start_migrates_nothing(tmp_path: Path) -> None:
    file = fresh(tmp_path / "data")
    migrate.run(file, connect)
    assert migrate.run(file, connect) == []
    assert list(tmp_path.joinpath("data").glob("*before*")) == []


STEPS = sum(len(m.statements) for m in MIGRATIONS[1:])
STARTS = [pytest.param(fresh, 60, id="from nothing"), pytest.param(at_version_1, STEPS, id="from version 1")]


@pytest.mark.slow
@pytest.mark.parametrize(("start", "least"), STARTS)
def test_a_migration_that_was_cut_off_anywhere_is_taken_up_again(
    tmp_path: Path, start: Callable[[Path], Path], least: int, whole: dict[str, Any]
) -> None:
    whole = whole | {"users": described_users(start(tmp_path / "users"))}
    start(tmp_path / "count")
    last = statements_of(tmp_path / "count")
    assert last > least
    for number in range(3, last + 1, 4):  # a process is killed between these
        file = start(tmp_path / str(number))
        with pytest.raises(Cut):
            migrate.run(file, watching(cut_at(number)))
        migrate.run(file, connect)
        assert described(file) == whole, f"cut before statement {number}"


def described_users(file: Path) -> list[Any]:
    with closing(sqlite3.connect(file)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'users'").fetchone() is None:
            return []
        return connection.execute("SELECT id, email FROM users").fetchall()


# A process without threads, so that it can fork: each child is killed before another statement, and nobody tidies up.
KILLS = """
import itertools, os, signal, sys
from pathlib import Path
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.engine.connection import connect

class Dying:
    def __init__(self, connection, last):
        self.connection, self.last, self.count = connection, last, itertools.count(1)
    def execute(self, *arguments):
        if next(self.count) == self.last:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.connection.execute(*arguments)
    def __getattr__(self, name):
        return getattr(self.connection, name)

for number in map(int, sys.argv[2:]):
    child = os.fork()
    if child == 0:
        migrate.run(Path(sys.argv[1], str(number), FILE), lambda *how: Dying(connect(*how), number))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("start", "least"), STARTS)
def test_a_migration_that_was_killed_anywhere_is_taken_up_again(
    tmp_path: Path, start: Callable[[Path], Path], least: int, whole: dict[str, Any]
) -> None:
    whole = whole | {"users": described_users(start(tmp_path / "users"))}
    start(tmp_path / "count")
    last = statements_of(tmp_path / "count")
    assert last > least
    points = range(1, last + 1, 4)
    files = [start(tmp_path / str(number)) for number in points]
    line, env = command()
    script = [line[0], "-c", KILLS, str(tmp_path), *map(str, points)]
    done = subprocess.run(script, env=env, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout.split() == [str(-signal.SIGKILL)] * len(points)
    for number, file in zip(points, files, strict=True):
        migrate.run(file, connect)
        assert described(file) == whole, f"killed before statement {number}"


def test_a_copy_is_kept_of_what_is_about_to_be_migrated(tmp_path: Path) -> None:
    file = at_version_1(tmp_path / "data")
    before = described(file)
    assert migrate.run(file, connect) == [m.name for m in MIGRATIONS[1:]]
    copy = file.with_name("crmkit-before-0002.db")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert described(copy) == before
    assert before["version"] == (1,)
    assert before["users"] == [("u_aaaaaaaa", "alice@example.com")]
    assert sorted(other.name for other in file.parent.iterdir()) == ["crmkit-before-0002.db", "crmkit.db"]


def test_a_copy_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    file = at_version_1(tmp_path / "data")
    part = file.with_name("crmkit-before-0002.part")
    part.write_bytes(b"half of a copy")
    with pytest.raises(Cut):
        migrate.run(file, watching(cut_at(3)))  # the first two ask for the label of a backup and the version
    assert not file.with_name("crmkit-before-0002.db").exists()
    assert migrate.run(file, connect) == [m.name for m in MIGRATIONS[1:]]
    assert described(file.with_name("crmkit-before-0002.db"))["version"] == (1,)
    assert not part.exists()


@pytest.mark.parametrize("room", [0.5, 1.1], ids=["for half of the copy", "for the copy alone"])
def test_a_migration_on_a_full_disk_is_told_and_leaves_no_half_copy(tmp_path: Path, room: float) -> None:
    with mounted(tmp_path, "size=16m") as disk:
        file = at_version_1(disk / "data")
        with closing(connect(file, True)) as connection:
            users = [(f"u_{number}", f"{number}@{'x' * 1000}.com") for number in range(500)]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO users VALUES (?, ?, '2026-06-10T09:00:00Z')", users)
            connection.execute("COMMIT")
        size, before = file.stat().st_size, described(file)
        with (disk / "filler").open("wb", buffering=0) as filler:
            with suppress(OSError):
                while True:
                    filler.write(bytes(4096))
            filler.truncate(filler.tell() - int(size * room))
        with pytest.raises(Unusable, match=rf"the disk that holds {file.parent} is full, .* free twice what it takes"):
            migrate.run(file, connect)
        copies = [copy.name for copy in file.parent.glob("crmkit-before-*")]
        assert copies == ([] if room < 1 else ["crmkit-before-0002.db"])
        if room < 1:
            assert described(file) == before
        (disk / "filler").unlink()
        assert migrate.run(file, connect)[-1] == MIGRATIONS[-1].name
        assert described(file)["users"] == before["users"]


def test_an_empty_database_is_not_copied_before_its_first_migration(tmp_path: Path) -> None:
    migrate.run(fresh(tmp_path / "data"), connect)
    assert list((tmp_path / "data").glob("*before*")) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments", [["serve", "--port", "0"], ["migrate"], ["token", "--email", "alice@example.com"]], ids=lambda a: a[0]
)
def test_an_old_program_leaves_a_newer_database_untouched(tmp_path: Path, arguments: list[str]) -> None:
    file = fresh(tmp_path / "data")
    migrate.run(file, connect)
    with closing(connect(file, True)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = file.read_bytes()
    done = run(*arguments, "--data", str(tmp_path / "data"), cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("crmkit: the database in ")
    assert f"is at version {len(MIGRATIONS) + 1}, this crmkit knows {len(MIGRATIONS)}" in line
    assert "install the newer crmkit" in line
    assert file.read_bytes() == before


@pytest.mark.slow
def test_every_start_closes_the_data_and_its_key_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o755)
    (folder / FILE).touch(mode=0o644)
    done = run("migrate", "--data", str(folder), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for _ in range(2):
        run("token", "--email", "alice@example.com", "--data", str(folder), cwd=tmp_path)
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
        assert {FILE, "secret.key"} <= set(modes)
        assert set(modes.values()) == {0o600}, modes
        (folder / "secret.key").chmod(0o644)
