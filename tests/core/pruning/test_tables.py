"""No table is forgotten: it is one of a kind, one that lasts, or one of which outdated rows go in small steps."""

import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.pruning.lasting import LASTING
from crmkit.core.pruning.sweep import STEPS, sweep
from crmkit.core.transfer import uploads
from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from crmkit.storage.pruning.bounded import AT_ONCE
from crmkit.storage.requests import answers
from crmkit.storage.requests.answers import Kept, Sent
from crmkit.storage.transfer.imports import DROPPED_AT_ONCE
from tests.kinds import REGISTRY
from tests.storage.desk import Desk

MANY = 2 * AT_ONCE + 20
PRUNED = [table for step in STEPS for table in step.tables]
KEPT_FOR = 400  # days, longer than any of it is kept
STATES = {"deliveries": "failed", "jobs": "done", "proposals": "rejected", "imports": "done"}
COUNT_FROM_NOW = {"proposals", "imports", "refused_rows", "jobs", "tokens", "briefs"}
EMPTY = {("jobs", "due_at")}  # of a job that has ended


def tables(connection: Connection) -> set[str]:
    """Return the tables of the schema, without those that keep the index of texts."""
    sql = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"
    return {name for (name,) in connection.execute(sql)}


@pytest.mark.sqlite
def test_every_table_is_one_of_a_kind_lasts_or_is_pruned(back: Desk) -> None:
    """A new one fails here until it is said what bounds it."""
    of_kinds = {kind.plural for kind in (*REGISTRY.linking_first, REGISTRY.activity, *REGISTRY.settings)}
    texts = {f"{kind.plural}_{what}" for kind in REGISTRY.searched for what in ("texts", "unindexed")}
    declared = [*of_kinds, *texts, *LASTING, *PRUNED]
    assert len(declared) == len(set(declared))
    assert set(declared) == back.do(back.database.read(None, tables))


def row(columns: list[tuple[Any, ...]], table: str, number: int, alice: Actor, at: str) -> list[Any]:
    """Return a row of a table that is of this moment, and of one workspace."""
    given = {"workspace_id": alice.workspace_id, "user_id": alice.user_id, "state": STATES.get(table)}
    given |= {"token_id": f"old{number}", "import_id": f"old{number}", "job_id": f"old{number}"}
    values = list[Any]()
    for _, name, type, is_needed, _, _ in columns:
        if name == "expires_at":
            values.append(after(at, minutes=1))
        elif name == "at" or name.endswith("_at"):
            values.append(None if (table, name) in EMPTY else at)
        elif name in given and given[name] is not None:
            values.append(given[name])
        elif not is_needed and name != "seq":
            values.append(None)
        else:
            values.append({"TEXT": f"old{number}", "BLOB": b"%d" % number}.get(type, number))
        if name == "spent":
            values[-1] = 0
        if name == "file":
            values[-1] = ""
    return values


def fill(tx: Tx, alice: Actor, at: str, first: int, rows: int) -> None:
    """Fill each table that is pruned with rows of this moment."""
    for table in sorted(PRUNED, key="briefs".__eq__):  # behind tokens
        columns = tx.connection.execute(f"PRAGMA table_info({table})").fetchall()
        given = ", ".join("?" * len(columns))
        numbers = range(first, first + rows)
        all_rows = [row(columns, table, number, alice, at) for number in numbers]
        tx.connection.executemany(f"INSERT INTO {table} VALUES ({given})", all_rows)


def counts(connection: Connection) -> dict[str, int]:
    found = ((table, connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]) for table in PRUNED)
    return dict(found)


class Counting(Call):
    """A call that knows how many rows each of its transactions dropped."""

    __slots__ = ("dropped",)

    def __init__(self, back: Desk) -> None:
        super().__init__(back.crm)
        self.dropped: list[int] = []

    def write(self, unit: Callable[[Tx], Any], *args: Any, **more: Any) -> Awaitable[Any]:
        def counted(tx: Tx) -> Any:
            before = sum(counts(tx.connection).values())
            value = unit(tx)
            self.dropped.append(before - sum(counts(tx.connection).values()))
            return value

        return super().write(counted, *args, **more)


def filled(back: Desk, days: int) -> dict[str, int]:
    """Fill the tables with what is fresh and what is of another day; return how many rows of each are fresh."""
    alice, write, now = back.person(), back.database.write, back.crm.now
    back.do(write(partial(fill, alice=alice, at=after(now, seconds=-1), first=1, rows=3), lanes=ANYWHERE))
    found: dict[str, int] = back.do(back.database.read(None, counts))
    back.do(write(partial(fill, alice=alice, at=after(now, days=days), first=10, rows=MANY), lanes=ANYWHERE))
    return found


@pytest.mark.sqlite
def test_what_is_outdated_goes_in_small_steps_and_what_is_fresh_stays(back: Desk) -> None:
    stays, call = filled(back, -KEPT_FOR), Counting(back)
    back.do(sweep(call))
    found = back.do(back.database.read(None, counts))
    assert found == stays | {"job_records": 0}  # they go with the job
    assert max(call.dropped) <= max(2 * AT_ONCE, DROPPED_AT_ONCE + AT_ONCE)


@pytest.mark.sqlite
def test_what_is_ahead_of_a_clock_that_was_set_back_goes_at_once_or_as_if_it_were_of_now(back: Desk) -> None:
    stays, call = filled(back, KEPT_FOR), Counting(back)
    back.do(sweep(call))
    found = back.do(back.database.read(None, counts))
    assert {table for table in PRUNED if found[table] > stays[table]} <= COUNT_FROM_NOW
    back.clock.move(days=2 * KEPT_FOR)
    back.do(sweep(call))
    assert set(back.do(back.database.read(None, counts)).values()) == {0}


def test_a_key_that_is_sent_each_day_holds_back_no_other_answer(back: Desk) -> None:
    alice = back.person()
    kept = Kept(b"request", "", Sent(200, "", b"{}"))

    def unit(tx: Tx, key: str) -> None:
        place = alice.workspace_id, alice.token_id, key
        if answers.find(tx, place) is None:
            answers.keep(tx, place, kept)

    for day in range(4):
        for key in ("daily", f"once {day}"):
            back.do(back.database.write(partial(unit, key=key), lanes=ANYWHERE))
        back.clock.move(hours=answers.KEPT_HOURS, seconds=1)
        back.do(back.database.write(partial(unit, key="daily"), lanes=ANYWHERE))
        back.do(sweep(Call(back.crm)))
        assert back.do(back.database.read(None, counts))["answers"] == 1


def test_a_file_that_a_cut_request_left_goes_after_a_day(back: Desk) -> None:
    made = [back.crm.uploads.create() for _ in range(2)]
    for each in made:
        each.finish("", "", {})
    old, fresh = made
    os.utime(old.path, (0, time.time() - uploads.OLD_SECONDS))
    back.do(sweep(Call(back.crm)))
    assert (old.path.exists(), fresh.path.exists()) == (False, True)
