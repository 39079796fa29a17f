"""A file that a thread fills while the event loop sends from it what is there already."""

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from crmkit.errors import Problem

PIECE = 128 * 1024  # bytes read at a time, and so kept in memory for each client
FREE_BYTES = 256 << 20  # that are left on the disk, for the database
LOOK_BYTES = 8 << 20  # written between two looks at that


class Spool:
    """A file of mode 0600 without a name, so that nobody else can open it and nothing stays of it.

    `write` is called on one thread, all else on the event loop in which the spool is made.
    """

    def __init__(self, folder: Path) -> None:
        """Make the file; raises `not_ready` when the disk has no room for it."""
        try:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - see `close`
        except OSError as error:
            raise _full() from error
        self._loop = asyncio.get_running_loop()
        self._size = 0
        self._looked = -LOOK_BYTES  # the size at which the free room was looked at
        self._grown = asyncio.Event()  # or ended
        self._is_awaited = False
        self._is_ended = False
        self._error: BaseException | None = None

    def write(self, piece: bytes) -> None:
        """Add to the file; raises `not_ready` when the disk is nearly full."""
        if self._size - self._looked >= LOOK_BYTES:
            self._look()
        left = memoryview(piece)
        while left:
            try:
                left = left[self._file.write(left) or 0 :]
            except OSError as error:
                raise _full() from error
        self._size += len(piece)
        if self._is_awaited:  # set before the size is looked at, so no growth is missed
            self._loop.call_soon_threadsafe(self._grown.set)

    def end(self, error: BaseException | None) -> None:
        """Note that no more is written, because of an error or without one."""
        self._is_ended, self._error = True, error
        self._grown.set()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield all that is written, as it is; raises the error with which it ended, as soon as that is known."""
        at = 0
        while True:
            if self._error is not None:
                raise self._error
            if at < self._size:
                # a client may come back for what the kernel no longer has in memory
                piece = await self._loop.run_in_executor(None, os.pread, self._file.fileno(), PIECE, at)
                at += len(piece)
                yield piece
            elif self._is_ended:
                return
            else:
                await self._more(at)

    def close(self) -> None:
        self._file.close()

    async def _more(self, at: int) -> None:
        """Wait until there is more than `at` bytes, or the end."""
        self._grown.clear()
        self._is_awaited = True
        if self._size == at and not self._is_ended:
            await self._grown.wait()
        self._is_awaited = False

    def _look(self) -> None:
        self._looked = self._size
        disk = os.fstatvfs(self._file.fileno())
        if disk.f_bavail * disk.f_frsize < FREE_BYTES:
            raise _full()


def _full() -> Problem:
    hint = "The server's disk has no room for an export. Ask for less of it, and tell the operator, who can free space."
    return Problem("not_ready", hint, headers={"Retry-After": "30"})
