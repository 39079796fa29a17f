"""A desk in the back room: an open database and the verbs on it, without HTTP, so that a test holds every step."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from crmkit import boot
from crmkit.core import upkeep
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.merging import merge as merging
from crmkit.core.people import login, sessions
from crmkit.core.reading import lists
from crmkit.core.records import logged, write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.query import parse
from crmkit.model.query.listing import Paging
from crmkit.model.record import Kind
from crmkit.storage import records as rows
from crmkit.storage.interface.brand import Brand
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.sqlite.engine.database import SqliteDatabase
from crmkit.storage.sqlite.search import plan as search_plan
from crmkit.storage.sqlite.search import trigrams
from tests import postgres
from tests.house import ALICE, GivenClock, settings_of
from tests.kinds import CONTACT, KINDS

T = TypeVar("T")

HANGS = 60  # seconds after which a test is not slow but stuck
ENDLESS = 5_000  # records, far more than any test has

# what makes the planner choose a plan: up to how many records texts are read, what it costs to read one and
# to look up a trigram. The index looks up whole words, all of their trigrams, or some.
SEARCH_PLANS = {
    "texts": (10**9, 40, 800),
    "words": (-1, 10**12, 800),
    "trigrams": (-1, 1, -(10**9)),
    "some trigrams": (-1, 10**6, 10**7),
}


@dataclass
class Found:
    """A page as it was found, its rows made into records."""

    records: tuple[Any, ...]
    paging: Paging


class Confirming(Call):
    """A call that sends a confirm token."""

    __slots__ = ("_sent",)

    def __init__(self, crm: Crm, actor: Actor, sent: str) -> None:
        super().__init__(crm, actor)
        self._sent = sent

    @property
    def confirm(self) -> str:
        return self._sent


@dataclass
class Desk:
    """`do` runs a coroutine to its end; between two of them nothing moves (no upkeep runs, so no text is indexed)."""

    crm: Crm
    clock: GivenClock
    do: Callable[[Coroutine[Any, Any, Any]], Any]

    @property
    def database(self) -> SqliteDatabase:
        database: Any = self.crm.database  # of whichever brand
        return database

    def person(self, email: str = ALICE) -> Actor:
        """Return the actor behind an address, with a fresh token; the first time with a workspace of their own."""
        unit = partial(login.sign_in, crm=self.crm, email=email, token_name="test")
        signed_in = self.do(self.database.write(unit, lanes=[mail_lane(email)]))
        return self.do(sessions.authenticate(self.crm, f"Bearer {signed_in.token}"))

    def make(self, actor: Actor, kind: Kind, **body: Any) -> Any:
        return self.do(write.save(Call(self.crm, actor), kind, body)).record

    def save(self, actor: Actor, **body: Any) -> Any:
        return self.make(actor, CONTACT, **body)

    def save_all(self, actor: Actor, bodies: list[dict[str, Any]], kind: Kind = CONTACT) -> list[Any]:
        """Return the new records, all made in one transaction."""

        def unit(tx: Tx) -> list[Any]:
            return [rows.put(tx, kind, None, kind.new(kind.draft(body))) for body in bodies]

        return self.do(Call(self.crm, actor).write(unit))

    def change(self, actor: Actor, record: Any, **body: Any) -> Any:
        return self.do(write.change(Call(self.crm, actor), kind_of(record), record.id, body)).record

    def remove(self, actor: Actor, record: Any) -> None:
        try:
            self.do(write.remove(Call(self.crm, actor), kind_of(record), record.id))
        except Problem as problem:
            self.do(write.remove(Confirming(self.crm, actor, problem.facts["confirm"]), kind_of(record), record.id))

    def merge(self, actor: Actor, stays: Any, goes: Any) -> Any:
        """Return the record that stays, with the other one merged into it."""
        kind, body = kind_of(stays), {"from": goes.id}
        with pytest.raises(Problem) as raised:
            self.do(merging.merge(Call(self.crm, actor), kind, stays.id, body))
        if raised.value.code != "confirmation_required":
            raise raised.value
        call = Confirming(self.crm, actor, raised.value.facts["confirm"])
        return self.do(merging.merge(call, kind, stays.id, body)).record

    def fetch(self, actor: Actor, record: Any) -> Any:
        return self.do(lists.fetch(Call(self.crm, actor), kind_of(record), record.id))

    def log(self, actor: Actor, record: Any, **body: Any) -> Any:
        return self.do(logged.log(Call(self.crm, actor), kind_of(record), record.id, body)).record

    def find(self, actor: Actor, *pairs: tuple[str, str], kind: Kind = CONTACT, **named: str) -> Found:
        found = self.do(lists.find_all(Call(self.crm, actor), kind, [*pairs, *named.items()], details=True))
        return Found(tuple(kind.build(*row) for row in found.rows), found.paging)

    def pages(
        self,
        actor: Actor,
        *pairs: tuple[str, str],
        kind: Kind = CONTACT,
        between: Callable[[], None] = lambda: None,
    ) -> list[Any]:
        """Return the records of all pages; `between` is called from one page to the next."""
        found: list[Any] = []
        page = self.find(actor, *pairs, kind=kind)
        while page.paging.next_cursor is not None:
            found += page.records
            assert len(found) < ENDLESS, "the pages come to no end"
            between()
            page = self.find(actor, *pairs, ("cursor", page.paging.next_cursor), kind=kind)
        return [*found, *page.records]

    def amend(self, actor: Actor, activity: Any, **body: Any) -> Any:
        """Return the activity with these fields changed."""
        return self.do(write.change(Call(self.crm, actor), self.crm.kinds.activity, activity.id, body)).record

    def pass_time(self, **by: int) -> None:
        """Let time pass, and count the activities whose time has come."""
        self.clock.move(**by)
        self.do(upkeep.count_due(Call(self.crm)))

    def index(self) -> None:
        self.do(upkeep.index_all(Call(self.crm)))


class Gate:
    """A unit that holds the writer until the gate opens, so that what is written meanwhile makes one group."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self, tx: Tx) -> None:
        self.reached.set()
        assert self.opened.wait(30)


