"""Calls that wait for changes. They hold no thread and no connection to the database.

One task for each workspace where somebody waits listens to its commits. It reads what the waiting calls would read,
once for all that ask for the same, and ends those for which there is something. It also ends the calls whose token,
membership or role is no more what it was.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import TYPE_CHECKING

from crmkit.core.history.changes import Nouns, Page, Round
from crmkit.errors import Problem
from crmkit.storage.interface.commits import RIGHTS, Listener
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries
from crmkit.storage.people import tokens

if TYPE_CHECKING:
    from crmkit.core.call import Call

REST_SECONDS = 0.1  # between two looks at one workspace: the commits of that time are looked at together
TOGETHER = 50  # calls that end in one turn of the event loop, so that other requests are answered between them
MOST_PER_TOKEN = 4  # calls that wait at once

Read = Callable[[Round], Awaitable[Page]]


class _Waiter:
    """A call that waits from the number `start` on (see Waiting.news)."""

    __slots__ = ("answer", "asks", "nouns", "read", "role", "start", "token_id")

    def __init__(self, call: "Call", nouns: Nouns, asks: str, start: int, read: Read) -> None:
        self.token_id, self.role = call.actor.token_id, call.actor.role
        self.nouns, self.asks, self.start, self.read = nouns, asks, start, read
        self.answer: asyncio.Future[Page | None] = asyncio.get_running_loop().create_future()

    def end(self, page: Page | None = None) -> None:
        if not self.answer.done():
            self.answer.set_result(page)

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class _Room:
    """The calls that wait in one workspace, and the task that looks for them."""

    def __init__(self, system: "Call", workspace: Workspace) -> None:
        self.waiters: set[_Waiter] = set()
        self._system = system
        self._workspace = workspace
        self._listener: Listener | None = None
        # it outlives the request that begins it, so its reads do not end when that client has gone
        self.task = asyncio.create_task(self._run(), context=Context())

    def enter(self, waiter: _Waiter) -> None:
        self.waiters.add(waiter)
        if self._listener is not None:
            self._listener.wake()  # there may have been a commit since the call looked

    async def _run(self) -> None:
        try:
            with self._system.crm.database.commits.listener(self._workspace.id, RIGHTS) as listener:
                self._listener = listener
                while True:
                    await self._look(list(self.waiters))
                    await asyncio.sleep(REST_SECONDS)
                    await listener.wait()
        except Exception as error:
            for waiter in self.waiters:
                waiter.fail(error)

    async def _look(self, waiters: list[_Waiter]) -> None:
        """End the calls that have lost their right to wait, and those for which there is something."""
        if not waiters:
            return
        read, workspace = self._system.read, self._workspace
        rights = await read(tokens.roles, workspace.id, sorted({waiter.token_id for waiter in waiters}))
        start = min(waiter.start for waiter in waiters)
        newest, written = await read(entries.nouns_after, workspace, start)
        groups: dict[tuple[int, str], list[_Waiter]] = {}
        for waiter in waiters:
            if rights.get(waiter.token_id) != waiter.role or newest < waiter.start:  # or the workspace is erased
                waiter.end()
            elif newest > waiter.start and (written is None or written & waiter.nouns.keys()):
                groups.setdefault((waiter.start, waiter.asks), []).append(waiter)
            else:
                waiter.start = newest
        for (start, _), group in groups.items():
            await _tell(group, Round(start, newest, start))


async def _tell(waiters: list[_Waiter], round: Round) -> None:
    """End calls that would read the same if there is something in a round, else have them wait from its end."""
    try:
        page = await waiters[0].read(round)
    except Problem as problem:
        for waiter in waiters:
            waiter.fail(problem)
        return
    for number, waiter in enumerate(waiters, start=1):
        if not page.changes and page.round.is_over:
            waiter.start = round.end
            continue
        waiter.end(page)
        if number % TOGETHER == 0:
            await asyncio.sleep(0)


class Waiting:
    """All calls that wait, by workspace and by token."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Room] = {}
        self._per_token: Counter[str] = Counter()

    @property
    def calls(self) -> int:
        """How many calls wait."""
        return self._per_token.total()

    async def news(
        self, call: "Call", system: "Call", nouns: Nouns, asks: str, start: int, read: Read, seconds: float
    ) -> Page | int:
        """Return the first page of what comes after the number `start`, or without news up to where there was none.

        `system` is a call without an actor, for the task of the workspace. `asks` is the same for calls of which `read`
        would return the same.

        Without news it returns after so many seconds, and at once when the call may not wait any longer or nobody waits
        for its answer. Raises `rate_limited` for one call of a token too many, and what `read` raised.
        """
        token, workspace = call.actor.token_id, Workspace.of(call.actor)
        if self._per_token[token] >= MOST_PER_TOKEN:
            raise Problem(
                "rate_limited",
                f"This token has {MOST_PER_TOKEN} calls that wait: end one of them, or ask without wait.",
                headers={"Retry-After": str(round(seconds) or 1)},
            )
        self._per_token[token] += 1
        waiter = _Waiter(call, nouns, asks, start, read)
        room = self._rooms.get(workspace.id)
        if room is None or room.task.done():
            room = self._rooms[workspace.id] = _Room(system, workspace)
        room.enter(waiter)
        left = asyncio.create_task(call.left())
        left.add_done_callback(lambda _: waiter.end())
        timer = asyncio.get_running_loop().call_later(seconds, waiter.end)
        try:
            page = await waiter.answer
            return waiter.start if page is None else page
        finally:
            timer.cancel()
            left.cancel()
            self._leave(workspace.id, room, waiter)
            await asyncio.wait([left])  # it gives back what it held of the connection

    def _leave(self, workspace_id: str, room: _Room, waiter: _Waiter) -> None:
        room.waiters.discard(waiter)
        if not room.waiters:
            room.task.cancel()
            if self._rooms.get(workspace_id) is room:
                del self._rooms[workspace_id]
        self._per_token[waiter.token_id] -= 1
        if not self._per_token[waiter.token_id]:
            del self._per_token[waiter.token_id]
