"""Work on a connection's thread: one hop there and back, which those share that ask for it at about the same time.

Clients that were answered together come back one after another. Who starts with the first of them goes to the thread
again and again, and its thread and that of the event loop take the interpreter from each other.
"""

import asyncio
from collections.abc import Callable, Sized
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")

MOST_TOGETHER = 128  # bounds how long the first waits for the last


async def on_thread(connection: aiosqlite.Connection, work: Callable[..., T], *args: Any) -> T:
    """Return `work(connection, *args)`, run on the connection's own thread: one hop, however many statements.

    aiosqlite has no public call for this; its private one is named here and nowhere else.
    """
    result: T = await connection._execute(work, connection._conn, *args)  # type: ignore[no-untyped-call]
    return result


async def gathered(waiting: Sized, turns: int) -> None:
    """Return when MOST_TOGETHER wait, or the event loop has turned so often without bringing a further one."""
    seen = 0
    while seen < len(waiting) < MOST_TOGETHER:
        seen = len(waiting)
        for _ in range(turns):
            await asyncio.sleep(0)


def tell(answer: asyncio.Future[Any], outcome: Any) -> None:
    """Give whoever waits what a piece of work returned, or raise there what it raised; who has gone is told nothing."""
    if answer.done():
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
