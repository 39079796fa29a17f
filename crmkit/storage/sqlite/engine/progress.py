"""A read ends at its deadline: SQLite's progress handler stops the statement that runs.

SQLite calls the handler every few steps of its virtual machine, on the connection's own thread, and interrupts the
statement when the handler answers True.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from crmkit.storage.lists.deadline import Deadline, GaveUp
from crmkit.storage.reads.reading import Reading
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.driver import sqlite3

T = TypeVar("T")

TRIAL_STEPS = 200_000  # of a trial: about 20,000 rows looked at
LOOK_STEPS = 10_000  # between two calls of the handler

# that of the read which runs on this thread
_deadline: ContextVar[Deadline] = ContextVar("_deadline", default=Deadline())  # noqa: B039 (nothing changes this one)


def snapshot(connection: sqlite3.Connection, deadline: Deadline, work: Callable[..., T], *args: Any) -> T:
    """Return `work(connection, *args)`, all of whose statements see the database at one moment.

    If the deadline comes first, raises what `refusal()` says; so no query holds up the others.
    """
    before = _deadline.set(deadline)
    connection.set_progress_handler(deadline.is_over, LOOK_STEPS)
    connection.execute("BEGIN")
    try:
        return work(connection, *args)
    except sqlite3.OperationalError as error:
        if not faults.is_interrupt(error):
            raise
        raise deadline.refusal() from None
    finally:
        connection.set_progress_handler(None, 0)
        _deadline.reset(before)
        if connection.in_transaction:  # SQLite ends it by itself when the disk cannot be read
            connection.execute("ROLLBACK")


def reading(open_: Callable[[], sqlite3.Connection]) -> Reading:
    """Return what scans and streams are told, whose connections `open_` opens."""
    return Reading(open_, snapshot, faults.read_failed)


@contextmanager
def trial(connection: sqlite3.Connection) -> Iterator[None]:
    """Raise GaveUp out of the block once it has taken TRIAL_STEPS."""
    deadline = _deadline.get()
    looks = 0

    def is_enough() -> bool:
        nonlocal looks
        looks += 1
        return looks * LOOK_STEPS > TRIAL_STEPS or deadline.is_over()

    connection.set_progress_handler(is_enough, LOOK_STEPS)
    try:
        yield
    except sqlite3.OperationalError as error:
        if faults.is_interrupt(error) and not deadline.is_over():
            raise GaveUp from None
        raise
    finally:
        connection.set_progress_handler(deadline.is_over, LOOK_STEPS)
