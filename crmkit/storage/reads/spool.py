"""A file that a thread fills while the event loop sends from it what is there already."""

import asyncio
import math
import os
import tempfile
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

from crmkit.errors import Problem
from crmkit.storage.growing import GrowingFile

PIECE = 128 * 1024  # bytes sent at a time, and so kept in memory for each client
SENT_SECONDS = 0.2  # after which fewer are sent
_CACHED = getattr(os, "RWF_NOWAIT", 0)  # to read only what the kernel has in memory


class Spool:
    """A file of mode 0600 without a name, so that nobody else can open it and nothing stays of it.

    `write` is called on one thread, all else on the event loop in which the spool is made.
    """

    def __init__(self, folder: Path) -> None:
        """Make the file; raises `not_ready` when the disk has no room for it."""
        try:
            self._file = GrowingFile(tempfile.TemporaryFile(dir=folder, buffering=0))  # noqa: SIM115 - see `close`
        except OSError as error:
            raise _full() from error
        self._loop = asyncio.get_running_loop()
        self._grown = asyncio.Event()  # to the size that is awaited, or ended
        self._awaited = math.inf
        self._is_ended = False
        self._error: BaseException | None = None

    def write(self, piece: bytes) -> None:
        """Add to the file; raises `not_ready` when the disk is nearly full."""
        try:
            self._file.write(piece)
        except OSError as error:
            raise _full() from error
        if self._file.size >= self._awaited:  # set before the size is looked at, so no growth is missed
            self._awaited = math.inf
            self._loop.call_soon_threadsafe(self._grown.set)

    def end(self, error: BaseException | None) -> None:
        """Note that no more is written, because of an error or without one."""
        self._is_ended, self._error = True, error
        self._grown.set()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield all that is written, as it is; raises the error with which it ended, as soon as that is known."""
        at = 0
        while True:
            await self._more(at)
            if self._error is not None:
                raise self._error
            if at < self._file.size:
                piece = await self._piece(at)
                at += len(piece)
                yield piece
            elif self._is_ended:
                return

    def close(self) -> None:
        self._file.raw.close()

    async def _more(self, at: int) -> None:
        """Wait until there is a piece after `at`, or the end, or whatever there is by then; for the first, any byte."""
        awaited = at + PIECE if at else 1
        self._grown.clear()
        self._awaited = awaited
        if self._file.size < awaited and not self._is_ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(SENT_SECONDS):
                    await self._grown.wait()

    async def _piece(self, at: int) -> bytes:
        """Return what is at this place: a client may come back for what the kernel has to read from the disk."""
        if _CACHED:
            piece = bytearray(PIECE)
            with suppress(OSError):  # nothing of it is in memory, or this file system cannot tell
                found = os.preadv(self._file.raw.fileno(), [piece], at, _CACHED)
                if found:
                    return bytes(memoryview(piece)[:found])
        return await self._loop.run_in_executor(None, os.pread, self._file.raw.fileno(), PIECE, at)


def _full() -> Problem:
    hint = "The server's disk has no room for an export. Ask for less of it, and tell the operator, who can free space."
    return Problem("not_ready", hint, headers={"Retry-After": "30"})
