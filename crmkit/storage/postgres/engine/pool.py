"""Threads that each have a connection of their own."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from crmkit.storage.postgres.engine import faults
from crmkit.storage.postgres.engine.connection import PostgresConnection

T = TypeVar("T")

RUNS_OF_READ = 3  # whose connection is lost again and again
SECONDS_OF_READ = 1  # after which none begins again


class Pool:
    """Runs work on at most so many connections, which are opened when they are needed and again when they are lost."""

    def __init__(self, open_: Callable[[], PostgresConnection], size: int) -> None:
        self._open = open_
        self._own = threading.local()
        self._opened: set[PostgresConnection] = set()
        self._threads = ThreadPoolExecutor(size, "crmkit-database")

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, work, *args)

    async def read(self, work: Callable[..., T], *args: Any) -> T:
        """Return the same of work that only reads: again where its connection turns out to be lost."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work, *args)

    async def close(self) -> None:
        """Wait for what runs, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        for connection in self._opened:
            connection.close()

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
        connection: PostgresConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = self._open()
            self._opened.add(connection)
        elif connection.driver.closed:
            connection.revive()
        try:
            return work(connection, *args)
        except Exception as error:
            if faults.is_lost(error):
                with suppress(Exception):
                    connection.close()
            raise
