"""Units of work, in the order of their lanes: those of the same lanes that wait together are one transaction."""

import asyncio
from collections import deque
from typing import Any, TypeVar

from msgspec import Struct

from crmkit.clock import Clock, stamp
from crmkit.histogram import Histogram
from crmkit.storage.interface.commits import Commits
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.postgres.engine import faults, transactions
from crmkit.storage.postgres.engine.notices import Notices
from crmkit.storage.postgres.engine.pool import Pool
from crmkit.storage.postgres.engine.transactions import Work
from crmkit.storage.reads.reading import tell

T = TypeVar("T")

GROUPS = (1, 2, 4, 8, 16, 32)  # sizes of groups, as they are told
MOST_TOGETHER = 32  # units in a transaction, for whose commit all of them wait


class _Waiting(Struct):
    work: Work
    answer: asyncio.Future[Any]


class Writer:
    """Runs units on the connections of a pool; `commits` and other processes are told of what was committed."""

    def __init__(self, pool: Pool, clock: Clock, commits: Commits, notices: Notices) -> None:
        self._pool = pool
        self._clock = clock
        self._commits = commits
        self._notices = notices
        self._queues: dict[frozenset[str], deque[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.ready = pool.ready
        self.groups = Histogram(GROUPS)  # of the units that ran together

    @property
    def waiting(self) -> int:
        """How many units wait, without those that run."""
        return sum(map(len, self._queues.values()))

    async def write(self, work: Work) -> Any:
        """Return what the unit returned, once it is durable; what it raised is raised, and nothing of it stays."""
        if self._is_closing:
            raise RuntimeError("the database is closing")
        waiting = _Waiting(work, asyncio.get_running_loop().create_future())
        if not work.lanes or {*work.lanes} == {*ANYWHERE}:
            self._begin(self._answer([waiting]))
        else:
            lanes = frozenset(work.lanes)
            queue = self._queues.get(lanes)
            if queue is None:
                self._queues[lanes] = deque([waiting])
                self._begin(self._empty(lanes))
            else:
                queue.append(waiting)
        return await waiting.answer

    async def close(self) -> None:
        """Finish what waits, then stop."""
        self._is_closing = True
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._pool.close()

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _empty(self, lanes: frozenset[str]) -> None:
        """Run what waits in a queue until nothing does."""
        queue = self._queues[lanes]
        while queue:
            await asyncio.sleep(0)  # what comes in the same turn joins the transaction
            group = [queue.popleft() for _ in range(min(MOST_TOGETHER, len(queue)))]
            await self._answer([waiting for waiting in group if not waiting.answer.cancelled()])
        del self._queues[lanes]

    async def _answer(self, group: list[_Waiting]) -> None:
        if not group:
            return
        works = [waiting.work for waiting in group]
        self.groups.add(len(works))
        try:
            outcomes = await self._pool.run(transactions.run, works, self._now)
        except Exception as error:
            outcomes = [faults.failed(error)] * len(group)
        for waiting, outcome in zip(group, outcomes, strict=True):
            self._commits.tell(waiting.work.names)  # also of what may have been committed
            self._notices.tell(waiting.work.names)
            tell(waiting.answer, outcome)

    def _now(self) -> str:
        return stamp(self._clock())