async def queued(database: SqliteDatabase, calls: list[Callable[[], Coroutine[Any, Any, Any]]]) -> list[Any]:
    """Return the outcomes of coroutines whose writes all wait, in this order, when the writer comes to them.

    Each must come to its write without waiting for anything else.
    """
    gate = Gate()
    held = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.reached.wait, 30)
    tasks = [asyncio.create_task(call()) for call in calls]
    asyncio.get_running_loop().call_soon(gate.opened.set)  # runs after the first step of every task above
    await held
    return await asyncio.gather(*tasks, return_exceptions=True)


def kind_of(record: Any) -> Kind:
    return next(kind for kind in KINDS if isinstance(record, kind.record))


def workspace_of(actor: Actor) -> Workspace:
    return Workspace(actor.workspace_id, actor.workspace_number)


def force_search_plan(patch: pytest.MonkeyPatch, name: str) -> None:
    """Have searches use a plan that they otherwise use in workspaces of another size."""
    read_through, read, look_up = SEARCH_PLANS[name]
    patch.setattr(search_plan, "MAX_RECORDS_READ", read_through)
    patch.setattr(trigrams, "READ", read)
    patch.setattr(trigrams, "LOOK_UP", look_up)


@contextmanager
def desk(folder: Path, environ: Mapping[str, str] | None = None, brand: Brand | None = None) -> Iterator[Desk]:
    """Open the data in a folder until the block ends."""
    clock = GivenClock()
    settings = settings_of(**{**postgres.environ(folder), **(environ or {})})
    crm = boot.crm_of(settings, clock, brand or postgres.behind_walls(settings))
    with asyncio.Runner() as runner:
        runner.run(crm.database.__aenter__())
        try:
            yield Desk(crm, clock, lambda work: runner.run(asyncio.wait_for(work, HANGS)))
        finally:
            runner.run(crm.database.__aexit__(None, None, None))


def listed(kind: Kind, pairs: list[tuple[str, str]]) -> parse.Query:
    """Return the query of a list in text."""
    return msgspec.structs.replace(parse.parse(kind, pairs), fields=kind.listed[1:])


def steps_of(connection: Connection, statement: Statement) -> list[str]:
    """Return how SQLite means to find the rows of a statement; that they are packed into one value is left out."""
    plan = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.args)
    return [step for *_, step in plan if step not in ("CO-ROUTINE q", "SCAN q") and "subquery" not in step]
