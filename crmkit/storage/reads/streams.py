"""Streams: reads of any length that are sent while they run, each from one snapshot, on a connection and thread of its
own.

The thread waits for no client: what it makes goes into a spool, from which the client is sent what is there already. So
a snapshot lasts as long as the reading. Meanwhile a database may keep what others have changed, so a reading is ended
when it lasts too long, or when the database needs the room.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from crmkit.errors import Problem
from crmkit.storage.lists.deadline import Deadline, asker
from crmkit.storage.reads.reading import Reading
from crmkit.storage.reads.spool import Spool

MOST_READ = 8  # streams that hold a snapshot at once; one of a workspace, and one of a user
MOST_READING = 2  # of them that read a batch at a time, for they contend with the event loop for the GIL
MOST_KEPT = 256  # that wait, are read, or are sent from a file, at once
MOST_OWN = 8  # of them that a workspace or a user has
WAIT_SECONDS = 10  # for one's turn to be read
TURNS = 8  # of the event loop between two batches of one, since both need the GIL
READ_SECONDS = 600  # that the reading of one may last
LOOK_SECONDS = 0.1  # between two looks of one that waits to read on, whether it is still wanted

Work = Callable[..., Iterator[bytes]]


class _Stream(Struct, eq=False):
    """A stream that waits, is read, or is sent."""

    workspace: str
    user: str
    deadline: Deadline
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # set once it holds no snapshot


class Streams:
    """Reads streams, each on a connection of its own, into files in a folder, for the event loop in which it is made.

    Whenever one holds its snapshot no longer, `on_freed` is called.
    """

    def __init__(self, reading: Reading, folder: Path, on_freed: Callable[[], None]) -> None:
        self._of = reading
        self._folder = folder
        self._on_freed = on_freed
        self._loop = asyncio.get_running_loop()
        self._kept: set[_Stream] = set()  # all of them
        self._read: set[_Stream] = set()  # those that hold a snapshot
        self._freed = asyncio.Event()  # set, and replaced, whenever one of those ends
        self._turns = threading.Semaphore(MOST_READING)
        self._lets_none_begin = self._is_closed = False

    @property
    def are_read(self) -> bool:
        """Whether a stream is being read, which holds a snapshot of the database."""
        return bool(self._read)

    async def run(
        self, workspace: str, user: str, is_whole: bool, work: Work, *args: Any
    ) -> AsyncGenerator[bytes, None]:
        """Yield what `work(connection, *args)` yields, joined or cut into other pieces; what it raises is raised.

        If it `is_whole`, nothing comes before the work is done.

        Raises `busy` when too many run, or this one's reading was ended, `not_ready` when the disk has no room.
        """
        stream = _Stream(workspace, user, Deadline(time.monotonic() + READ_SECONDS, asker.get()))
        self._admit(stream)
        self._kept.add(stream)
        try:
            await self._turn(stream)
            with closing(self._begun(stream, work, args)) as spool:
                try:
                    if is_whole:
                        await stream.ended.wait()
                    async for piece in spool.pieces():
                        yield piece
                finally:
                    stream.deadline.must_yield = True
                    await stream.ended.wait()
        finally:
            self._kept.discard(stream)

    async def end_all(self) -> None:
        """End every reading and return when no snapshot is held; none begins until `resume`. What is read is sent."""
        self._lets_none_begin = True
        for stream in self._read:
            stream.deadline.must_yield = True
        for stream in tuple(self._read):
            await stream.ended.wait()

    def resume(self) -> None:
        self._lets_none_begin = False
        self._wake()

    async def close(self) -> None:
        """End every reading for good."""
        self._is_closed = True
        await self.end_all()
        self._wake()

    def _wake(self) -> None:
        """Have those that wait for their turn look again."""
        self._freed.set()
        self._freed = asyncio.Event()

    def _admit(self, stream: _Stream) -> None:
        own = sum(each.workspace == stream.workspace or each.user == stream.user for each in self._kept)
        if own >= MOST_OWN:
            raise _busy(f"{MOST_OWN} exports of this workspace or yours run already: send it again when one has ended.")
        if len(self._kept) >= MOST_KEPT:
            raise _busy(f"{MOST_KEPT} exports run already: send it again in 10 seconds.")

    async def _turn(self, stream: _Stream) -> None:
        """Wait until the stream may be read."""
        ends = time.monotonic() + WAIT_SECONDS
        while True:
            if self._is_closed:
                raise _no_room()
            if self._may_be_read(stream):
                return
            left = ends - time.monotonic()
            if left <= 0:
                raise _busy("Other exports of this workspace, or of the server, are read: send it again in 10 seconds.")
            try:
                await asyncio.wait_for(self._freed.wait(), left)
            except TimeoutError:
                continue

    def _may_be_read(self, stream: _Stream) -> bool:
        if self._lets_none_begin or len(self._read) >= MOST_READ:
            return False
        return all(each.workspace != stream.workspace and each.user != stream.user for each in self._read)

    def _begun(self, stream: _Stream, work: Work, args: tuple[Any, ...]) -> Spool:
        spool = Spool(self._folder)
        try:
            threading.Thread(target=self._work, args=(stream, spool, work, args), daemon=True).start()
        except RuntimeError:  # the machine has no thread left
            spool.close()
            raise _busy("The server can start no more work now: send it again in 10 seconds.") from None
        self._read.add(stream)  # its end comes by this loop, so not before
        return spool

    def _work(self, stream: _Stream, spool: Spool, work: Work, args: tuple[Any, ...]) -> None:
        """Read on the stream's own thread, to its end."""
        failed: BaseException | None = None
        try:
            with closing(self._of.open()) as connection:
                self._of.snapshot(connection, stream.deadline, self._fill, stream.deadline, spool, work, args)
        except Exception as error:
            failed = _ended(stream) or self._of.failed(error)
        self._loop.call_soon_threadsafe(self._finish, stream, spool, failed)

    def _fill(self, connection: Any, deadline: Deadline, spool: Spool, work: Work, args: tuple[Any, ...]) -> None:
        pieces, way = work(connection, *args), threading.Semaphore(0)
        while True:
            with self._reading(deadline):
                try:
                    piece = next(pieces)
                except StopIteration:
                    return
            spool.write(piece)
            self._loop.call_soon_threadsafe(self._give_way, TURNS, way)
            way.acquire(timeout=LOOK_SECONDS)

    def _give_way(self, turns: int, way: threading.Semaphore) -> None:
        """Let a thread read on after so many turns of the event loop: none but what is due there is done meanwhile."""
        if turns:
            self._loop.call_soon(self._give_way, turns - 1, way)
        else:
            way.release()

    @contextmanager
    def _reading(self, deadline: Deadline) -> Iterator[None]:
        """Wait until few enough others read; raises what the deadline says once that is over."""
        while not deadline.is_over():
            if self._turns.acquire(timeout=LOOK_SECONDS):
                try:
                    yield
                finally:
                    self._turns.release()
                return
        raise deadline.refusal()

    def _finish(self, stream: _Stream, spool: Spool, failed: BaseException | None) -> None:
        self._read.discard(stream)
        spool.end(failed)
        stream.ended.set()
        self._wake()
        self._on_freed()


def _ended(stream: _Stream) -> Problem | None:
    """Return why a reading was ended from outside, if it was."""
    if stream.deadline.must_yield:
        return _no_room()
    if stream.deadline.is_late:
        return _busy(f"An export is read for at most {READ_SECONDS} seconds: ask for less of it.")
    return None


def _no_room() -> Problem:
    return _busy("The database needs the room that an export holds: send it again in 10 seconds.")


def _busy(hint: str) -> Problem:
    return Problem("busy", hint, headers={"Retry-After": "10"})
