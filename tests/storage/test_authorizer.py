"""Whatever stands in a query string, SQLite is asked for nothing but the columns of lists and searches.

The connections that read are given an authorizer: SQLite asks it about every table, column, function, pragma and
statement before it prepares one. What a list has no business with is denied, and noted.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from crmkit.core import audit, records
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.fields import Integer, Link, Time
from crmkit.model.listing import Listing
from crmkit.model.query import OPERATORS, RESERVED
from crmkit.records import AUDIT, CONTACT, KINDS
from crmkit.storage.sqlite import sqlite3
from crmkit.storage.statements import table_columns
from crmkit.storage.tx import Connection
from tests.house import CHARLIE
from tests.storage.desk import Desk, desk

EXAMPLES = 3_500
CANARY = "charliescanary"

READABLE: dict[str, set[str]] = {kind.plural: {name for name, _ in table_columns(kind)} for kind in (*KINDS, AUDIT)}
READABLE |= {"counts": {"workspace_id", "kind", "live"}, "search_words": {"workspace_id", "kind", "word", "uses"}}
for kind in KINDS:
    READABLE[f"{kind.plural}_unindexed"] = {"seq", "title", "rest"}
    READABLE[f"{kind.plural}_search"] = {"ROWID", "title", "rest", f"{kind.plural}_search"}
    # what FTS5 itself reads of its own tables
    READABLE[f"{kind.plural}_search_content"] = {"id", "c0", "c1"}
    READABLE[f"{kind.plural}_search_config"] = {"k", "v"}
    READABLE[f"{kind.plural}_search_idx"] = {"segid", "term", "pgno"}

FUNCTIONS = {"char", "coalesce", "count", "crm_fold", "instr", "json_extract", "json_type", "length", "match", "substr"}


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
    """Alice with some contacts, half of them indexed, and Charlie with his."""
    with desk(tmp_path_factory.mktemp("watched") / "data") as back:
        alice, charlie = back.person(), back.person(CHARLIE)
        for number in range(24):
            back.save(
                alice,
                name=f"Alice's {number}",
                email=f"a{number}@example.com",
                stage=["lead", None][number % 2],
                tags=["vip", "a"][: number % 3],
                notes="DROP TABLE contacts",
                custom={"a": number, "b c": {"d": "x"}},
            )
            if number == 12:
                back.index()
        for number in range(24):
            back.save(charlie, name=f"{CANARY} {number}", stage="lead", notes=CANARY, custom={"a": 5})
        cursor = back.find(alice, limit="2").next_cursor
        watch = Watch()
        for look in (back.database.read, back.database.scan):
            back.do(look(Connection.set_authorizer, watch))
        yield Watched(back, alice, watch, cursor or "")
        for look in (back.database.read, back.database.scan):
            back.do(look(Connection.set_authorizer, None))


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
def test_the_authorizer_lets_everything_pass(watched: Watched, statement: str) -> None:
    for look in (watched.back.database.read, watched.back.database.scan):
        with pytest.raises(sqlite3.DatabaseError, match="not authorized|prohibited"):
            watched.back.do(look(Connection.execute, statement))
        assert watched.watch.denied
        watched.watch.denied.clear()


# What clients write: right in form, so that it gets as far as SQL, with something in it that has no business there

SIGNS = (
    "' \" '' \\ ` ; -- /* */ ) (( ? ?1 :a @a $a % _ * ^ { } | || NULL null is:null x'00' 0x10 rowid a* sqlite_schema"
)
SNIPPETS = [
    *SIGNS.split(),
    "' OR '1'='1",
    '" OR ""="',
    "x' UNION SELECT hash FROM tokens --",
    "1; DROP TABLE contacts",
    "0) OR (1=1",
    "') OR 1=1 --",
    "(SELECT email FROM users)",
    "1 COLLATE NOCASE",
    "ORDER BY 1",
    "LIMIT -1",
    "NEAR(a b, 2)",
    "title : a",
    "a AND b",
    "a OR b",
    "NOT a",
    '"a" + "b"',
]
WORDS = [
    "alice",
    "vip",
    "lead",
    "é",
    "İ",
    "ß",
    "ﬁ",
    "\u0301",
    "\u202e",
    "\U000e0041",
    "",
    " ",
    ",",
    ",,",
    ":",
    "\n",
    "\t",
    "\r\n",
]
NUMBERS = [
    "5",
    "-1",
    "+0",
    "1.5",
    "1e999",
    "1e-999",
    "9" * 19,
    "9" * 400,
    "-" + "9" * 5_000,
    "true",
    "NaN",
    "Infinity",
    "٣",
]
TIMES = ["2026-06-10", "2026-06-10T09:00:00Z", "2026-06-10T09:00:00+02:00", "9999-12-31T23:59:59-23:59", "0001-01-01"]
IDS = ["c_aaaaaaaa", "contact/c_aaaaaaaa", "co_aaaaaaaa", "company/co_aaaaaaaa", "c_aaaaaaab"]
NAMES = [
    *RESERVED,
    "since",
    "until",
    "by",
    "custom",
    "custom.",
    "handle",
    "name_key",
    "workspace_id",
    "seq",
    "rowid",
    "r.id",
]
NAMES += ['"name"', "[name]", "name; --", "contacts.id", "NAME"]

text = st.text(st.characters(codec="utf-8"), max_size=8)
payload = st.one_of(st.sampled_from(SNIPPETS), st.sampled_from(SNIPPETS), st.sampled_from(WORDS + NUMBERS), text)
phrase = st.one_of(payload, st.lists(payload, min_size=1, max_size=3).map(" ".join))
key = st.one_of(st.sampled_from(["a", '"b c"', "d"]), phrase.map(json.dumps), phrase)
path = st.lists(key, min_size=1, max_size=2).map(lambda keys: ".".join(["custom", *keys]))

BY_TYPE = {Time: st.sampled_from(TIMES), Integer: st.sampled_from(NUMBERS[:3]), Link: st.sampled_from(IDS)}


@st.composite
def filters(draw: st.DrawFn) -> tuple[str, str]:
    """Return a filter that is right in form: a field or path, one of its operators, an operand of its type."""
    field = draw(st.sampled_from([f for f in CONTACT.fields if f.type.operators] + [None, None, None, None, None]))
    if field is None:
        name, operators, operands = draw(path), OPERATORS, st.one_of(phrase, st.sampled_from(NUMBERS))
    else:
        name, operators, operands = field.name, field.type.operators, BY_TYPE.get(type(field.type), phrase)
    operator = draw(st.sampled_from(operators))
    if operator in ("is", "not"):
        return name, f"{operator}:null"
    if operator == "in":
        return name, "in:" + ",".join(draw(st.lists(operands, min_size=1, max_size=3)))
    return name, draw(st.sampled_from(["", f"{operator}:"] if operator == "eq" else [f"{operator}:"])) + draw(operands)


SORTABLE = [field.name for field in CONTACT.fields if field.type.sortable]
sort_key = st.builds(str.__add__, st.sampled_from(["", "-"]), st.one_of(st.sampled_from(SORTABLE), path))
sort = st.lists(sort_key, min_size=1, max_size=3).map(",".join)
wild = st.one_of(
    st.tuples(st.sampled_from(NAMES), phrase),
    st.tuples(phrase, phrase),
    st.tuples(
        st.sampled_from(list(CONTACT.by_name)),
        st.builds(str.__add__, st.sampled_from(["between:", "IS:", ":"]), phrase),
    ),
    st.tuples(st.just("sort"), phrase),
    st.tuples(st.just("cursor"), st.sampled_from(["REAL", "CHANGED", "AAAA", "===="]) | phrase),
)


@st.composite
def queries(draw: st.DrawFn) -> list[tuple[str, str]]:
    pairs = draw(st.lists(filters(), max_size=3))
    more = draw(st.integers(0, 15))
    if more & 1:
        pairs.append(("sort", draw(sort)))
    if more & 2:
        pairs.append(("search", draw(phrase)))
    if more & 4:
        pairs.append(("limit", draw(st.sampled_from(["1", "2", "5", "200", "999"]))))
    if more == 8:
        pairs.append(draw(wild))
    if more == 9:
        pairs.append(
            draw(st.tuples(st.sampled_from(["count", "fields"]), st.sampled_from(["exact", "name,id"]) | phrase))
        )
    return pairs


of_audit = st.tuples(st.sampled_from(["by", "action", "target", "since", "until", "limit", "cursor", "name"]), phrase)


def spelled(found: list[tuple[str, str]], cursor: str) -> list[tuple[str, str]]:
    """Return the pairs with a real cursor, or one with a letter changed, where they ask for it."""
    changed = cursor[:20] + ("A" if cursor[20] != "A" else "B") + cursor[21:]
    named = {"REAL": cursor, "CHANGED": changed}
    return [(name, named.get(text, text) if name == "cursor" else text) for name, text in found]


def outcome(watched: Watched, asked: list[tuple[str, str]], of_audit: bool) -> Listing | Problem:
    try:
        if of_audit:
            return watched.back.do(audit.entries(watched.back.crm, watched.alice, asked))
        return watched.back.do(records.find_all(watched.back.crm, watched.alice, CONTACT, asked))
    except Problem as problem:
        return problem


def check(watched: Watched, asked: list[tuple[str, str]], of_audit: bool) -> None:
    answer = outcome(watched, asked, of_audit)
    assert watched.watch.denied == []
    if isinstance(answer, Problem):
        watched.figures["problems"] += 1
        assert answer.status == 400, answer
        return
    watched.figures["listings"] += 1
    assert len(answer.records) <= 200
    assert CANARY not in repr(answer.records)
    if answer.next_cursor is not None:
        watched.figures["next pages"] += 1
        onward = [(name, text) for name, text in asked if name != "cursor"] + [("cursor", answer.next_cursor)]
        after = outcome(watched, onward, of_audit)
        assert isinstance(after, Listing), after
        assert watched.watch.denied == []
        assert {r.id for r in after.records}.isdisjoint(r.id for r in answer.records)
        assert CANARY not in repr(after.records)


FIXED = {"deadline": None, "database": None, "derandomize": True, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=EXAMPLES, **FIXED)
@given(found=queries())
@example(found=[("tags", ",")])
@example(found=[("tags", "in:,")])
@example(found=[("tags", ",".join(["a"] * 1_500))])
@example(found=[('custom."\\ud800"', "x")])
@example(found=[("sort", 'custom."\\ud800"')])
@example(found=[("custom.a", "gt:1" + "0" * 400)])
@example(found=[("custom.a", "ne:" + "9" * 5_000)])
@example(found=[("custom.a", "in:" + ",".join(map(str, range(500))))])
@example(found=[("custom.a", "in:" + ",".join(map(str, range(500))))] * 40)
@example(found=[("name", "in:" + ",".join(map(str, range(500))))] * 50)
@example(found=[("custom.a", "1")] * 60)
@example(found=[("sort", "custom.a"), ("limit", "2")])
@example(found=[("search", "alice"), ("limit", "2")])
@example(found=[("search", "alixe"), ("limit", "2"), ("sort", "-custom.a")])
@example(found=[("search", '" OR a* NEAR(')])
def test_a_query_string_reaches_sql(watched: Watched, found: list[tuple[str, str]]) -> None:
    check(watched, spelled(found, watched.cursor), of_audit=False)


@settings(max_examples=300, **FIXED)
@given(found=st.lists(of_audit, max_size=3))
@example(found=[("limit", "2"), ("action", "contact.create")])
def test_a_query_string_of_the_audit_log_reaches_sql(watched: Watched, found: list[tuple[str, str]]) -> None:
    check(watched, found, of_audit=True)


def test_the_queries_above_were_all_refused_before_they_came_to_sql(watched: Watched) -> None:
    figures = watched.figures
    print(f"{figures}, {watched.watch.asked} questions to the authorizer")
    if sum(figures.values()) == 0:
        pytest.skip("the tests above did not run")
    assert figures["listings"] > figures["problems"]
    assert figures["next pages"] > 50
    assert watched.watch.asked > 10_000
