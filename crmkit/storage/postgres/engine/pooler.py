"""A pooler of transactions between this program and PostgreSQL: told by `pooler=transaction` in the URL.

There a connection is another session in each transaction. So options are not set when it begins, no statement is
prepared, nothing is listened to: whoever tells of a commit also writes that to a table, at which all others look.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import psycopg

from crmkit.storage.interface.commits import Commits
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.notices import Notices

LOOK_SECONDS = 0.1
KEPT_SECONDS = 60  # of a notice; who did not look for half as long takes it that some were missed

# what was committed since a look before: by what that saw, since it may have begun before what was seen
_NEWS = (
    "SELECT CAST(now AS text), said FROM pg_current_snapshot() AS now LEFT JOIN notices "
    "ON xid >= pg_snapshot_xmin(CAST(? AS pg_snapshot)) AND NOT pg_visible_in_snapshot(xid, CAST(? AS pg_snapshot))"
)
_DROP = f"DELETE FROM notices WHERE at < now() - interval '{KEPT_SECONDS} seconds'"


class PolledNotices(Notices):
    """Notices that are read from their table."""

    def __init__(self, open_: Callable[[], PostgresConnection], commits: Commits) -> None:
        super().__init__(open_, commits)
        self._task: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        seen, life = await self._pool.read(_visible)
        self._task = asyncio.create_task(self._look(seen, life))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await super().close()

    async def _look(self, seen: str, life: str) -> None:
        looked = dropped = time.monotonic()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with suppress(psycopg.Error):  # reads and writes tell that the database is away
                lived = life
                seen, news, life = await self._pool.read(_news, seen)
                for said in news:
                    self.pass_on(said)
                before, looked = looked, time.monotonic()
                if looked - before > KEPT_SECONDS / 2 or life != lived:  # a crash empties the table
                    self._commits.tell_all()
                if looked - dropped > KEPT_SECONDS:
                    dropped = looked
                    await self._pool.run(lambda connection: connection.execute(_DROP))


def _visible(connection: PostgresConnection) -> tuple[str, str]:
    found: str = connection.execute("SELECT CAST(pg_current_snapshot() AS text)").fetchone()[0]
    return found, connection.life


def _news(connection: PostgresConnection, seen: str) -> tuple[str, list[str], str]:
    """Return which transactions are visible now, what those told that were not `seen`, and the server's life."""
    rows = connection.execute(_NEWS, (seen, seen)).fetchall()
    return rows[0][0], [said for _, said in rows if said is not None], connection.life
