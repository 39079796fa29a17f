"""`python -m bench.reads [SIZE ...]`: what each read costs in databases of different sizes, side by side.

Through the verbs, one read at a time, on one connection: no HTTP, no rendering. Times are milliseconds.
"""

import argparse
import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from bench.data.dataset import Dataset, dataset, settings_of
from bench.kinds import CONTACT, DEAL, KINDS
from crmkit import boot
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.people import sessions
from crmkit.core.reading import audit, lists, reminders
from crmkit.core.records import activities
from crmkit.model.actor import Actor
from crmkit.storage.interface.workspace import Workspace

SIZES = (10_000, 1_000_000)
LEAST_ROUNDS, MOST_ROUNDS = 5, 200
SECONDS = 0.4  # that one read is measured

Pairs = list[tuple[str, str]]
Read = Callable[[], Awaitable[Any]]


class Reader:
    """The reads of one workspace; values to look for are drawn from what it holds."""

    def __init__(self, crm: Crm, actor: Actor, made: Dataset, ids: dict[str, list[str]], values: dict[str, Any]):
        self.call, self.made, self.ids, self.values = Call(crm, actor), made, ids, values
        self.choice = random.Random(1)

    def reads(self) -> dict[str, Read]:
        found: dict[str, Read] = {
            "GET one": lambda: lists.fetch(self.call, CONTACT, self.one("contacts")),
            "list": self.listed(),
            "list, second page": self.second(),
            "activities of one": lambda: activities.find_on(
                self.call, CONTACT, self.one("contacts"), [("limit", "50")]
            ),
            "activities": self.activities(),
            "activities kind=call": self.activities(kind="call"),
            "activities since": self.activities(since="2026-06-09"),
            "activities until": self.activities(until="2024-06-09"),
            "activities nobody's": self.activities(on_behalf_of="nobody@example.com"),
            "activities 3 contacts": lambda: activities.find_all(
                self.call, [("contact", ",".join(self.one("contacts") for _ in range(3)))]
            ),
            "reminders": lambda: reminders.due(self.call, {}),
            "reminders days=30": lambda: reminders.due(self.call, {"days": "30"}),
            "reminders owner=me": lambda: reminders.due(self.call, {"owner": "me"}),
            "reminders kind=task": lambda: reminders.due(self.call, {"kind": "task"}),
            "audit": self.audit(),
            "audit page 2": self.second_audit(),
            "audit by=": self.audit(by="ada@example.com"),
            "audit by= nobody": self.audit(by="nobody@example.com"),
            "audit action=update": self.audit(action="contact.update"),
            "audit action= none": self.audit(action="contact.delete"),
            "audit target=": lambda: audit.entries(self.call, [("target", self.one("contacts"))]),
            "audit since": self.audit(since="2026-06-09"),
            "audit since= none": self.audit(since="2030-01-01"),
            "audit until": self.audit(until="2024-06-09"),
            "search common": self.listed(search="anna"),
            "search common, sort": self.listed(search="anna", sort="name"),
            "search email end": self.listed(search="gmail.com"),
            "search two common": self.listed(search="anna call"),
            "search 0.5 %": self.listed(search=self.made.term),
            "search rare": self.listed(search=self.made.rare),
            "search name": lambda: self.find([("search", self.value("name"))]),
            "search typo": self.listed(search="quokkka"),
            "search nothing": self.listed(search="qqqqqqq"),
            "search two letters": self.listed(search="zz"),
            "search + stage": self.listed(search=self.made.term, stage="customer"),
        }
        filters: dict[str, Callable[[], Pairs]] = {
            "name=": lambda: [("name", self.value("name"))],
            "name= none": lambda: [("name", "Nobody At All")],
            "email=": lambda: [("email", self.value("email"))],
            "email= none": lambda: [("email", "nobody@example.com")],
            "stage=lead (44 %)": lambda: [("stage", "lead")],
            "stage= none": lambda: [("stage", "nowhere")],
            "stage=in:": lambda: [("stage", "in:lead,qualified")],
            "stage=in: none": lambda: [("stage", "in:nowhere,elsewhere")],
            "owner=": lambda: [("owner", "chen@example.com")],
            "owner= none": lambda: [("owner", "nobody@example.com")],
            "tags=": lambda: [("tags", "vip")],
            "tags= none": lambda: [("tags", "nothing")],
            "company_id=": lambda: [("company_id", self.one("companies"))],
            "company_id= none": lambda: [("company_id", "co_m72ucuz9")],
            "company_id=in:": lambda: [("company_id", f"in:{self.one('companies')},{self.one('companies')}")],
            "name= stage=": lambda: [("name", self.value("name")), ("stage", "lead")],
            "custom.city=": lambda: [("custom.city", "Oslo")],
            "custom.size= few": lambda: [("custom.size", "4711")],
            "name=like:": lambda: [("name", "like:quokk")],
            "phone=": lambda: [("phone", "+49 123456789")],
            "stage=ne:": lambda: [("stage", "ne:lead")],
            "email=is:null": lambda: [("email", "is:null")],
            "created_at=gte: none": lambda: [("created_at", "gte:2030-01-01")],
            "updated_at=gte: few": lambda: [("updated_at", "gte:2026-06-10")],
            "created_at=lt: few": lambda: [("created_at", "lt:2024-04-03")],
            "follow_up_at=lte:": lambda: [("follow_up_at", "lte:2026-01-01")],
            "follow_up_at=lte: none": lambda: [("follow_up_at", "lte:2020-01-01")],
            "activities=gte: few": lambda: [("activities", "gte:8")],
        }
        for name, pairs in filters.items():
            found[name] = self.filtered(pairs)
            found[f"{name} sort=name"] = self.filtered(pairs, ("sort", "name"))
        for sort in ("email", "follow_up_at", "owner", "last_activity_at", "custom.size"):
            found[f"sort={sort}"] = self.listed(sort=sort)
        found["count of stage=lead"] = self.listed(stage="lead", count="exact")
        found["count of tags=vip"] = self.listed(tags="vip", count="exact")
        for kind in KINDS[1:]:
            found[kind.plural] = partial(lists.find_all, self.call, kind, [])
        found["deals of contact"] = lambda: lists.find_all(self.call, DEAL, [("contact_id", self.one("contacts"))])
        found["deals status=won"] = lambda: lists.find_all(self.call, DEAL, [("status", "won")])
        found["deals amount few"] = lambda: lists.find_all(self.call, DEAL, [("amount_cents", "gte:9999900")])
        return found

    def one(self, table: str) -> str:
        return self.choice.choice(self.ids[table])

    def value(self, name: str) -> str:
        return str(self.choice.choice(self.values[name]))

    def find(self, pairs: Pairs) -> Awaitable[Any]:
        return lists.find_all(self.call, CONTACT, pairs)

    def filtered(self, pairs: Callable[[], Pairs], *more: tuple[str, str]) -> Read:
        return lambda: self.find([*pairs(), *more])

    def listed(self, **named: str) -> Read:
        return lambda: self.find(list(named.items()))

    def activities(self, **named: str) -> Read:
        return lambda: activities.find_all(self.call, list(named.items()))

    def audit(self, **named: str) -> Read:
        return lambda: audit.entries(self.call, list(named.items()))

    def second(self) -> Read:
        cursor = ""

        async def read() -> None:
            nonlocal cursor
            cursor = cursor or (await self.find([])).paging.next_cursor
            await self.find([("cursor", cursor)])

        return read

    def second_audit(self) -> Read:
        cursor = ""

        async def read() -> None:
            nonlocal cursor
            cursor = cursor or (await audit.entries(self.call, [])).paging.next_cursor or ""
            await audit.entries(self.call, [("cursor", cursor)])

        return read


