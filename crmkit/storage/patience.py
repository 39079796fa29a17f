"""How long a read may take: seconds in all, and steps of SQLite for a way that is only tried.

Both are watched by SQLite's progress handler, which is called every few steps on the connection's own thread.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from crmkit.errors import Problem
from crmkit.storage.sqlite import sqlite3
from crmkit.storage.tx import Connection

T = TypeVar("T")

SCAN_SECONDS = 10  # what a list or search may take
TRIED_STEPS = 200_000  # of a way that is only tried: about 20,000 rows looked at
LOOK_STEPS = 10_000  # between two looks at the time

_end: ContextVar[float] = ContextVar("_end", default=float("inf"))


class GaveUp(Exception):
    """What was tried took too many steps."""


def snapshot(connection: Connection, work: Callable[..., T], *args: Any) -> T:
    """Return `work(connection, *args)`, all of whose statements see the database at one moment.

    Raises `not_ready` when it takes longer than SCAN_SECONDS, so that one query cannot hold up all others.
    """
    started = _end.set(time.monotonic() + SCAN_SECONDS)
    connection.set_progress_handler(_is_late, LOOK_STEPS)
    connection.execute("BEGIN")
    try:
        return work(connection, *args)
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        raise Problem(
            "not_ready",
            f"This query took longer than {SCAN_SECONDS} seconds: add a filter, or sort by another key.",
        ) from None
    finally:
        connection.set_progress_handler(None, 0)
        connection.execute("ROLLBACK")
        _end.reset(started)


@contextmanager
def tried(connection: Connection) -> Iterator[None]:
    """Raise GaveUp out of the block once it has taken TRIED_STEPS."""
    looks = 0

    def is_enough() -> bool:
        nonlocal looks
        looks += 1
        return looks * LOOK_STEPS > TRIED_STEPS or _is_late()

    connection.set_progress_handler(is_enough, LOOK_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted" and not _is_late():
            raise GaveUp from None
        raise
    finally:
        connection.set_progress_handler(_is_late, LOOK_STEPS)


def _is_late() -> bool:
    return time.monotonic() > _end.get()
