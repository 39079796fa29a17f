"""A pooler of transactions between this program and PostgreSQL: told by `pooler=transaction` in the URL.

There a connection is another session in each transaction. So options are not set when it begins, no statement is
prepared, nothing is listened to: this process looks whether something was committed.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import psycopg

from crmkit.storage.interface.commits import Commits
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.notices import Notices
from crmkit.storage.postgres.engine.pool import Pool

LOOK_SECONDS = 0.1


class Looks(Notices):
    """Wakes all listeners when anything was committed in the cluster, whoever did it. Others are told by NOTIFY."""

    def __init__(self, open_: Callable[[], PostgresConnection], commits: Commits) -> None:
        super().__init__(open_, commits)
        self._pool = Pool(open_, 1)
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        seen = await self._pool.read(_visible)
        self._task = asyncio.create_task(self._look(seen))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._pool.close()

    async def _look(self, seen: str) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = seen
            with suppress(psycopg.Error):  # reads and writes tell that the database is away
                now = await self._pool.read(_visible)
            if now != seen:
                seen = now
                self._commits.tell_all()


def _visible(connection: PostgresConnection) -> str:
    """Return which transactions are visible: while that stays the same, nothing was committed."""
    found: str = connection.execute("SELECT pg_current_snapshot()::text").fetchone()[0]
    return found
