"""Queries: the SQL they become, and what it costs."""

import difflib
import json
import os
import re
import textwrap
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from crmkit import ids
from crmkit.model.query import parse
from crmkit.model.record import Kind
from crmkit.storage.columns import packed, stored, whole
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.pages import fetch_page
from crmkit.storage.lists.plan import LookUp
from crmkit.storage.lists.planner import in_order, looked_up
from crmkit.storage.lists.sql import count, page, picked, positions_of, where
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.search import sql as search_sql
from crmkit.storage.sqlite.search import trigrams
from crmkit.storage.sqlite.search.plan import SearchPlan
from tests.house import ROOT
from tests.kinds import AUDIT, CONTACT, DEAL, KINDS
from tests.storage.desk import listed, steps_of, workspace_of
from tests.storage.samples import Library

GOLDEN = ROOT / "tests" / "golden" / "statements.txt"
WORKSPACE = Workspace("ws_k7m2q9xa", 1)
COMPANY = ids.numbered("co", 1)

# what a client writes after the ? of a list, and the position of a page before it
LISTS: list[tuple[Any, list[tuple[str, str]], list[Any] | None]] = [
    (CONTACT, [], None),
    (CONTACT, [], ["2026-06-10T09:00:00Z", "c_k7m2q9xa"]),
    (CONTACT, [("limit", "200"), ("sort", "created_at")], ["2026-06-10T09:00:00Z", "c_k7m2q9xa"]),
    (CONTACT, [("email", "Jane@Acme.com")], None),
    (CONTACT, [("stage", "Lead")], None),
    (CONTACT, [("stage", "in:lead,won"), ("stage", "ne:lost")], None),
    (CONTACT, [("sort", "name")], None),
    (CONTACT, [("sort", "-name")], ["jane doe", "c_k7m2q9xa"]),
    (CONTACT, [("sort", "follow_up_at")], None),
    (CONTACT, [("sort", "company_name"), ("notes", "like:boat")], None),
    (CONTACT, [("sort", "stage,-follow_up_at")], None),
    (CONTACT, [("sort", "stage,-follow_up_at")], ["lead", "2026-06-10T09:00:00Z", "c_k7m2q9xa"]),
    (CONTACT, [("sort", "stage,-follow_up_at")], ["lead", None, "c_k7m2q9xa"]),
    (CONTACT, [("sort", "stage,-follow_up_at")], [None, None, "c_k7m2q9xa"]),
    (CONTACT, [("sort", "-id,name")], ["c_k7m2q9xa", "jane doe"]),
    (CONTACT, [("name", "like:100%_"), ("notes", "like:Boat"), ("notes", "Boat")], None),
    (CONTACT, [("phone", "is:null"), ("email", "not:null")], None),
    (CONTACT, [("follow_up_at", "lte:2026-06-10"), ("version", "gt:3")], None),
    (DEAL, [("status", "open"), ("close_date", "gte:2026-06-08"), ("close_date", "lte:2026-06-14")], None),
    (DEAL, [("status", "open"), ("close_date", "gte:2026-06-08"), ("sort", "close_date")], None),
    (CONTACT, [("tags", "vip"), ("tags", "a,B"), ("tags", "in:a,b"), ("tags", "ne:a,b"), ("tags", "like:vi")], None),
    (CONTACT, [("company_id", f"company/{COMPANY}")], None),
    (CONTACT, [("custom.size", "5"), ("custom.size", "gt:5"), ("custom.size", "ne:5")], None),
    (CONTACT, [("custom.city", "Zürich"), ("custom.city", "like:rich"), ("custom.ok", "true")], None),
    (CONTACT, [('custom."full name".de', "in:5,x"), ("custom.city", "is:null"), ("custom.size", "not:null")], None),
    (CONTACT, [("sort", "-custom.size")], [5, "c_k7m2q9xa"]),
    (
        CONTACT,
        [("created_at", "2026-06-10"), ("updated_at", "ne:2026-06-10"), ("follow_up_at", "lte:2026-06-10")],
        None,
    ),
    (CONTACT, [("created_at", "in:2026-06-10,2026-06-12T09:00:00Z")], None),
    (CONTACT, [("or.stage", "lead"), ("or.owner", "bob@example.com")], None),
    (CONTACT, [("or.stage", "lead"), ("or.owner", "bob@example.com")], ["2026-06-10T09:00:00Z", "c_k7m2q9xa"]),
    (
        CONTACT,
        [
            ("source", "web"),
            ("or.created_at", "2026-06-10"),
            ("or.stage", "ne:lead"),
            ("or2.tags", "in:a,b"),
            ("or2.custom.size", "gt:5"),
        ],
        None,
    ),
    (DEAL, [("status", "open"), ("or.close_date", "gte:2026-06-08"), ("or.close_date", "is:null")], None),
    (AUDIT, [("or.by", "alice@example.com"), ("or.at", "gte:2026-06-10")], None),
    (CONTACT, [("name", "starts:Ja"), ("sort", "name")], None),
    (CONTACT, [("name", "unlike:Ja"), ("email", "ends:.com"), ("stage", "out:won,lost")], None),
    (CONTACT, [("notes", "starts:Met"), ("phone", "starts:+41"), ("custom.city", "ends:rich")], None),
    (CONTACT, [("tags", "none:a,b"), ("tags", "any:c,d"), ("tags", "starts:v")], None),
    (CONTACT, [("created_at", "between:2026-06-01,2026-06-10"), ("rating", "between:1,5")], None),
    (CONTACT, [("location", "within:47.37,8.54,5")], None),
    (CONTACT, [("location", "within:-17.7,179.99,5"), ("location", "not:null")], None),
    (CONTACT, [("location", "is:null")], None),
    (AUDIT, [("target", "contacts")], [4294967299]),
    (AUDIT, [], [4294967299]),
    (AUDIT, [("by", "alice@example.com"), ("target", "contact/c_aaaaaaaa"), ("at", "gte:2026-06-10")], None),
]