async def measured(made: Dataset, chosen: str) -> dict[str, tuple[float, float]]:
    """Return median and 99th percentile of each read, in milliseconds."""
    crm = boot.crm_of(settings_of(made.folder))
    async with crm.database:
        actor = await sessions.authenticate(crm, f"Bearer {made.token}")
        ids = {
            table: [row[0] for row in await crm.database.read(actor, _drawn, table, "id", actor)]
            for table in ("contacts", "companies")
        }
        values = {
            name: [row[0] for row in await crm.database.read(actor, _drawn, "contacts", name, actor)]
            for name in ("name", "email")
        }
        found = {}
        for name, read in Reader(crm, actor, made, ids, values).reads().items():
            if chosen in name:
                found[name] = await _timed(read)
        return found


def _drawn(connection: Any, table: str, column: str, actor: Actor) -> list[Any]:
    """Return the column of some rows of a workspace, from all over it."""
    workspace = Workspace.of(actor)
    (last,) = connection.execute(
        f"SELECT max(seq) FROM {table} WHERE seq BETWEEN ? AND ?", (workspace.first, workspace.last)
    ).fetchone()
    step = max(1, (last - workspace.first) // 500)
    rows = [
        connection.execute(f"SELECT {column} FROM {table} WHERE seq = ?", (seq,)).fetchone()
        for seq in range(workspace.first + 1, last + 1, step)
    ]
    return [row for row in rows if row and row[0]]


async def _timed(read: Read) -> tuple[float, float]:
    for _ in range(2):
        await _ended(read)
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < LEAST_ROUNDS or (len(times) < MOST_ROUNDS and time.perf_counter() < end):
        if len(times) >= 3 and time.perf_counter() > end + SECONDS:
            break
        started = time.perf_counter()
        await _ended(read)
        times.append((time.perf_counter() - started) * 1_000)
    times.sort()
    return statistics.median(times), times[min(len(times) - 1, int(len(times) * 0.99))]


async def _ended(read: Read) -> None:
    try:
        await read()
    except Exception as error:
        print(f"  {error!r}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.reads", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=SIZES)
    parser.add_argument("--only", default="", help="reads with this in their name")
    asked = parser.parse_args()
    tables = [asyncio.run(measured(dataset(size), asked.only)) for size in asked.sizes]
    heads = "".join(f"{f'{size:,}':>12}{'p99':>9}" for size in asked.sizes)
    print(f"{'ms':<34}{heads}   times")
    for name in tables[0]:
        columns = "".join(f"{table[name][0]:>12.2f}{table[name][1]:>9.2f}" for table in tables)
        print(f"{name:<34}{columns}{tables[-1][name][0] / tables[0][name][0]:>8.1f}")


if __name__ == "__main__":
    main()
