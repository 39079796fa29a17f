"""What one process at a time does of all that share a database: the one that holds the lease of its name.

A lease is a row with its holder and its end by the clock of the database. Who holds it renews it long before it ends,
and stops in time by its own clock where it cannot. So another process follows one that was killed, TAKEN_SECONDS later
at the latest.
"""

import asyncio
import logging
import os
import platform
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from crmkit.storage.interface.commits import Commits
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.notices import Notices
from crmkit.storage.postgres.engine.pool import Pool

HELD_SECONDS = 8  # since it was renewed last
RENEW_SECONDS = 2  # between two renewals, and two looks of those who wait for it
TAKEN_SECONDS = HELD_SECONDS + RENEW_SECONDS
TOPIC = "leases"  # of the notice that one was given back

_TAKE = (
    "INSERT INTO leases AS l (name, holder, until) "
    "SELECT CAST(? AS text), CAST(? AS text), clock_timestamp() + make_interval(secs => ?) "
    # without it who waits would write, too
    "WHERE NOT EXISTS (SELECT 1 FROM leases WHERE name = ? AND holder <> ? AND until >= clock_timestamp()) "
    "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until "
    "WHERE l.holder = excluded.holder OR l.until < clock_timestamp() RETURNING 1"
)

log = logging.getLogger("crmkit")


def take(connection: PostgresConnection, name: str, holder: str, seconds: float = HELD_SECONDS) -> bool:
    """Take a lease, or renew one's own; tell whether it is the holder's for so many seconds."""
    return connection.execute(_TAKE, (name, holder, seconds, name, holder)).fetchone() is not None


def end(connection: PostgresConnection, name: str, holder: str) -> None:
    """Give a lease back, if it is the holder's."""
    connection.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))


def new_holder() -> str:
    """Return a name for this process that no other has, and that an operator understands."""
    return f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"


class Leases:
    """The leases that one process holds, or waits for."""

    def __init__(self, pool: Pool, commits: Commits, notices: Notices) -> None:
        self._pool = pool
        self._commits = commits
        self._notices = notices
        self.holder = new_holder()

    async def alone(self, name: str, work: Callable[[], Awaitable[object]], what: str = "") -> None:
        """Do the work whenever this process holds the lease, until cancelled or the work has ended.

        `what` is how the log names work that stops because the lease is lost.
        """
        with self._commits.listener(TOPIC) as given_back:
            while True:
                ends = await self._taken(name, 0, HELD_SECONDS)
                if ends:
                    if await self._held(name, work, ends):
                        return
                    if what:
                        log.warning("%s stops here: the database did not answer in time, or another has it", what)
                with suppress(TimeoutError):
                    await asyncio.wait_for(given_back.wait(), RENEW_SECONDS)

    async def _held(self, name: str, work: Callable[[], Awaitable[object]], ends: float) -> bool:
        """Do the work while the lease can be renewed; tell whether it has ended."""
        task = asyncio.ensure_future(work())
        try:
            while (left := ends - time.monotonic()) > 0:
                await asyncio.wait([task], timeout=min(RENEW_SECONDS, left))
                if task.done():
                    await task
                    return True
                ends = await self._taken(name, ends, ends - time.monotonic())
            return False
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            with suppress(Exception):  # it ends by itself
                await self._pool.run(end, name, self.holder)
                self._notices.tell({TOPIC})

    async def _taken(self, name: str, ends: float, seconds: float) -> float:
        """Return until when the lease is this process's by its own clock: not at all, or where nobody can say, `ends`.

        Nobody can say where the database takes longer than so many seconds to answer.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                is_own = await self._pool.read(take, name, self.holder)
        except Exception:  # reads and writes tell that the database is away
            return ends
        return began + HELD_SECONDS if is_own else 0