PAGE = re.compile(
    r"SELECT CAST\('\[' \|\| group_concat\(row\) \|\| '\]' AS BLOB\), group_concat\(seq\) FROM \((.*)\) AS q"
)

# what a statement of a list is written in, besides names that are declared
SQL = """
    r s u q a rowid row SELECT FROM WHERE AND OR NOT IS NULL NULLS LAST IN ORDER BY DESC LIMIT BETWEEN EXISTS UNION ALL
    JOIN ON AS MATCH count group_concat instr substr char coalesce crm_fold json json_array json_extract json_type
    r s u q rowid row SELECT FROM WHERE AND OR NOT IS NULL NULLS LAST IN ORDER BY DESC LIMIT BETWEEN EXISTS UNION ALL
    JOIN ON AS MATCH count group_concat instr substr length char coalesce crm_fold crm_distance json json_array
    json_extract json_type CAST BLOB
    text integer real true false TRUE FALSE
"""

SEARCHES = ["jane acme", "jo", '"quoted" NEAR(x']


def written() -> Iterator[str]:
    """Yield the golden file's parts."""
    yield f"WHOLE row of a contact\n{_wrapped(whole(DIALECT, CONTACT))}"
    yield f"WHOLE row of an audit entry\n{_wrapped(whole(DIALECT, AUDIT))}"
    yield f"PACKED columns of a contact in a line\n{_wrapped(packed(DIALECT, CONTACT, CONTACT.listed[1:]))}"
    yield f"a PAGE of rows\n{_wrapped(PAGE.pattern)}"
    for kind, pairs, position in LISTS:
        asked = listed(kind, pairs)
        spelled = "&".join(f"{name}={value}" for name, value in pairs)
        after = "" if position is None else f", after {json.dumps(position)}"
        plan = in_order(kind, asked)
        yield _shown(f"/{kind.plural}?{spelled}{after}\n  ({plan})", page(DIALECT, kind, WORKSPACE, plan, position))
    for sort in ("", "stage,-follow_up_at", "-custom.size"):
        asked = parse.parse(CONTACT, [("sort", sort)] if sort else [])
        yield _shown(
            f"where /contacts?sort={sort} goes on after row 7",
            positions_of(DIALECT, CONTACT, WORKSPACE, in_order(CONTACT, asked).sorts, [7]),
        )
    filtered = parse.parse(CONTACT, [("stage", "lead")])
    plan = in_order(CONTACT, filtered)
    yield _shown("the total of /contacts?stage=lead", count(DIALECT, CONTACT, WORKSPACE, plan, 1001))
    yield _shown(
        "the total of /contacts?stage=lead&count=exact",
        count(DIALECT, CONTACT, WORKSPACE, plan, None),
    )
    scope = where(DIALECT, WORKSPACE, filtered.conditions)
    for text in SEARCHES:
        terms = Terms.exact(text.lower())
        for tier, name in zip(search_sql.TIERS, ("its start", "the title", "anywhere"), strict=True):
            statement = search_sql.of_tier(CONTACT, WORKSPACE, terms, tier, SearchPlan(), WORKSPACE.last + 1, scope)
            yield _shown(f"/contacts?search={text}&stage=lead: {name}", statement)
        yield _shown(f"/contacts?search={text}: not yet indexed", search_sql.waiting(CONTACT, WORKSPACE, terms, scope))
    corrected = Terms("", (("jane", "jana"), ("acme",)))
    matches = search_sql.matches(CONTACT, WORKSPACE, corrected, SearchPlan())
    by_name = listed(CONTACT, [("search", "jame acne"), ("sort", "name")])
    plan = looked_up(CONTACT, by_name, LookUp((matches,), "search"))
    yield _shown(
        f"/contacts?search=jame acne&sort=name, corrected\n  ({plan})", page(DIALECT, CONTACT, WORKSPACE, plan, None)
    )
    terms = Terms.exact("jane kelason")
    for chosen, name in (
        (SearchPlan(by_index=False), "few texts"),
        (
            SearchPlan(
                sample=trigrams.Sample(
                    10**6, 10**4, dict.fromkeys(trigrams.of_words(["jane", "kelason"]), 500) | {"las": 9}
                )
            ),
            "many texts",
        ),
    ):
        yield _shown(
            f"/contacts?search=jane kelason: all matches, {name}",
            search_sql.counted(CONTACT, WORKSPACE, terms, chosen, 1001),
        )
    seqs = "[4294967299,4294967300]"
    best = search_sql.ranked(CONTACT, terms, seqs, scope, (search_sql.TITLE, 4294967301), 51)
    yield _shown("/contacts?search=jane kelason&stage=lead: the best of all matches", best)
    rows = picked(DIALECT, CONTACT, WORKSPACE, CONTACT.listed[1:], [4294967299, 4294967300])
    yield _shown("/contacts?search=jane kelason: their records", rows)


