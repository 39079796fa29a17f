"""Lists and searches: workspaces take turns, so that no workspace waits for all the reads of another.

Each connection has a thread of its own, which takes the next read from the queues itself. A workspace has at most its
share of connections at a time, and so has a user, who may belong to many. Further reads of a workspace wait in its own
queue, which is bounded. A read that waited longer than a read may take, or whose client has gone, is dropped.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import closing
from typing import Any, TypeVar

from msgspec import Struct

from crmkit.errors import Problem
from crmkit.storage.lists.deadline import Deadline, Interrupted, given_up
from crmkit.storage.reads.reading import Reading, tell

T = TypeVar("T")

MOST_WAITING = 128  # reads of one workspace; the next is refused


class _QueuedScan(Struct, eq=False):
    """A read that waits or runs."""

    workspace: str
    user: str
    work: Callable[..., Any]
    args: tuple[Any, ...]
    answer: asyncio.Future[Any]
    deadline: Deadline


class Scans:
    """Runs long reads on so many connections, of which a workspace has a share, for the event loop it is made in."""

    def __init__(self, reading: Reading, connections: int, share: int = 1) -> None:
        self._reading = reading
        self._share = share
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()  # guards what follows
        # by workspace; the one whose turn comes first stands in front
        self._waiting: OrderedDict[str, deque[_QueuedScan]] = OrderedDict()
        self._running: list[_QueuedScan] = []
        # one lock per idle thread; releasing it wakes that thread, the most recently idle first
        self._idle: list[threading.Lock] = []
        self._is_paused = False
        self._is_closed = False
        self._none_runs: asyncio.Event | None = None  # during a pause; set once no read runs
        opened = [reading.open() for _ in range(connections)]
        self._threads = [threading.Thread(target=self._work, args=(one,), daemon=True) for one in opened]
        for thread in self._threads:
            thread.start()

    async def run(self, workspace: str, user: str, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`, in one snapshot; what it raises is raised.

        Raises `busy` when too much of this workspace waits already, or this waited too long for its turn.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        scan = _QueuedScan(workspace, user, work, args, answer, Deadline.of_asker())
        with self._lock:
            if len(self._waiting.get(workspace, ())) >= MOST_WAITING:
                raise _too_many()
            self._waiting.setdefault(workspace, deque()).append(scan)
            # a thread that is already looking for work will find this read
            looking = len(self._threads) - len(self._idle) - len(self._running)
            if not looking and self._has_turn(workspace):
                self._wake()
        return await answer

    async def pause(self, seconds: float) -> None:
        """Let no read begin until `resume`, and return when none runs.

        One that runs for `seconds` more is stopped, and run again after `resume`.
        """
        none_runs = asyncio.Event()
        with self._lock:
            self._is_paused, self._none_runs = True, none_runs
            if not self._running:
                return
        try:
            async with asyncio.timeout(seconds):
                await none_runs.wait()
        except TimeoutError:
            with self._lock:
                for scan in self._running:
                    scan.deadline.must_yield = True
            await none_runs.wait()

    def resume(self) -> None:
        with self._lock:
            self._is_paused, self._none_runs = False, None
            self._wake(len(self._idle))

    async def close(self) -> None:
        """Drop what waits or runs, then close the connections."""
        with self._lock:
            self._is_closed = True
            for scan in (*self._running, *(one for queue in self._waiting.values() for one in queue)):
                scan.deadline.ends = float("-inf")
            self._wake(len(self._idle))
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _wake(self, threads: int = 1) -> None:
        """Have idle threads look for a read; the caller holds the lock."""
        for _ in range(min(threads, len(self._idle))):
            self._idle.pop().release()

    def _work(self, connection: Any) -> None:
        """Run one read after another on a thread of its own, until closed."""
        awake = threading.Lock()
        with closing(connection):
            while True:
                with self._lock:
                    scan = self._next()
                    if scan is not None:
                        if any(map(self._has_turn, self._waiting)):
                            self._wake()
                    elif self._is_closed:
                        return
                    else:
                        awake.acquire(blocking=False)
                        self._idle.append(awake)
                if scan is None:
                    awake.acquire()  # until somebody releases it
                    continue
                outcome = self._outcome(connection, scan)
                with self._lock:
                    self._finish(scan, outcome)

    def _next(self) -> _QueuedScan | None:
        """Return the read whose turn it is, None when there is none; the caller holds the lock."""
        if self._is_paused:
            return None
        for workspace, queue in self._waiting.items():
            if self._has_turn(workspace):
                scan = queue.popleft()
                self._running.append(scan)
                del self._waiting[workspace]
                if queue:
                    self._waiting[workspace] = queue  # behind all others
                return scan
        return None

    def _has_turn(self, workspace: str) -> bool:
        """Tell whether the oldest waiting read of a workspace may run, beside others of it and of its user."""
        user = self._waiting[workspace][0].user
        beside = sum(scan.workspace == workspace or scan.user == user for scan in self._running)
        return beside < self._share

    def _outcome(self, connection: Any, scan: _QueuedScan) -> Any:
        """Return what the read returned, or what it raised."""
        if scan.answer.done() or scan.deadline.is_in_vain():
            return _late() if scan.deadline.is_late else given_up()
        try:
            return self._reading.snapshot(connection, scan.deadline, scan.work, *scan.args)
        except Exception as error:
            return self._reading.failed(error)

    def _finish(self, scan: _QueuedScan, outcome: Any) -> None:
        """Answer a read, or queue it again if it was stopped for a checkpoint; the caller holds the lock."""
        self._running.remove(scan)
        if isinstance(outcome, Interrupted):
            scan.deadline.must_yield = False
            self._waiting.setdefault(scan.workspace, deque()).appendleft(scan)
        else:
            self._loop.call_soon_threadsafe(tell, scan.answer, outcome)
        if self._none_runs is not None and not self._running:
            self._loop.call_soon_threadsafe(self._none_runs.set)


def _busy(why: str) -> Problem:
    return Problem("busy", f"{why}: send it again in 2 seconds.", headers={"Retry-After": "2"})


def _late() -> Problem:
    """Return what a read raises whose turn did not come in time."""
    return _busy("This list waited too long for its turn")


def _too_many() -> Problem:
    """Return what a read raises for which its workspace's queue has no room."""
    return _busy(f"{MOST_WAITING} lists and searches of this workspace wait already, so send fewer at once")
