"""PostgreSQL as a brand of database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import psycopg

from crmkit.clock import Clock
from crmkit.storage import secret
from crmkit.storage.interface.brand import Backup, Brand, Pending, ReadNext, Restored, RunNext
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Unusable
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.tx import Unit
from crmkit.storage.lists.deadline import Deadline
from crmkit.storage.postgres import key, migrate
from crmkit.storage.postgres.doctor import examine
from crmkit.storage.postgres.engine import faults, serving, transactions
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect
from crmkit.storage.postgres.engine.database import PostgresDatabase
from crmkit.storage.postgres.engine.faults import told
from crmkit.storage.postgres.engine.notices import tell_from_outside
from crmkit.storage.postgres.engine.reading.snapshot import snapshot
from crmkit.storage.postgres.engine.transactions import Work
from crmkit.storage.postgres.whole import filled, whole

T = TypeVar("T")


def postgres(url: str) -> Brand:
    """Return the brand of the database at this address; the folder that its functions get has what is no row."""
    return Brand(
        open=partial(_open, url),
        migrate=lambda folder: migrate.run(url),
        pending=lambda folder: Pending(migrate.pending(url), None),
        examine=partial(examine, url),
        is_served=lambda folder: _is_served(url),
        run=partial(_run, url),
        runs=partial(_runs, url),
        alone=partial(_runs, url, is_alone=True),
        renewing=partial(_runs, url, is_alone=True, is_renewing=True),
        read=partial(_read, url),
        reads=partial(_reads, url),
        backup=_backup,
        is_backup_of=lambda folder, file: False,  # its own backups are those of PostgreSQL
        restore=_restore,
        whole=partial(whole, partial(_connected, url)),
        filled=partial(filled, partial(_connected, url), url),
        version=f"PostgreSQL, by psycopg {psycopg.__version__}",
        caution="PostgreSQL is experimental: docs/growing.md says what was tested",
    )


def _open(url: str, folder: Path, clock: Clock) -> PostgresDatabase:
    if not secret.place(folder).exists():  # of which none is made where the database has one
        with told(), closing(_connected(url)) as connection:
            key.check(connection, folder)
    _prepare(folder)
    return PostgresDatabase(url, folder, clock)


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextmanager
def _runs(url: str, folder: Path, is_alone: bool = False, is_renewing: bool = False) -> Iterator[RunNext]:
    """Do units on a connection of its own, whether servers run or not: each takes the lanes of its unit.

    While they are done `is_alone`, no server can begin; raises InUse if one runs. If it `is_renewing`, the database
    belongs to the key of the folder once they are done.
    """
    migrate.run(url)
    with told(), ExitStack() as stack:
        connection = stack.enter_context(closing(_connected(url)))
        migrate.check_writes(connection)
        if not is_renewing:
            key.check(connection, folder)
        _prepare(folder)
        if is_alone:
            gate = stack.enter_context(closing(_connected(url)))
            stack.enter_context(serving.excluded(gate))
            if is_renewing:
                secret.read_or_make(folder)
                key.claim(gate, folder)

        def run(unit: Unit[T], lanes: Lanes, now: str) -> T:
            work = Work(unit, None, tuple(lanes))
            (outcome,) = transactions.run(connection, [work], lambda: now)
            if isinstance(outcome, BaseException):
                raise outcome
            tell_from_outside(connection)
            returned: T = outcome
            return returned

        yield run


def _run(url: str, folder: Path, unit: Unit[T], lanes: Lanes, now: str) -> T:
    with _runs(url, folder) as run:
        return run(unit, lanes, now)


def _read(url: str, folder: Path, work: Callable[[Connection], T]) -> T:
    migrate.run(url)
    with told(), closing(_connected(url)) as connection:
        key.check(connection, folder)
        return snapshot(connection, Deadline(), work)


@contextmanager
def _reads(url: str, folder: Path) -> Iterator[ReadNext]:
    """Read on a connection of its own; nothing is written."""
    with told(), closing(_connected(url)) as connection:
        yield lambda work: snapshot(connection, Deadline(), work)


def _is_served(url: str) -> bool:
    with told(), closing(_connected(url)) as connection:
        return serving.is_served(connection)


def _backup(folder: Path, file: Path, part: Path, now: str) -> Backup:
    raise Unusable(
        f"crmkit backs up no PostgreSQL: run pg_dump, and copy {folder} (its key and files) beside what it writes"
    )


def _restore(folder: Path, file: Path, now: str) -> Restored:
    raise Unusable(
        f"crmkit restores no PostgreSQL: run psql (or pg_restore) with what pg_dump wrote, and put back {folder}"
    )


def _connected(url: str) -> PostgresConnection:
    try:
        return connect(url)
    except psycopg.Error as error:
        raise Unusable(faults.unreachable(error)) from None
