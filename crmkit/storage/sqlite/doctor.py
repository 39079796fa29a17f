"""What `crmkit doctor` looks at in the folder of a SQLite database: the library, the files, the lock, the content."""

import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from crmkit.storage import secret
from crmkit.storage.columns import quoted
from crmkit.storage.data_folder import why_not
from crmkit.storage.interface.database import Finding, InUse, Unusable
from crmkit.storage.sqlite.engine import faults, migrate
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, check_free, finish, refuse_backup
from crmkit.storage.sqlite.files import left, program, room
from crmkit.storage.sqlite.migrations import MIGRATIONS


def examine(folder: Path) -> Iterator[Finding]:
    """Yield what was found; nothing is made or written, but a write that was killed in its middle is taken back."""
    yield program()
    folder = folder.absolute()
    file = folder / FILE
    try:
        file.open("rb").close()
    except FileNotFoundError:
        state = f"holds no {FILE}" if folder.is_dir() else "does not exist"
        yield Finding(
            "database",
            False,
            f"nothing is there: {folder} {state}; name the data folder with --data, or start `crmkit serve`, "
            "which makes it",
        )
        return
    except OSError as error:
        yield Finding("database", False, why_not(folder, error))
        return
    yield _mode("folder", folder, 0o700)
    yield _mode("database", file, 0o600)
    if (key := secret.place(folder)).exists():
        yield _mode("key", key, 0o600)
    try:
        served = _served(folder)
        yield Finding("server", True, served or "none runs on this data")
    except OSError as error:
        served = ""
        yield Finding("server", False, why_not(folder, error))
    if not served:  # by a restore that runs
        yield from left(folder)
    yield from room(folder)
    try:
        finish(folder)
        with closing(connect(file, False)) as connection:
            refuse_backup(connection, file)
            version = migrate.version(connection)
            known = len(MIGRATIONS)
            advice = (
                "" if version == known else "; run `crmkit migrate`" if version < known else "; install a newer crmkit"
            )
            yield Finding("schema", version == known, f"version {version}, this program knows {known}{advice}")
            yield _integrity(connection, bool(served))
            yield _links(connection)
            if version == known and (names := ", ".join(migrate.dropped(connection))):
                told = f"somebody dropped {names}: `crmkit doctor --repair` makes it again while no server runs"
                yield Finding("indexes", False, told)
            if version == known:
                workspaces, records = connection.execute(
                    "SELECT (SELECT count(*) FROM workspaces), (SELECT coalesce(sum(live), 0) FROM counts)"
                ).fetchone()
                yield Finding(
                    "content", True, f"{workspaces} workspaces, {records} records, {file.stat().st_size:,} bytes"
                )
    except Unusable as error:
        yield Finding("database", False, str(error))
    except OSError as error:
        yield Finding("database", False, why_not(folder, error))
    except sqlite3.Error as error:
        told = faults.beside(file, error) or f"{file} cannot be read ({error}); restore a copy"
        yield Finding("database", False, told)


def is_served(folder: Path) -> bool:
    """Tell whether a server runs on this data."""
    return bool(_served(folder))


def _served(folder: Path) -> str:
    """Return what says that a server runs on this data; empty where none does."""
    try:
        check_free(folder)
    except InUse as error:
        return str(error).partition(";")[0]
    return ""


def _integrity(connection: SqliteConnection, is_served: bool) -> Finding:
    """Return what SQLite finds of its own structures; beside a server a table at a time, and less of indexes."""
    verdict = "ok"
    for check in [f"quick_check({quoted(name)})" for name in _tables(connection)] if is_served else ["integrity_check"]:
        for (found,) in connection.execute(f"PRAGMA {check}").fetchmany(1):
            verdict = verdict if found == "ok" else " ".join(found.split())  # it may have several lines
    how = "ok, looked at quickly beside the server" if is_served else "ok"
    return Finding("integrity", verdict == "ok", how if verdict == "ok" else f"{verdict}; restore a copy")


def _links(connection: SqliteConnection) -> Finding:
    """Return which rows refer to others that are not there."""
    told, wrong = "", 0
    for name in _tables(connection):
        for table, _, to, _ in connection.execute(f"PRAGMA foreign_key_check({quoted(name)})"):
            told, wrong = told or f"a row of {table} refers to one of {to} that is not there", wrong + 1
    more = f", and {wrong - 1:,} more do" if wrong > 1 else ""
    return Finding("links", not wrong, f"{told}{more}; restore a copy" if wrong else "all lead to rows that are there")


def _tables(connection: SqliteConnection) -> list[str]:
    sql = (
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') "
        "AND name NOT LIKE 'sqlite/_%' ESCAPE '/'"
    )
    return [name for (name,) in connection.execute(sql).fetchall()]


def _mode(name: str, path: Path, wanted: int) -> Finding:
    if not path.exists():
        return Finding(name, False, f"{path} is missing: `crmkit restore` puts a backup there")
    found = stat.S_IMODE(path.stat().st_mode)
    advice = "" if found == wanted else f"; others can read it: chmod {wanted:o} {path}"
    return Finding(name, found == wanted, f"{path} has mode {found:04o}{advice}")
