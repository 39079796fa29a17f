"""Reads that may take long, lists and searches: workspaces take turns, so that none waits for all that another asks.

Each connection has a thread of its own, which takes the next read itself. A workspace has one connection at a time, and
so has a user, who may belong to many; what is asked of a workspace meanwhile waits in its own queue, which is bounded.
What waits longer than a read may take, or whose client has gone, is dropped.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

from crmkit.errors import Problem
from crmkit.storage.lists.budget import Budget, Interrupted, given_up
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.progress import snapshot
from crmkit.storage.sqlite.engine.threads import tell

T = TypeVar("T")

MOST_WAITING = 128  # reads of one workspace; the next is told to come back


@dataclass(slots=True, eq=False)
class _Asked:
    """A read that waits or runs."""

    workspace: str
    user: str
    work: Callable[..., Any]
    args: tuple[Any, ...]
    answer: asyncio.Future[Any]
    budget: Budget


class Scans:
    """Runs long reads on as many connections as `open_` is to open, for the event loop in which it is made."""

    def __init__(self, open_: Callable[[], SqliteConnection], connections: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()  # guards what follows
        # by workspace; the one whose turn it is stands in front
        self._waiting: OrderedDict[str, deque[_Asked]] = OrderedDict()
        self._running: dict[str, _Asked] = {}
        self._idle: list[threading.Lock] = []  # of threads that wait; released to wake one, the last to fall idle first
        self._is_paused = False
        self._is_closed = False
        self._at_rest: asyncio.Event | None = None  # set once none runs, while there is a pause
        opened = [open_() for _ in range(connections)]
        self._threads = [threading.Thread(target=self._work, args=(one,), daemon=True) for one in opened]
        for thread in self._threads:
            thread.start()

    async def run(self, workspace: str, user: str, work: Callable[..., T], *args: Any) -> T:
        """Return `work(connection, *args)`, in one snapshot; what it raises is raised.

        Raises `busy` when too much of this workspace waits already, or this waited too long for its turn.
        """
        answer: asyncio.Future[T] = self._loop.create_future()
        asked = _Asked(workspace, user, work, args, answer, Budget.of_asker())
        with self._lock:
            if len(self._waiting.get(workspace, ())) >= MOST_WAITING:
                raise _too_many()
            self._waiting.setdefault(workspace, deque()).append(asked)
            # a thread that is about to look for a read finds this one
            looking = len(self._threads) - len(self._idle) - len(self._running)
            if not looking and self._has_turn(workspace):
                self._wake()
        return await answer

    async def pause(self, seconds: float) -> None:
        """Let no read begin until `resume`, and return when none runs.

        One that runs for `seconds` more is stopped, and run again after `resume`.
        """
        rest = asyncio.Event()
        with self._lock:
            self._is_paused, self._at_rest = True, rest
            if not self._running:
                return
        try:
            async with asyncio.timeout(seconds):
                await rest.wait()
        except TimeoutError:
            with self._lock:
                for asked in self._running.values():
                    asked.budget.must_yield = True
            await rest.wait()

    def resume(self) -> None:
        with self._lock:
            self._is_paused, self._at_rest = False, None
            self._wake(len(self._idle))

    async def close(self) -> None:
        """Drop what waits or runs, then close the connections."""
        with self._lock:
            self._is_closed = True
            for asked in (*self._running.values(), *(one for queue in self._waiting.values() for one in queue)):
                asked.budget.ends = float("-inf")
            self._wake(len(self._idle))
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _wake(self, threads: int = 1) -> None:
        """Have idle threads look for a read; the caller holds the lock."""
        for _ in range(min(threads, len(self._idle))):
            self._idle.pop().release()

    def _work(self, connection: SqliteConnection) -> None:
        """Run what is asked, on a thread of its own, until closed."""
        awake = threading.Lock()
        with closing(connection):
            while True:
                with self._lock:
                    asked = self._taken()
                    if asked is not None:
                        if any(map(self._has_turn, self._waiting)):
                            self._wake()
                    elif self._is_closed:
                        return
                    else:
                        awake.acquire(blocking=False)
                        self._idle.append(awake)
                if asked is None:
                    awake.acquire()  # until somebody releases it
                    continue
                outcome = _outcome(connection, asked)
                with self._lock:
                    self._ended(asked, outcome)

    def _taken(self) -> _Asked | None:
        """Return the read whose turn it is, None when there is none; the caller holds the lock."""
        if self._is_paused:
            return None
        for workspace, queue in self._waiting.items():
            if self._has_turn(workspace):
                asked = self._running[workspace] = queue.popleft()
                del self._waiting[workspace]
                if queue:
                    self._waiting[workspace] = queue  # behind all others
                return asked
        return None

    def _has_turn(self, workspace: str) -> bool:
        """Tell whether the oldest waiting read of a workspace may run: no other of it runs, and none of its user."""
        user = self._waiting[workspace][0].user
        return workspace not in self._running and all(asked.user != user for asked in self._running.values())

    def _ended(self, asked: _Asked, outcome: Any) -> None:
        """Tell what became of a read, or let it wait for its turn again; the caller holds the lock."""
        del self._running[asked.workspace]
        if isinstance(outcome, Interrupted):
            asked.budget.must_yield = False
            self._waiting.setdefault(asked.workspace, deque()).appendleft(asked)
        else:
            self._loop.call_soon_threadsafe(tell, asked.answer, outcome)
        if self._at_rest is not None and not self._running:
            self._loop.call_soon_threadsafe(self._at_rest.set)


def _busy(why: str) -> Problem:
    return Problem("busy", f"{why}: send it again in 2 seconds.", headers={"Retry-After": "2"})


def _late() -> Problem:
    """Return what a read is told whose turn did not come in time."""
    return _busy("This list waited too long for its turn")


def _too_many() -> Problem:
    """Return what a read is told that may not even wait."""
    return _busy(f"{MOST_WAITING} lists and searches of this workspace wait already, so send fewer at once")


def _outcome(connection: SqliteConnection, asked: _Asked) -> Any:
    """Return what the read returned, or what it raised."""
    if asked.answer.done() or asked.budget.is_in_vain():
        return _late() if asked.budget.is_late else given_up()
    try:
        return snapshot(connection, asked.budget, asked.work, *asked.args)
    except Exception as error:
        return faults.unread(error)
