"""Work on a connection's thread, and how several pieces of work share one trip there.

Clients that are answered together send their next requests within a few turns of the event loop. To start on the first
alone would mean one thread switch for each request, and the two threads would contend for the GIL. So the writer and
the reader wait a turn or two and then send a batch.
"""

import asyncio
from collections.abc import Callable, Sized
from typing import Any, TypeVar

import aiosqlite

T = TypeVar("T")

MOST_TOGETHER = 128  # pieces of work in a batch; bounds how long the first waits for the last


async def on_thread(connection: aiosqlite.Connection, work: Callable[..., T], *args: Any) -> T:
    """Return `work(connection, *args)`, run on the connection's own thread: one trip, however many statements.

    aiosqlite has no public call for this; its private one is named here and nowhere else.
    """
    result: T = await connection._execute(work, connection._conn, *args)  # type: ignore[no-untyped-call]
    return result


async def gathered(waiting: Sized, turns: int) -> None:
    """Return when MOST_TOGETHER wait, or as soon as `turns` of the event loop bring no further one."""
    seen = 0
    while seen < len(waiting) < MOST_TOGETHER:
        seen = len(waiting)
        for _ in range(turns):
            await asyncio.sleep(0)
