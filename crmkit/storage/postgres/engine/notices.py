"""Commits of all processes: told by NOTIFY in the transaction, heard on a connection of its own."""

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress

import psycopg

from crmkit.storage.interface.commits import RIGHTS, Commits
from crmkit.storage.postgres.engine.connection import PostgresConnection

CHANNEL = "crmkit_commits"
LONGEST = 7_000  # bytes of names in one notice, of which PostgreSQL takes 8,000; of more, everybody is woken
AGAIN_SECONDS = 2  # after the connection was lost

log = logging.getLogger("crmkit")


class Notices:
    """Wakes the listeners to commits of other processes; of its own the writer tells them itself."""

    def __init__(self, open_: Callable[[], PostgresConnection], commits: Commits) -> None:
        self._open = open_
        self._commits = commits
        self._own = secrets.token_hex(8)
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

    def tell(self, connection: PostgresConnection, names: Collection[str | None]) -> None:
        """Have other processes told of these names once this transaction is committed."""
        if names:
            said = json.dumps([self._own, *names])
            if len(said.encode()) > LONGEST:
                said = json.dumps([self._own])
            _say(connection, said)

    async def close(self) -> None:
        self._is_closed = True
        if self._again is not None:
            self._again.cancel()
        self._drop()

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
        if said == RIGHTS:  # a trigger of the schema: somebody's rights were changed, by whatever statement
            self._commits.tell([RIGHTS])
            return
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


def told_from_outside(connection: PostgresConnection, names: Collection[str | None]) -> None:
    """Have all processes that serve told, from one that does not."""
    _say(connection, json.dumps([""]))


def _say(connection: PostgresConnection, said: str) -> None:
    connection.execute("SELECT pg_notify(?, ?)", (CHANNEL, said))
    if not connection.prepares:  # there is a pooler, so others look (see pooler)
        connection.execute("INSERT INTO notices (said) VALUES (?)", (said,))
