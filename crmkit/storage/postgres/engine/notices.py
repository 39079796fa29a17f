"""Commits of all processes: told by NOTIFY a moment after them, heard on a connection of its own.

A transaction that tells by NOTIFY holds a lock of all databases of the server until its commit is on the disk. So those
that write do not tell themselves: commits would wait for each other's flush, those of all processes.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress

import psycopg

from crmkit.storage.interface.commits import Commits
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.pool import Pool

CHANNEL = "crmkit_commits"
LONGEST = 7_000  # bytes of names in one notice, of which PostgreSQL takes 8,000; of more, everybody is woken
TOGETHER_SECONDS = 0.01  # whose commits are told together
AGAIN_SECONDS = 2  # after the connection was lost

log = logging.getLogger("crmkit")


class Notices:
    """Wakes the listeners to commits of other processes; of its own the writer tells them itself."""

    def __init__(self, open_: Callable[[], PostgresConnection], commits: Commits) -> None:
        self._open = open_
        self._commits = commits
        self._pool = Pool(open_, 1)
        self.ready = self._pool.ready
        self._own = secrets.token_hex(8)
        self._untold: set[str | None] = set()
        self._telling: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._connection: PostgresConnection | None = None
        self._file = -1  # its number, which another connection may have once it is lost
        self._again: asyncio.Task[None] | None = None
        self._is_closed = False

    async def listen(self) -> None:
        """Hear from now on what is committed."""
        connection = await asyncio.to_thread(self._opened)
        self._connection, self._file = connection, connection.driver.fileno()
        self._loop.add_reader(self._file, self._heard)
        self._heard()

    def tell(self, names: Collection[str | None]) -> None:
        """Have other processes told that these names were committed, within a moment.

        Where this process is killed before, they find out when they look by themselves.
        """
        self._untold.update(names)
        if self._untold and (self._telling is None or self._telling.done()):
            self._telling = self._loop.create_task(self._tell())

    async def _tell(self) -> None:
        while self._untold:
            await asyncio.sleep(TOGETHER_SECONDS)
            names, self._untold = self._untold, set()
            said = json.dumps([self._own, *names])
            if len(said.encode()) > LONGEST:
                said = json.dumps([self._own])
            with suppress(psycopg.Error):  # who loses the database wakes everybody once it is back
                await self._pool.read(_say, said)

    async def close(self) -> None:
        self._is_closed = True
        if self._telling is not None:
            await self._telling
        if self._again is not None:
            self._again.cancel()
        self._drop()
        await self._pool.close()

    def _opened(self) -> PostgresConnection:
        connection = self._open()
        try:
            connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _heard(self) -> None:
        """Tell what has come; called whenever something can be read."""
        if self._connection is None:
            return
        wire = self._connection.driver.pgconn
        try:
            wire.consume_input()
            while (notice := wire.notifies()) is not None:
                self.pass_on(notice.extra.decode())
        except psycopg.Error as error:
            log.warning("notices of commits are lost for a moment: %s", error)
            self._drop()
            self._again = self._loop.create_task(self._listen_again())

    def pass_on(self, said: str) -> None:
        by, *names = json.loads(said)
        if by != self._own:
            self._commits.tell(names) if names else self._commits.tell_all()

    async def _listen_again(self) -> None:
        while not self._is_closed:
            with suppress(psycopg.Error):
                await self.listen()
                self._commits.tell_all()  # whatever was missed
                return
            await asyncio.sleep(AGAIN_SECONDS)

    def _drop(self) -> None:
        if self._connection is not None:
            self._loop.remove_reader(self._file)  # which is closed by now if the connection is lost
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None


def tell_from_outside(connection: PostgresConnection) -> None:
    """Tell all processes that serve, from one that does not, that something was committed."""
    _say(connection, json.dumps([""]))


def _say(connection: PostgresConnection, said: str) -> None:
    connection.execute("SELECT set_config('synchronous_commit', 'off', TRUE), pg_notify(?, ?)", (CHANNEL, said))
    if not connection.prepares:  # there is a pooler, so others look (see pooler)
        connection.execute("INSERT INTO notices (said) VALUES (?)", (said,))
