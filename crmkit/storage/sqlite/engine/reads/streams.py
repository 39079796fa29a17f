"""Streams: reads that are answered while they run, from one snapshot, each on a connection and a thread of its own.

A stream lasts as long as its client takes to read, so it never uses a connection of the lists. Its thread reads a batch
only when the client has taken the one before the last. While it runs, SQLite cannot begin the log anew; so a stream is
ended when it lasts too long or the log grows too large (see wal).
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crmkit.errors import Problem
from crmkit.storage.lists.deadline import Deadline, asker
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.progress import snapshot

T = TypeVar("T")

MOST_STREAMS = 8  # at once; a workspace, and a user, have one of them
HELD_SECONDS = 600  # that a stream may last, and its snapshot be held
MOST_READING = 2  # of them that read a batch at a time, for they contend with the event loop for the GIL
LOOK_SECONDS = 0.1  # between two looks of one that waits for that, whether it is still wanted
AHEAD = 2  # batches that exist at a time: the client takes one while the next is read


class _End(Exception):
    """The thread is done; nothing more comes."""


@dataclass(slots=True, eq=False)
class _Stream:
    """A stream that runs."""

    workspace: str
    user: str
    deadline: Deadline
    room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AHEAD))  # for further batches
    batches: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)  # then the exception that ends them
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Have the thread stop at once."""
        self.deadline.must_yield = True
        self.room.release()


class Streams:
    """Runs streams on connections that `open_` opens, for the event loop in which it is made."""

    def __init__(self, open_: Callable[[], SqliteConnection]) -> None:
        self._open = open_
        self._loop = asyncio.get_running_loop()
        self._running: set[_Stream] = set()
        self._turns = threading.Semaphore(MOST_READING)
        self._lets_none_begin = False

    @property
    def are_running(self) -> bool:
        return bool(self._running)

    async def run(
        self, workspace: str, user: str, work: Callable[..., Iterator[T]], *args: Any
    ) -> AsyncGenerator[T, None]:
        """Yield what `work(connection, *args)` yields, in one snapshot; what it raises is raised.

        Raises `busy` when too many run, or this stream was ended.
        """
        self._admit(workspace, user)
        stream = _Stream(workspace, user, Deadline(time.monotonic() + HELD_SECONDS, asker.get()))
        threading.Thread(target=self._work, args=(stream, work, args), daemon=True).start()
        self._running.add(stream)
        try:
            while True:
                batch = await stream.batches.get()
                if isinstance(batch, _End):
                    if batch.__cause__ is not None:
                        raise batch.__cause__
                    return
                yield batch
                stream.room.release()
        finally:
            stream.end()
            await stream.ended.wait()

    async def end_all(self) -> None:
        """End every stream and return when no snapshot is held; none begins until `resume`."""
        self._lets_none_begin = True
        for stream in self._running:
            stream.end()
        for stream in tuple(self._running):
            await stream.ended.wait()

    def resume(self) -> None:
        self._lets_none_begin = False

    def _admit(self, workspace: str, user: str) -> None:
        if self._lets_none_begin:
            raise _no_room()
        if len(self._running) >= MOST_STREAMS:
            raise _busy(f"{MOST_STREAMS} exports run already: send it again in 10 seconds.", 10)
        if any(stream.workspace == workspace or stream.user == user for stream in self._running):
            raise _busy("An export of this workspace or yours runs already: send it again when that has ended.", 10)

    def _work(self, stream: _Stream, work: Callable[..., Iterator[Any]], args: tuple[Any, ...]) -> None:
        """Read on the stream's own thread, to its end."""
        end = _End()
        try:
            with closing(self._open()) as connection:
                snapshot(connection, stream.deadline, self._hand_over, stream, work, args)
        except Exception as error:
            end.__cause__ = _ended(stream) or faults.read_failed(error)
        self._loop.call_soon_threadsafe(self._finish, stream, end)

    def _hand_over(
        self,
        connection: SqliteConnection,
        stream: _Stream,
        work: Callable[..., Iterator[Any]],
        args: tuple[Any, ...],
    ) -> None:
        batches = work(connection, *args)
        while True:
            stream.room.acquire(timeout=max(0.0, stream.deadline.ends - time.monotonic()))
            with self._turn(stream.deadline):
                try:
                    batch = next(batches)
                except StopIteration:
                    return
            self._loop.call_soon_threadsafe(stream.batches.put_nowait, batch)

    @contextmanager
    def _turn(self, deadline: Deadline) -> Iterator[None]:
        """Wait until few enough others read; raises what the deadline says once that is over."""
        while not deadline.is_over():
            if self._turns.acquire(timeout=LOOK_SECONDS):
                try:
                    yield
                finally:
                    self._turns.release()
                return
        raise deadline.refusal()

    def _finish(self, stream: _Stream, end: _End) -> None:
        self._running.discard(stream)
        stream.batches.put_nowait(end)
        stream.ended.set()


def _ended(stream: _Stream) -> Problem | None:
    """Return why a stream was ended from outside, if it was."""
    if stream.deadline.must_yield:
        return _no_room()
    if stream.deadline.is_late:
        return _busy(f"An export takes at most {HELD_SECONDS} seconds: read it faster, or ask for less of it.", 10)
    return None


def _no_room() -> Problem:
    return _busy("The database needs the room that an export holds: send it again in 10 seconds.", 10)


def _busy(hint: str, seconds: int) -> Problem:
    return Problem("busy", hint, headers={"Retry-After": str(seconds)})
