"""How long a read may take: seconds in all, and steps of SQLite for a way that is only tried.

Both are watched by SQLite's progress handler, which is called every few steps on the connection's own thread.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from crmkit.errors import Problem
from crmkit.storage.sqlite.engine.driver import sqlite3

T = TypeVar("T")

SCAN_SECONDS = 10  # what a list or search may take, with the time it waited for its turn
TRIED_STEPS = 200_000  # of a way that is only tried: about 20,000 rows looked at
LOOK_STEPS = 10_000  # between two looks at the time

# tells whether the client that asks has gone; the web layer sets it for each request
asker: ContextVar[Callable[[], bool] | None] = ContextVar("asker", default=None)


class GaveUp(Exception):
    """What was tried took too many steps."""


class Interrupted(Exception):
    """A read was ended for a checkpoint of the write-ahead log, and is to be run again."""


@dataclass(slots=True)
class Patience:
    """When one read ends before it is done: `ends` is of the monotonic clock, `is_gone` tells that its client has gone,
    `must_yield` is set from another thread to have it stopped and run again."""

    ends: float = float("inf")
    is_gone: Callable[[], bool] | None = None
    must_yield: bool = False

    @classmethod
    def of_asker(cls) -> "Patience":
        """Return that of a read that the present request asks for now."""
        return cls(time.monotonic() + SCAN_SECONDS, asker.get())

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self.ends

    def is_in_vain(self) -> bool:
        """Tell whether nobody waits for the read any more."""
        return self.is_late or (self.is_gone is not None and self.is_gone())

    def is_over(self) -> bool:
        return self.must_yield or self.is_in_vain()


_patience: ContextVar[Patience] = ContextVar("_patience", default=Patience())  # noqa: B039 (nothing changes this one)


def snapshot(connection: Any, patience: Patience, work: Callable[..., T], *args: Any) -> T:
    """Return `work(connection, *args)`, all of whose statements see the database at one moment.

    Raises `not_ready` when patience ends before the work does, so that one query cannot hold up all others; Interrupted
    when it was told to yield.
    """
    before = _patience.set(patience)
    connection.set_progress_handler(patience.is_over, LOOK_STEPS)
    connection.execute("BEGIN")
    try:
        return work(connection, *args)
    except sqlite3.OperationalError as error:
        if str(error) != "interrupted":
            raise
        if patience.must_yield:
            raise Interrupted from None
        raise (_too_slow() if patience.is_late else given_up()) from None
    finally:
        connection.set_progress_handler(None, 0)
        _patience.reset(before)
        if connection.in_transaction:  # SQLite ends it by itself when the disk cannot be read
            connection.execute("ROLLBACK")


def given_up() -> Problem:
    """Return what is answered for a client that has gone, or while the server stops."""
    hint = "The server is stopping and did not finish this; send it again in a moment."
    return Problem("busy", hint, headers={"Retry-After": "1"})


def _too_slow() -> Problem:
    return Problem(
        "not_ready",
        f"This query took longer than {SCAN_SECONDS} seconds: add a filter, or sort by another key.",
        headers={"Retry-After": str(SCAN_SECONDS)},
    )


@contextmanager
def tried(connection: Any) -> Iterator[None]:
    """Raise GaveUp out of the block once it has taken TRIED_STEPS."""
    patience = _patience.get()
    looks = 0

    def is_enough() -> bool:
        nonlocal looks
        looks += 1
        return looks * LOOK_STEPS > TRIED_STEPS or patience.is_over()

    connection.set_progress_handler(is_enough, LOOK_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted" and not patience.is_over():
            raise GaveUp from None
        raise
    finally:
        connection.set_progress_handler(patience.is_over, LOOK_STEPS)
