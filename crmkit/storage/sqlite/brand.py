"""SQLite as a brand of database."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TypeVar

from crmkit.clock import Clock
from crmkit.storage.interface.auth_cache import AuthCache
from crmkit.storage.interface.brand import Brand, Pending, ReadNext, RunNext
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import InUse
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.tx import Unit
from crmkit.storage.lists.deadline import Deadline
from crmkit.storage.sqlite import auth_outside, auth_triggers
from crmkit.storage.sqlite.backup import copying
from crmkit.storage.sqlite.backup.make import is_backup_of, make
from crmkit.storage.sqlite.backup.restore import restore
from crmkit.storage.sqlite.doctor import examine, is_served
from crmkit.storage.sqlite.engine import faults, migrate
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect, connect_for_stream
from crmkit.storage.sqlite.engine.database import SqliteDatabase
from crmkit.storage.sqlite.engine.driver import VERSION, is_fixed
from crmkit.storage.sqlite.engine.folder import FILE, existing, held, prepare
from crmkit.storage.sqlite.engine.progress import snapshot
from crmkit.storage.sqlite.engine.writer import commit_group
from crmkit.storage.sqlite.migrations import MIGRATIONS
from crmkit.storage.sqlite.whole import filled, whole

T = TypeVar("T")

WRITTEN = "read or written"
PAUSE_SECONDS = 0.05  # between two units beside a server, whose writer finds the file free by looking again and again


def _open(folder: Path, clock: Clock) -> SqliteDatabase:
    prepare(folder)
    return SqliteDatabase(folder, clock)


def _migrate(folder: Path) -> list[str]:
    prepare(folder)
    with held(folder):
        return _numbered(migrate.run(folder / FILE, connect))


def _numbered(newest: Sequence[str]) -> list[str]:
    """Return the names of the newest migrations, each with its number, by which copies are named."""
    first = len(MIGRATIONS) - len(newest) + 1
    return [f"{number:04d} {name}" for number, name in enumerate(newest, first)]


def _pending(folder: Path) -> Pending:
    file = existing(folder)
    with faults.told(file, "opened"), closing(copying.still(file)) as connection:
        waiting = migrate.not_applied(connection, file)
    kept = migrate.copy_of(file, len(MIGRATIONS) - len(waiting)) if waiting else None
    return Pending(_numbered([migration.name for migration in waiting]), kept)


@contextmanager
def _alone(folder: Path) -> Iterator[RunNext]:
    """Do units while no server can run."""
    prepare(folder)
    with held(folder), faults.told(folder / FILE, WRITTEN):
        migrate.run(folder / FILE, connect)
        with closing(connect(folder / FILE, True)) as connection:
            migrate.make_dropped(connection)
            yield partial(_unit, connection)


def _unit(connection: SqliteConnection, unit: Unit[T], lanes: Lanes, now: str) -> T:
    (outcome,) = commit_group(connection, [(unit, None, lanes)], now)
    if isinstance(outcome, BaseException):
        raise outcome
    returned: T = outcome
    return returned


@contextmanager
def _runs(folder: Path) -> Iterator[RunNext]:
    """Do units on a connection of its own. Beside a server only if this SQLite is free of the WAL-reset bug."""
    prepare(folder)
    with faults.told(folder / FILE, WRITTEN), ExitStack() as stack:
        is_alone = True
        try:
            stack.enter_context(held(folder))
            migrate.run(folder / FILE, connect)
        except InUse:
            is_alone = False
            if not is_fixed(VERSION):
                raise InUse(
                    f"a server runs on {folder}, and SQLite {VERSION} must not be written beside it: stop it first"
                ) from None
        connection = stack.enter_context(closing(connect(folder / FILE, True)))
        if not is_alone:  # the server copies the log back
            connection.execute("PRAGMA wal_autocheckpoint = 0")

        units, rights = count(), AuthCache()
        auth_triggers.watch(connection, rights)

        def run(unit: Unit[T], lanes: Lanes, now: str) -> T:
            if next(units) and not is_alone:
                time.sleep(PAUSE_SECONDS)
            try:
                return _unit(connection, unit, lanes, now)
            finally:
                if rights.forget():
                    auth_outside.tell(folder)

        yield run


def _run(folder: Path, unit: Unit[T], lanes: Lanes, now: str) -> T:
    with _runs(folder) as run:
        return run(unit, lanes, now)


@contextmanager
def _reads(folder: Path) -> Iterator[ReadNext]:
    """Read on a connection of its own, beside a server or not; nothing is written."""
    file = existing(folder)
    with faults.told(file, "read"), closing(connect_for_stream(file)) as connection:
        yield lambda work: snapshot(connection, Deadline(), work)


def _read(folder: Path, work: Callable[[Connection], T]) -> T:
    """Read once, beside a server or not; without one the data is brought up to date before."""
    file = existing(folder)
    with suppress(InUse), held(folder):
        migrate.run(file, connect)
    with _reads(folder) as read:
        return read(work)


SQLITE = Brand(
    _open,
    _migrate,
    _pending,
    examine,
    is_served,
    run=_run,
    runs=_runs,
    alone=_alone,
    renewing=_alone,
    read=_read,
    reads=_reads,
    backup=make,
    is_backup_of=is_backup_of,
    restore=restore,
    whole=whole,
    filled=filled,
    version=f"SQLite {VERSION}",
)
