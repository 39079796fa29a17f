"""The write-ahead log: how large it may grow, and how it is emptied.

The log is copied back into the file in steps (see checkpoints), but SQLite can begin it anew only in a moment in which
no reader uses it. Lists that follow each other leave no such moment. So past a size the readers are paused until the
log is empty. Streams read one moment for longer; past a larger size they are ended.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiosqlite

from crmkit.storage.reads.scans import Scans
from crmkit.storage.reads.streams import Streams
from crmkit.storage.sqlite.engine.checkpoints import Checkpoints
from crmkit.storage.sqlite.engine.connection import KEPT_BYTES, SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.reader import Reader
from crmkit.storage.sqlite.engine.threads import on_thread

MOST_BYTES = 128 << 20  # past which the readers are paused
# past which streams are ended, too: until then the log waits for them, since one that is ended has to begin anew
STREAMED_BYTES = 4 * MOST_BYTES
SCAN_SECONDS = 1.0  # how long a running list or search may go on then; it is stopped and run again afterwards

log = logging.getLogger("crmkit")


class WriteAheadLog:
    """The log of the database in `file`, which `writer` alone writes and checkpoints."""

    def __init__(
        self,
        file: Path,
        writer: aiosqlite.Connection,
        checkpoints: Checkpoints,
        reader: Reader,
        scans: Scans,
        streams: Streams,
    ) -> None:
        self._file = file.with_name(f"{file.name}-wal")
        self._writer = writer
        self._checkpoints = checkpoints
        self._reader = reader
        self._scans = scans
        self._streams = streams
        self._most = MOST_BYTES
        self._emptying = asyncio.Lock()

    async def bound(self, has_grown: bool) -> None:
        """Copy a little of the log back if it has grown, and begin it anew if it is too large.

        The writer calls it between transactions, and it raises nothing.
        """
        try:
            if has_grown:
                await self._checkpoints.step()
            size = self.size
            if size <= self._most or (self._streams.are_read and size <= STREAMED_BYTES):
                return
            try:
                await self._streams.end_all()
                if not await self.begin_anew():
                    # another program reads the file, or the disk is full: not at every commit from now on
                    self._most = size + KEPT_BYTES
            finally:
                self._streams.resume()
        except Exception:
            log.exception("the size of the write-ahead log could not be bounded")

    async def begin_anew(self) -> bool:
        """Pause the readers, copy all of the log back and empty it; tell whether that could be done.

        It cannot while a stream is read.
        """
        if self._streams.are_read:
            return False
        async with self._emptying:
            try:
                await self._reader.pause()
                await self._scans.pause(SCAN_SECONDS)
                is_done = await on_thread(self._writer, self._emptied)
            finally:
                self._reader.resume()
                self._scans.resume()
        if is_done:
            self._most = MOST_BYTES
        return is_done

    @property
    def size(self) -> int:
        """Its size in bytes."""
        with suppress(OSError):
            return self._file.stat().st_size
        return 0

    def _emptied(self, connection: SqliteConnection) -> bool:
        """Checkpoint and truncate the log; tell whether no reader of another program stood in the way."""
        self._checkpoints.release()
        (waits,) = connection.execute("PRAGMA busy_timeout").fetchone()
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            is_busy: Any = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            log.warning("the write-ahead log could not be copied back: %s", error)
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout = {waits:d}")
        return not is_busy
