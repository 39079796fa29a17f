"""Migrations: forward only, each in one transaction with the row that records it. A new database gets their outcome.

Interrupted at any statement, the transaction is rolled back and the next start does it again. A copy of the database
is kept beside it before anything is migrated.
"""

import logging
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from crmkit.clock import stamp, system_clock
from crmkit.storage.interface.database import Newer, Unusable
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import refuse_backup
from crmkit.storage.sqlite.migrations import MIGRATIONS, Migration, schema

_INDEX = re.compile(r'CREATE (?:UNIQUE )?INDEX "?(\w+)"?')

log = logging.getLogger("crmkit")

Connect = Callable[[Path, bool], SqliteConnection]


def run(
    file: Path, connect: Connect, migrations: tuple[Migration, ...] = MIGRATIONS, by_steps: bool = False
) -> list[str]:
    """Bring the database in `file` up to date and return the names of the migrations applied.

    An empty one gets the newest schema at once, or, `by_steps`, goes through each migration too.
    The caller holds the folder's lock. Raises Unusable when the file is no database, or a backup, or the disk is full,
    and Newer when the database knows a migration that this program does not.
    """
    with closing(_opened(file, connect)) as connection:
        with faults.told(file, "opened"):
            pending = not_applied(connection, file, migrations)
        done, kept = len(migrations) - len(pending), None
        try:
            if pending and done:
                kept = keep_copy(connection, file, done)
            elif not done and not by_steps:
                done = _begin(connection, migrations)
            for number, migration in enumerate(migrations[done:], start=done + 1):
                apply(connection, number, migration)
        except sqlite3.Error as error:
            raise Unusable(
                faults.cannot("migrated", file, error, "twice what it takes, since a copy is kept,")
            ) from error
        if kept is not None:
            log.warning("the database was migrated; %s has it as it was: remove that once you are content", kept)
        return [migration.name for migration in pending]


def not_applied(
    connection: SqliteConnection, file: Path, migrations: tuple[Migration, ...] = MIGRATIONS
) -> tuple[Migration, ...]:
    """Return the migrations that the database in `file` does not have yet.

    Raises Newer where it has others, Unusable where it is a backup that was copied there.
    """
    refuse_backup(connection, file)
    done = version(connection)
    if done > len(migrations):
        raise Newer(
            f"the database in {file} is at version {done}, this crmkit knows {len(migrations)}: "
            "install the newer crmkit again, or restore a copy made before its migration"
        )
    return migrations[done:]


def copy_of(file: Path, done: int) -> Path:
    """Return where the copy is kept of a database at version `done`."""
    return file.with_name(f"{file.stem}-before-{done + 1:04d}.db")


def _opened(file: Path, connect: Connect) -> SqliteConnection:
    with faults.told(file, "opened"):
        return connect(file, True)


def version(connection: SqliteConnection) -> int:
    """Return how many migrations the database has; 0 for an empty file."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def _begin(connection: SqliteConnection, migrations: Sequence[Migration]) -> int:
    """Give an empty database the newest schema and return its version; 0 where only older ones are wanted."""
    made = schema.newest()
    if made.version > len(migrations):
        return 0
    _execute(connection, made.statements, 1, migrations[: made.version])
    return made.version


def apply(connection: SqliteConnection, number: int, migration: Migration) -> None:
    """Apply one migration and record it, or leave the database as it was."""
    _execute(connection, migration.statements, number, [migration])


def dropped(connection: SqliteConnection) -> dict[str, str]:
    """Return what makes the indexes that the newest schema has and the database, which is at it, has not, by name."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'index'")
    there = {name for (name,) in rows.fetchall()}
    named = {found[1]: found.string for found in map(_INDEX.match, schema.newest().statements) if found}
    return {name: sql for name, sql in named.items() if name not in there}


def make_dropped(connection: SqliteConnection) -> None:
    """Make the indexes again that somebody dropped."""
    for name, sql in dropped(connection).items():
        try:
            connection.execute(sql)
        except sqlite3.IntegrityError as error:
            raise Unusable(f"the index {name} cannot be made again ({error}): change or delete such records") from None


def _execute(
    connection: SqliteConnection, statements: Sequence[str], first: int, migrations: Sequence[Migration]
) -> None:
    """Execute what these migrations make, and record them, the first under this number, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements:
            connection.execute(statement)
        for number, migration in enumerate(migrations, start=first):
            if migration.work is not None:
                migration.work(connection)
            connection.execute(
                "INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)",
                (number, migration.name, stamp(system_clock())),
            )
        connection.execute(f"PRAGMA user_version = {first + len(migrations) - 1:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def keep_copy(connection: SqliteConnection, file: Path, done: int) -> Path:
    """Return the path of a whole copy of the database as it is at version `done`, mode 0600.

    Written under another name and renamed when complete, so a copy that exists is a copy that can be used.
    """
    copy = copy_of(file, done)
    part = copy.with_suffix(".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        part.replace(copy)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return copy
