"""Whatever stands in a query string, SQLite is asked for nothing but the columns of lists and searches.

The connections that read are given an authorizer: SQLite asks it about every table, column, function, pragma and
statement before it prepares one. What a list has no business with is denied, and noted.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from crmkit.core.call import Call
from crmkit.core.reading import audit, lists
from crmkit.core.records import activities, logged
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.query.listing import Listing
from crmkit.model.record import Kind
from crmkit.storage.columns import table_columns
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3
from tests.core.configuration.builds import build, declare, now
from tests.house import CHARLIE
from tests.kinds import ACTIVITY, AUDIT, COMPANY, CONTACT, DEAL, KINDS
from tests.storage.desk import Desk, desk, force_search_plan
from tests.storage.hostile import asked_of, queries, spelled

pytestmark = [pytest.mark.sqlite, pytest.mark.slow]

EXAMPLES = 1_500
CANARY = "charliescanary"

READABLE: dict[str, set[str]] = {
    kind.plural: {name for name, _ in table_columns(kind)} for kind in (*KINDS, ACTIVITY, AUDIT)
}
READABLE |= {"counts": {"workspace_id", "kind", "live"}}
READABLE |= {f"search_{part}s": {"workspace_id", "kind", part, "uses"} for part in ("word", "piece")}
READABLE["deleted"] = {"workspace_id", "id", "merged_into"}  # whether the id of a filter was merged
READABLE["json_each"] = {"json", "value"}
READABLE["custom_indexes"] = {"seq", "workspace_id", "kind", "key", "form", "required", "state"}
READABLE["custom_values"] = {"workspace_id", "place", "value", "id", "seq", "updated_at"}
for kind in (*KINDS, ACTIVITY):
    READABLE[f"{kind.plural}_unindexed"] = {"seq", "title", "rest"}
    READABLE[f"{kind.plural}_texts"] = {"place", "title", "rest"}
    READABLE[f"{kind.plural}_search"] = {"ROWID", "title", "rest", f"{kind.plural}_search"}
    # what FTS5 itself reads of its own tables
    READABLE[f"{kind.plural}_search_config"] = {"k", "v"}
    READABLE[f"{kind.plural}_search_idx"] = {"segid", "term", "pgno"}

FUNCTIONS = {"coalesce", "count", "crm_fold", "instr", "length", "match", "group_concat", "substr"}
FUNCTIONS |= {
    "crm_compared",
    "crm_phone_key",
    "->",
    "json",
    "json_array",
    "json_extract",
    "json_group_array",
    "json_type",
}


@dataclass
class Watch:
    """The authorizer of both reading connections."""

    denied: list[tuple[Any, ...]] = field(default_factory=list)
    asked: int = 0

    def __call__(self, action: int, one: str, two: str, database: str, inner: str) -> int:
        self.asked += 1
        if self.allows(action, one, two, database):
            return sqlite3.SQLITE_OK
        self.denied.append((action, one, two, database, inner))
        return sqlite3.SQLITE_DENY

    def allows(self, action: int, one: str, two: str, database: str) -> bool:
        if action == sqlite3.SQLITE_SELECT:
            return True
        if action == sqlite3.SQLITE_READ:  # with an empty column where a table is only counted
            return database in ("main", None) and one in READABLE and (two == "" or two in READABLE[one])
        if action == sqlite3.SQLITE_FUNCTION:
            return two in FUNCTIONS
        if action == sqlite3.SQLITE_TRANSACTION:
            return one in ("BEGIN", "ROLLBACK")
        return action == sqlite3.SQLITE_PRAGMA and (one, two) == ("data_version", None)  # FTS5 asks for it


@dataclass
class Watched:
    back: Desk
    alice: Actor
    watch: Watch
    cursor: str
    figures: dict[str, int] = field(default_factory=lambda: {"listings": 0, "problems": 0, "next pages": 0})


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """Alice with some records of every kind, half of them indexed, and Charlie with his."""
    with desk(tmp_path_factory.mktemp("watched") / "data") as back, pytest.MonkeyPatch.context() as patch:
        force_search_plan(patch, "trigrams")
        alice, charlie = back.person(), back.person(CHARLIE)
        for number in range(24):
            contact = back.save(
                alice,
                name=f"Alice's {number}",
                email=f"a{number}@example.com",
                stage=["lead", None][number % 2],
                tags=["vip", "a"][: number % 3],
                notes="DROP TABLE contacts",
                custom={"a": number, "b c": {"d": "x"}},
            )
            links = {"contact_id": contact.id, "company_id": back.make(alice, COMPANY, name=f"Firm {number}").id}
            deal = back.make(alice, DEAL, title=f"Alice's {number}", amount_cents=number, custom={"a": number}, **links)
            back.do(logged.log(Call(back.crm, alice), DEAL, deal.id, {"body": f"call {number}", "kind": "call"}))
            if number == 12:
                back.index()
        for number in range(24):
            back.save(charlie, name=f"{CANARY} {number}", stage="lead", notes=CANARY, custom={"a": 5})
            back.make(charlie, COMPANY, name=f"{CANARY} {number}", notes=CANARY, custom={"a": 5})
            deal = back.make(charlie, DEAL, title=f"{CANARY} {number}", stage="lead", notes=CANARY, custom={"a": 5})
            back.do(logged.log(Call(back.crm, charlie), DEAL, deal.id, {"body": CANARY}))
        declare(back, alice, "a", "number")
        build(back)
        alice = now(back, alice)
        cursor = back.find(alice, limit="2").paging.next_cursor
        watch = Watch()
        for look in (partial(back.database.read, None), partial(back.database.scan, None)):
            back.do(look(SqliteConnection.set_authorizer, watch))
        yield Watched(back, alice, watch, cursor or "")
        for look in (partial(back.database.read, None), partial(back.database.scan, None)):
            back.do(look(SqliteConnection.set_authorizer, None))


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT hash FROM tokens",
        "SELECT count(*) FROM tokens",
        "SELECT email FROM users",
        "SELECT hash FROM codes",
        "SELECT sql FROM sqlite_schema",
        "SELECT name FROM contacts UNION SELECT email FROM users",
        "SELECT name FROM contacts WHERE name = (SELECT max(email) FROM users)",
        "SELECT load_extension('x')",
        "SELECT randomblob(1000000000)",
        "PRAGMA table_info(contacts)",
        "ATTACH 'other.db' AS other",
        "CREATE TEMP TABLE t (n)",
        "DELETE FROM contacts",
        "WITH RECURSIVE t (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT n FROM t",
    ],
)
def test_the_authorizer_refuses_statements_that_no_list_needs(watched: Watched, statement: str) -> None:
    for look in (partial(watched.back.database.read, None), partial(watched.back.database.scan, None)):
        with pytest.raises(sqlite3.DatabaseError, match="not authorized|prohibited"):
            watched.back.do(look(SqliteConnection.execute, statement))
        assert watched.watch.denied
        watched.watch.denied.clear()


def outcome(watched: Watched, kind: Kind, asked: list[tuple[str, str]]) -> Listing | Problem:
    try:
        if kind is AUDIT:
            return watched.back.do(audit.entries(Call(watched.back.crm, watched.alice), asked, details=True))
        if kind is ACTIVITY:
            return watched.back.do(activities.find_all(Call(watched.back.crm, watched.alice), asked, details=True))
        return watched.back.do(lists.find_all(Call(watched.back.crm, watched.alice), kind, asked, details=True))
    except Problem as problem:
        return problem


def check(watched: Watched, kind: Kind, asked: list[tuple[str, str]]) -> None:
    answer = outcome(watched, kind, asked)
    assert watched.watch.denied == []
    if isinstance(answer, Problem):
        watched.figures["problems"] += 1
        assert answer.status == 400, answer
        return
    watched.figures["listings"] += 1
    assert len(answer.rows) <= 200
    assert CANARY not in repr(answer.rows)
    if answer.paging.next_cursor is not None:
        watched.figures["next pages"] += 1
        onward = [(name, text) for name, text in asked if name != "cursor"] + [("cursor", answer.paging.next_cursor)]
        after = outcome(watched, kind, onward)
        assert isinstance(after, Listing), after
        assert watched.watch.denied == []
        assert {row[0] for row in after.rows}.isdisjoint(row[0] for row in answer.rows)
        assert CANARY not in repr(after.rows)


FIXED = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


def test_no_query_string_makes_sqlite_touch_what_a_list_does_not_need(watched: Watched) -> None:
    @settings(max_examples=EXAMPLES, **FIXED)
    @given(found=queries())
    @example(found=(CONTACT, [("tags", ",")]))
    @example(found=(CONTACT, [("tags", "in:,")]))
    @example(found=(CONTACT, [("tags", ",".join(["a"] * 1_500))]))
    @example(found=(CONTACT, [('custom."\\ud800"', "x")]))
    @example(found=(CONTACT, [("sort", 'custom."\\ud800"')]))
    @example(found=(CONTACT, [("custom.a", "gt:1" + "0" * 400)]))
    @example(found=(CONTACT, [("custom.a", "ne:" + "9" * 5_000)]))
    @example(found=(CONTACT, [("custom.a", "in:" + ",".join(map(str, range(500))))]))
    @example(found=(CONTACT, [("custom.a", "in:" + ",".join(map(str, range(500))))] * 40))
    @example(found=(CONTACT, [("name", "in:" + ",".join(map(str, range(500))))] * 50))
    @example(found=(CONTACT, [("custom.a", "1")] * 60))
    @example(found=(CONTACT, [("sort", "custom.a"), ("limit", "2")]))
    @example(found=(CONTACT, [("search", "alice"), ("limit", "2")]))
    @example(found=(CONTACT, [("search", "alixe"), ("limit", "2"), ("sort", "-custom.a")]))
    @example(found=(CONTACT, [("search", '" OR a* NEAR(')]))
    def holds(found: tuple[Kind, list[tuple[str, str]]]) -> None:
        kind, asked = found
        check(watched, kind, spelled(asked, watched.cursor))

    watched.figures.update(dict.fromkeys(watched.figures, 0))
    before = watched.watch.asked
    holds()
    figures, questions = watched.figures, watched.watch.asked - before
    print(f"{figures}, {questions} questions to the authorizer")
    # most queries reached SQL
    assert figures["listings"] > figures["problems"]
    assert figures["next pages"] > 20
    assert questions > 10_000


@pytest.mark.parametrize("log", [ACTIVITY, AUDIT], ids=lambda log: log.name)
def test_no_query_string_of_a_log_makes_sqlite_touch_what_a_list_does_not_need(watched: Watched, log: Kind) -> None:
    @settings(max_examples=200, **FIXED)
    @given(asked=asked_of(log))
    @example(asked=[("limit", "2")])
    def holds(asked: list[tuple[str, str]]) -> None:
        check(watched, log, asked)

    holds()
