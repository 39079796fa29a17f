"""The log is copied back into the file a little at a time, and the file is flushed while writes go on.

A checkpoint of SQLite's copies all of the log in one go and then flushes the file; meanwhile every write waits. But it
copies no further than a running read transaction has seen, and it flushes the file only when it has copied the log to
its end. So a connection of ours, the mark, holds a read transaction. Now and then the writer copies the log as far as
the mark and moves the mark to the log's end: that takes few milliseconds. Once the log is long, another thread flushes
the file. Then the mark is taken away, the writer copies the rest, SQLite flushes what little is left, and the next
commit begins the log anew.

Only the writer's connection copies, on the writer's thread; the mark is read and moved on that thread too.
"""

import asyncio
import os
from contextlib import suppress

import aiosqlite

from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.threads import on_thread

STEP_SECONDS = 0.05  # between two steps: under load the log grows by about a thousand pages, 4 MB
LONG_PAGES = 12_000  # of the log, 48 MB, past which it is to begin anew, within the 64 MB that its file keeps

_flush = getattr(os, "fdatasync", os.fsync)


class Checkpoints:
    """Copies the log back on the connection `writer`.

    `mark` reads the same database. `file` is an open descriptor of the database: whoever closes it while a connection
    of this process is open takes that connection's locks away, by the rules of POSIX.
    """

    def __init__(self, writer: aiosqlite.Connection, mark: SqliteConnection, file: int) -> None:
        self._writer = writer
        self._mark = mark
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._due = 0.0
        self._marked = 0  # pages that the log had when the mark was set
        self._flushing: asyncio.Future[None] | None = None

    async def step(self) -> None:
        """Copy a little of the log, unless that was done a moment ago; the writer calls it after a commit.

        After none, the mark would be the log's end, and SQLite would flush the file.
        """
        if self._loop.time() < self._due or (self._flushing is not None and not self._flushing.done()):
            return
        is_last, self._flushing = self._flushing is not None, None
        pages, copied = await on_thread(self._writer, self._copied, is_last)
        # where less is copied than was marked, somebody reads what the log held before
        if not is_last and pages >= LONG_PAGES and copied >= self._marked:
            self._flushing = self._loop.run_in_executor(None, self._flushed)
        self._marked = pages
        self._due = self._loop.time() + STEP_SECONDS

    def release(self) -> None:
        """Take the mark away, on the writer's thread, so that all of the log can be copied; a step sets it again."""
        if self._mark.in_transaction:
            self._mark.execute("ROLLBACK")

    async def close(self) -> None:
        """Wait for a flush and close the mark; the descriptor stays open."""
        if self._flushing is not None:
            await self._flushing
        self._mark.close()

    def _copied(self, connection: SqliteConnection, is_last: bool) -> tuple[int, int]:
        """Copy the log as far as the mark, or all of it if this `is_last`; return its pages and how many are copied.

        Where the disk refuses that, nothing is lost: the log has it all, and the write that needs room will say so.
        """
        pages = copied = 0
        with suppress(sqlite3.Error):
            if self._mark.in_transaction:
                if is_last:
                    self.release()
                _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                self.release()
            if not is_last:
                self._mark.execute("BEGIN")
                self._mark.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        return pages, copied

    def _flushed(self) -> None:
        with suppress(OSError):  # SQLite flushes the file again, and tells of an error
            _flush(self._file)