def _shown(title: str, statement: Statement) -> str:
    sql = statement.sql
    for kind in (CONTACT, AUDIT):
        sql = sql.replace(packed(DIALECT, kind, kind.listed[1:]), "PACKED")
    if (rows := PAGE.fullmatch(sql)) is not None:
        sql = f"PAGE of {rows[1]}"
    args = json.dumps(list(statement.args), ensure_ascii=False)
    return f"{title}\n  {_broken(sql)}\n  <- {args}"


def _broken(sql: str) -> str:
    """Return the statement with its clauses and outermost conditions on lines of their own."""
    depth, between, words = 0, False, []
    for word in sql.split(" "):
        clause = word in ("FROM", "WHERE", "ORDER", "LIMIT", "UNION")
        if depth == 0 and (clause or (word == "AND" and not between)):
            words.append("\n  " if clause else "\n    ")
        between = word == "BETWEEN" or (between and word != "AND")
        depth += word.count("(") - word.count(")")
        words.append(word + " ")
    return re.sub(r" +(?=\n|\Z)", "", "".join(words))


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 110, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


@pytest.mark.golden
def test_every_query_becomes_the_sql_that_was_reviewed() -> None:
    found = "\n\n".join(written()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    kept = GOLDEN.read_text(encoding="utf-8")
    difference = difflib.unified_diff(kept.splitlines(), found.splitlines(), "golden", "now", lineterm="", n=1)
    assert found == kept, "\n".join(["look at it, then `make golden`:", *difference])


def test_no_name_or_value_from_the_query_gets_into_the_sql_itself() -> None:
    words = set(re.findall(r"[A-Za-z_]+", " ".join(whole(DIALECT, kind) for kind in (CONTACT, AUDIT, DEAL))))
    words |= {field.compared for kind in (CONTACT, AUDIT, DEAL) for field in stored(kind)}
    words |= {
        "contacts",
        "deals",
        "contacts_search",
        "contacts_unindexed",
        "audit",
        "workspace_id",
        "seq",
        "title",
        "rest",
    }
    words |= set(re.findall(r"[A-Za-z_]+", SQL))
    quoted = {"'text'", "'integer'", "'real'", "'true'", "'false'", "'['", "']'"}
    for kind, pairs, position in LISTS:
        statement = page(DIALECT, kind, WORKSPACE, in_order(kind, listed(kind, pairs)), position)
        assert set(re.findall(r"[A-Za-z_]+", statement.sql)) - words == set()
        assert set(re.findall(r"'[^']*'", statement.sql)) <= quoted
        assert statement.sql.count("?") == len(statement.args)


# What a query costs


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pairs", "position", "index"),
    [
        ([], None, "contacts_by_updated_at"),
        ([], ["2026-06-10T09:00:00Z", "c_k7m2q9xa"], "contacts_by_updated_at"),
        ([("sort", "created_at")], ["2026-06-10T09:00:00Z", "c_k7m2q9xa"], "contacts_by_created_at"),
        ([("email", "jane@acme.com")], None, "contacts_by_email"),
        ([("id", ids.numbered("c", 1))], None, "sqlite_autoindex_contacts_1"),
        ([("stage", "lead")], None, "contacts_by_stage"),
        ([("stage", "lead")], ["2026-06-10T09:00:00Z", "c_k7m2q9xa"], "contacts_by_stage"),
        ([("sort", "name")], None, "contacts_by_name"),
        ([("sort", "name")], ["jane", "c_k7m2q9xa"], "contacts_by_name"),
        ([("sort", "-name")], ["jane", "c_k7m2q9xa"], "contacts_by_name"),
        ([("name", "jane doe"), ("sort", "name")], None, "contacts_by_name"),
        ([("name", "starts:ja"), ("sort", "name")], None, "contacts_by_name"),
        ([("created_at", "between:2026-06-01,2026-06-10"), ("sort", "created_at")], None, "contacts_by_created_at"),
        ([("stage", "lead"), ("location", "within:47,8,5")], None, "contacts_by_stage"),
    ],
)
def test_a_common_query_is_read_in_the_order_of_an_index(
    library: Library, pairs: list[tuple[str, str]], position: list[Any] | None, index: str
) -> None:
    back, alice = library.back, library.alice
    statement = page(DIALECT, CONTACT, workspace_of(alice), in_order(CONTACT, listed(CONTACT, pairs)), position)
    with closing(connect(back.database.folder / FILE, False)) as connection:
        steps = steps_of(connection, statement)
    assert len(steps) == 1, steps
    assert steps[0].startswith(f"SEARCH r USING INDEX {index} ("), steps


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_first_page_of_a_kind_is_read_in_the_order_of_an_index(library: Library, kind: Kind) -> None:
    back, alice = library.back, library.alice
    for position in (None, ["2026-06-10T09:00:00Z", f"{kind.prefix}_k7m2q9xa"]):
        statement = page(DIALECT, kind, workspace_of(alice), in_order(kind, listed(kind, [])), position)
        with closing(connect(back.database.folder / FILE, False)) as connection:
            steps = steps_of(connection, statement)
        assert len(steps) == 1, steps
        assert steps[0].startswith(f"SEARCH r USING INDEX {kind.plural}_by_updated_at ("), steps


