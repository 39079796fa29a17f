"""Reads that may take long, lists and searches: workspaces take turns, so that none waits for all that another asks.

A workspace has one of the connections at a time. What it asks meanwhile waits in its own queue, which is bounded; what
waits longer than a read may take, or whose client has gone, is dropped. The thread of a connection takes its next work
itself: a way back to the event loop between two reads would leave it idle.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import aiosqlite

from crmkit.errors import Problem
from crmkit.storage import faults
from crmkit.storage.hops import on_thread
from crmkit.storage.patience import Interrupted, Patience, snapshot
from crmkit.storage.tx import Connection

T = TypeVar("T")

MOST_WAITING = 128  # reads of one workspace; the next is told to come back


@dataclass(slots=True, eq=False)
class _Asked:
    """A read that waits or runs."""

    workspace: str
    work: Callable[..., Any]
    args: tuple[Any, ...]
    answer: asyncio.Future[Any]
    patience: Patience


class Scans:
    """Runs long reads on its connections, for the event loop in which it is made."""

    def __init__(self, connections: Sequence[aiosqlite.Connection]) -> None:
        self._loop = asyncio.get_running_loop()
        self._idle = list(connections)
        self._hops: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()  # guards what follows: the event loop and the connections' threads use it
        self._waiting: OrderedDict[str, deque[_Asked]] = (
            OrderedDict()
        )  # by workspace, the one whose turn it is in front
        self._running: dict[str, _Asked] = {}  # by workspace
        self._is_paused = False

    async def run(self, workspace: str, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`, in one snapshot; what it raises is raised.

        Raises `busy` when too much of this workspace waits already, or this waited too long for its turn.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        asked = _Asked(workspace, work, args, answer, Patience.of_asker())
        with self._lock:
            queue = self._waiting.setdefault(workspace, deque())
            if len(queue) >= MOST_WAITING:
                raise busy()
            queue.append(asked)
            if self._idle and not self._is_paused and workspace not in self._running:
                self._start()
        return await answer

    async def pause(self, seconds: float) -> None:
        """Let no read begin until `resume`, and return when none runs.

        One that runs for `seconds` more is stopped, and run again after `resume`.
        """
        with self._lock:
            self._is_paused = True
        if self._hops:
            await asyncio.wait(self._hops, timeout=seconds)
        with self._lock:
            for asked in self._running.values():
                asked.patience.must_yield = True
        if self._hops:
            await asyncio.wait(self._hops)

    def resume(self) -> None:
        with self._lock:
            self._is_paused = False
            for _ in range(min(len(self._idle), len(self._waiting))):
                self._start()

    def _start(self) -> None:
        """Let an idle connection take up what waits; the caller holds the lock."""
        hop = self._loop.create_task(self._hop(self._idle.pop()))
        self._hops.add(hop)  # the loop itself holds tasks by weak references alone
        hop.add_done_callback(self._hops.discard)

    async def _hop(self, connection: aiosqlite.Connection) -> None:
        try:
            await on_thread(connection, self._work)
        finally:
            with self._lock:
                self._idle.append(connection)
                # what was asked after the thread had found nothing more to do
                if not self._is_paused and any(other not in self._running for other in self._waiting):
                    self._start()

    def _work(self, connection: Connection) -> None:
        """Run what waits, on the connection's thread, until it is no turn of anybody's."""
        while (asked := self._taken()) is not None:
            outcome = _outcome(connection, asked)
            with self._lock:
                del self._running[asked.workspace]
                if isinstance(outcome, Interrupted):
                    asked.patience.must_yield = False
                    queue = self._waiting.setdefault(asked.workspace, deque())
                    queue.appendleft(asked)
                    continue
            self._loop.call_soon_threadsafe(_tell, asked.answer, outcome)

    def _taken(self) -> _Asked | None:
        """Return the read whose turn it is, None when there is none."""
        with self._lock:
            if self._is_paused:
                return None
            for workspace, queue in self._waiting.items():
                if workspace not in self._running:
                    asked = self._running[workspace] = queue.popleft()
                    del self._waiting[workspace]
                    if queue:
                        self._waiting[workspace] = queue  # behind all others
                    return asked
            return None


def busy() -> Problem:
    """Return what a read is told that does not get its turn."""
    return Problem(
        "busy",
        "Too many lists and searches of this workspace wait already: send fewer at once, and this one again in "
        "2 seconds.",
        headers={"Retry-After": "2"},
    )


def _outcome(connection: Connection, asked: _Asked) -> Any:
    """Return what the read returned, or what it raised."""
    if asked.answer.done() or asked.patience.is_in_vain():
        return busy()
    try:
        return snapshot(connection, asked.patience, asked.work, *asked.args)
    except Exception as error:
        return faults.unread(error)


def _tell(answer: asyncio.Future[Any], outcome: Any) -> None:
    if answer.done():  # whoever asked has gone
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
