"""SQLite as a brand of database."""

from contextlib import ExitStack, closing
from pathlib import Path
from typing import TypeVar

from crmkit.clock import Clock
from crmkit.storage.interface.brand import Brand
from crmkit.storage.interface.database import InUse
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.tx import Unit
from crmkit.storage.sqlite.doctor import examine
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.database import SqliteDatabase
from crmkit.storage.sqlite.engine.driver import VERSION, is_fixed
from crmkit.storage.sqlite.engine.folder import FILE, held, prepare
from crmkit.storage.sqlite.engine.writer import commit_group

T = TypeVar("T")


def _open(folder: Path, clock: Clock) -> SqliteDatabase:
    prepare(folder)
    return SqliteDatabase(folder, clock)


def _migrate(folder: Path) -> list[str]:
    prepare(folder)
    with held(folder):
        return migrate.run(folder / FILE, connect)


def _run(folder: Path, unit: Unit[T], lanes: Lanes, now: str) -> T:
    """Do one unit on a connection of its own. Beside a server only if this SQLite is free of the WAL-reset bug."""
    prepare(folder)
    with ExitStack() as stack:
        try:
            stack.enter_context(held(folder))
            migrate.run(folder / FILE, connect)
        except InUse:
            if not is_fixed(VERSION):
                raise InUse(
                    f"a server runs on {folder}, and SQLite {VERSION} must not be written beside it: stop it first"
                ) from None
        connection = stack.enter_context(closing(connect(folder / FILE, True)))
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        (outcome,) = commit_group(connection, [(unit, None, lanes)], now)
    if isinstance(outcome, BaseException):
        raise outcome
    returned: T = outcome
    return returned


SQLITE = Brand(_open, _migrate, examine, _run)