@pytest.mark.sqlite
def test_a_total_reads_no_rows_of_other_workspaces(library: Library) -> None:
    back, alice = library.back, library.alice
    with closing(connect(back.database.folder / FILE, False)) as connection:
        for pairs in ([("stage", "lead")], [("notes", "like:a")], [("custom.a", "1")]):
            plan = in_order(CONTACT, parse.parse(CONTACT, pairs))
            statement = count(DIALECT, CONTACT, workspace_of(alice), plan, 1001)
            steps = steps_of(connection, statement)
            own = r"SEARCH r USING (.*INDEX \w+ \(workspace_id=\?|INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\))"
            assert any(re.search(own, step) for step in steps), steps
            assert not any("SCAN r" in step for step in steps), steps


@pytest.mark.sqlite
def test_a_statement_is_planned_once_for_every_limit(library: Library) -> None:
    back, alice = library.back, library.alice
    planned: list[tuple[Any, ...]] = []

    def noted(*args: Any) -> int:
        planned.append(args)
        return 0

    with closing(connect(back.database.folder / FILE, False)) as connection:
        connection.set_authorizer(noted)
        for pairs in ([], [("stage", "lead")], [("search", "jane")], [("search", "jane"), ("sort", "name")]):
            for most in ("2", "3"):
                planned.clear()
                fetch_page(connection, CONTACT, workspace_of(alice), listed(CONTACT, [*pairs, ("limit", most)]), None)
            assert planned == [], pairs
