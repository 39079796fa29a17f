"""Connections that several threads use in turn, and threads for them."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg

from crmkit.storage.postgres.engine import faults
from crmkit.storage.postgres.engine.connection import PostgresConnection

T = TypeVar("T")

RUNS_OF_READ = 3  # whose connection is lost again and again
SECONDS_OF_READ = 1  # after which none begins again
FULL_SECONDS = 5  # that one waits for another's connection where the database has none left, until it is asked again


class Connections:
    """As many connections as are used at once, which are opened when they are needed and again when they are lost.

    Where the database has none left, those that there are do for all.
    """

    def __init__(self, open_: Callable[[], PostgresConnection]) -> None:
        self._open = open_
        self._changed = threading.Condition()  # guards what follows
        self._opened: set[PostgresConnection] = set()
        self._free: list[PostgresConnection] = []
        self._full_until = 0.0  # before which it is of no use to open one
        self._is_closed = False

    @contextmanager
    def one(self) -> Iterator[PostgresConnection]:
        """A connection for this block alone."""
        connection = self._taken()
        try:
            yield connection
        except Exception as error:
            if faults.is_lost(error):
                with suppress(Exception):
                    connection.close()
            raise
        finally:
            self._give_back(connection)

    def ready(self) -> None:
        """Return once there is a connection; raises why there is none."""
        with self._changed:
            found = self._next_free()
            if found is not None:
                self._free.append(found)
            if self._opened:
                return
        with self.one():
            pass

    def close(self) -> None:
        """Close them, each when it is given back."""
        with self._changed:
            self._is_closed = True
            for connection in self._free:
                connection.close()

    def _taken(self) -> PostgresConnection:
        ends = time.monotonic() + FULL_SECONDS
        while True:
            with self._changed:
                if self._opened and time.monotonic() < self._full_until:
                    self._changed.wait_for(lambda: self._free or not self._opened, ends - time.monotonic())
                found = self._next_free()
                if found is not None:
                    return found
            try:
                connection = self._open()
            except psycopg.Error as error:
                with self._changed:
                    if not self._opened or not faults.has_none_left(error) or time.monotonic() > ends:
                        raise
                    self._full_until = time.monotonic() + FULL_SECONDS
            else:
                with self._changed:
                    self._opened.add(connection)
                return connection

    def _give_back(self, connection: PostgresConnection) -> None:
        with self._changed:
            if self._is_closed:
                connection.close()
            elif connection.driver.closed:
                self._opened.discard(connection)
            else:
                self._free.append(connection)
            self._changed.notify_all()

    def _next_free(self) -> PostgresConnection | None:
        """Take one that nobody uses and that is not lost; the caller holds the lock."""
        while self._free:
            connection = self._free.pop()
            if connection.is_alive():
                return connection
            connection.close()
            self._opened.discard(connection)
        return None


class Pool:
    """Runs work on so many threads, each with a connection for as long as the work takes."""

    def __init__(self, open_: Callable[[], PostgresConnection], size: int) -> None:
        self._connections = Connections(open_)
        self._threads = ThreadPoolExecutor(size, "crmkit-database")
        self.ready = self._connections.ready

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work, *args)

    async def read(self, work: Callable[..., T], *args: Any) -> T:
        """Return the same of work that only reads: again where its connection turns out to be lost."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work, *args)

    async def close(self) -> None:
        """Wait for what runs, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._connections.close()

    def _read(self, work: Callable[..., T], *args: Any) -> T:
        ends = time.monotonic() + SECONDS_OF_READ
        for _ in range(RUNS_OF_READ - 1):
            try:
                return self._run(work, *args)
            except Exception as error:
                if not faults.is_lost(error) or time.monotonic() > ends:
                    raise
        return self._run(work, *args)

    def _run(self, work: Callable[..., T], *args: Any) -> T:
        with self._connections.one() as connection:
            return work(connection, *args)
