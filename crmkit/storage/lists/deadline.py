"""How long a read may take, and what is answered when it may not go on."""

import time
from collections.abc import Callable
from contextvars import ContextVar

from msgspec import Struct

from crmkit.errors import Problem

SCAN_SECONDS = 10  # what a list or search may take, with the time it waited for its turn

# tells whether the client that asks has gone; the web layer sets it for each request
asker: ContextVar[Callable[[], bool] | None] = ContextVar("asker", default=None)


class GaveUp(Exception):
    """A trial took too many steps (see Connection.trial)."""


class Interrupted(Exception):
    """The database stopped a read for work of its own; the read is to be run again."""


class Deadline(Struct):
    """When a read ends before it is done.

    `ends` is of the monotonic clock. `is_gone` tells that its client has gone. Another thread sets `must_yield` to have
    the read stopped and run again.
    """

    ends: float = float("inf")
    is_gone: Callable[[], bool] | None = None
    must_yield: bool = False

    @classmethod
    def of_asker(cls) -> "Deadline":
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

    def refusal(self) -> Exception:
        """Return what a read raises that was stopped because it may not go on."""
        if self.must_yield:
            return Interrupted()
        return _too_slow() if self.is_late else given_up()


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
