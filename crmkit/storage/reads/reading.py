"""What scans and streams are told of a database, and how who waits for a read gets its outcome."""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct


class Reading(Struct, frozen=True):
    """`open` returns a new connection, which has `close`; it is used on the thread that opened it, or on another alone.

    `snapshot(connection, deadline, work, *args)` returns `work(connection, *args)`, all of whose statements see one
    moment; past the deadline it raises what that refuses with. `failed` returns what the caller of a read gets that
    raised this.
    """

    open: Callable[[], Any]
    snapshot: Callable[..., Any]
    failed: Callable[[BaseException], BaseException]


def tell(answer: asyncio.Future[Any], outcome: Any) -> None:
    """Give the caller who awaits `answer` what the work returned, or raise there what it raised.

    A caller who was cancelled meanwhile gets nothing.
    """
    if answer.done():
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
