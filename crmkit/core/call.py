"""What every verb is handed: the product's parts and who asks, and the one way to write."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from typing import Any, TypeVar

from crmkit.core.crm import Crm
from crmkit.core.people import access
from crmkit.core.requests.wrapper import NOTHING, Outcome, TakenBack, Wrapper, operation_of
from crmkit.errors import Problem
from crmkit.model.actor import Actor, Asker
from crmkit.model.query.chosen import ALL, ByKind
from crmkit.storage.interface.lanes import Lanes
from crmkit.storage.interface.tx import Effect, Tx, Unit

T = TypeVar("T")

# what a unit returned, its effects, what it logged: named, since annotations of a function within another are computed
# with each call
_Done = tuple[Any, list[Effect], dict[str, int]]


class Call:
    """One request to the product, from whatever face it came; without an actor, work of the system or a stranger's."""

    __slots__ = ("_actor", "_now", "around", "crm", "outcome", "wrapper")

    def __init__(self, crm: Crm, actor: Actor | None = None) -> None:
        self.crm = crm
        self._actor = actor
        self._now = ""
        self.wrapper: Wrapper | None = None  # of a request under a key, or for a dry run; it writes once
        self.around: Callable[[Unit[Any]], Unit[Any]] | None = None  # makes its unit another one: see core/proposals
        self.outcome = NOTHING  # of its newest write, unless that is under a key

    @property
    def actor(self) -> Actor:
        """Who asks; raises RuntimeError where nobody is known."""
        if self._actor is None:
            raise RuntimeError("this call has no actor")
        return self._actor

    @property
    def now(self) -> str:
        """The moment of the call, as a stamp: the same one however often it is asked for."""
        if not self._now:
            self._now = self.crm.now
        return self._now

    @property
    def asker(self) -> Asker:
        """Who asks, and when; raises RuntimeError where nobody is known."""
        return self.actor.asker(self.now)

    @property
    def needs(self) -> tuple[str, ...]:
        """The scopes that the token must have, still when the write begins."""
        return ()

    @property
    def code(self) -> str:
        """The step-up code that was sent; empty without one."""
        return ""

    @property
    def confirm(self) -> str:
        """The confirm token that was sent; empty without one."""
        return ""

    @property
    def chosen(self) -> ByKind:
        """What was chosen of the records in the answer: lists read no more of them."""
        return ALL

    @property
    def may_be_cut(self) -> bool:
        """Whether the page that is answered may be cut: lists tell the cursor after each of its rows."""
        return False

    @property
    def client(self) -> str:
        """What a request is counted for: a network address, or its network; empty for what came over no network."""
        return ""

    @property
    def address(self) -> str:
        """The network address that asks; empty for what came over no network."""
        return ""

    async def left(self) -> None:
        """Return once nobody waits for the answer any more: the client has gone, or the server stops."""
        await asyncio.Future[None]()

    def read(self, work: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Return `work(connection, *args)`, a read of a few rows by key."""
        return self.crm.database.read(self._actor, work, *args)

    def scan(self, work: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Return `work(connection, *args)`, a list, search or count; raises as Database.scan."""
        return self.crm.database.scan(self._actor, work, *args)

    def stream(
        self, work: Callable[..., Iterator[bytes]], *args: Any, is_whole: bool = False
    ) -> AsyncGenerator[bytes, None]:
        """Return the bytes that `work(connection, *args)` yields, of one moment; raises as Database.stream."""
        return self.crm.database.stream(self.actor, work, *args, is_whole=is_whole)

    def write_later(self, key: Any, unit: Unit[Any]) -> None:
        """Write beside the request, as Database.write_later does: a read is answered where nothing can be written."""
        self.crm.database.write_later(key, unit)

    async def write(
        self,
        unit: Callable[[Tx], T | Problem],
        lanes: Lanes | None = None,
        asks_code: bool = False,
        silent: bool = False,
    ) -> T:
        """Return what `unit` returned, once it is durable and the effects that it left with `tx.after` are done.

        They are done in order, once; one that raises is the last, and what it raised is raised. A Problem that the unit
        returned is raised after them: unlike one that it raises, it takes back nothing that was written.

        The actor is looked up again inside the transaction, so a token that was revoked, narrowed or came to its end,
        or an ended membership, stops a request that was already waiting. `lanes` name what the unit looks at before it
        writes; without them it is the actor's workspace. An act that an app must have confirmed is refused, unless the
        unit `asks_code` itself (see stepup.confirmed). `silent` as in Database.write. `wrapper` may answer in
        place of the unit, or take it back.
        """
        actor = self._actor
        if actor is not None and actor.must_confirm and not asks_code:
            raise access.unconfirmed()

        if self.around is not None:
            unit = self.around(unit)
        wrapper = self.wrapper
        if wrapper is not None and actor is not None and lanes is not None:
            lanes = (*lanes, actor.workspace_id)  # where answers are kept

        def checked(tx: Tx) -> _Done:
            if actor is not None:
                tx.actor = access.current(tx)
                tx.actor.access.check(*self.needs)
                if self.address:
                    access.check_use(tx.actor, self.address, tx.now)
            value = unit(tx) if wrapper is None else wrapper.run(tx, unit)
            return value, tx.effects, tx.operations

        value: T | Problem
        try:
            value, effects, operations = await self.crm.database.write(checked, actor, lanes, silent)
        except TakenBack as taken:
            value, effects, operations = taken.value, [], {}
            self.outcome = Outcome(is_dry=True, hidden=taken.made)
        else:
            if wrapper is not None:
                wrapper.done(value)
            elif operations:
                self.outcome = Outcome(operation_of(actor, operations))
        for effect in effects:
            await effect()
        if isinstance(value, Problem):
            raise value
        return value
