"""Counts: the SQL they become, and by what it is read."""

import difflib
import json
import os
import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from crmkit.model.query import count, parse
from crmkit.model.record import Kind
from crmkit.storage.counts import access
from crmkit.storage.counts.sql import how_many, page
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.plan import Plan, ReadTable, WalkIndex
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import ROOT
from tests.kinds import ACTIVITY, CONTACT, DEAL, KINDS
from tests.storage.desk import workspace_of
from tests.storage.samples import Library

GOLDEN = ROOT / "tests" / "golden" / "counts.txt"
WORKSPACE = Workspace("ws_k7m2q9xa", 1)
ZONE = "Europe/Berlin"

# what a client writes after the ? of a count, and the position of a page before it
COUNTS: list[tuple[Kind, str, list[Any] | None]] = [
    (DEAL, "by=stage", None),
    (DEAL, "by=stage", [4, "lead"]),
    (DEAL, "by=stage,owner", [4, "lead", None]),
    (DEAL, "sum=amount_cents&avg=amount_cents", None),
    (DEAL, "by=stage&sum=amount_cents&max=updated_at&status=open", None),
    (DEAL, "by=created_at.month,close_date.week", None),
    (CONTACT, "by=tags,on_behalf_of&min=rating", None),
    (CONTACT, "by=custom.size&sum=custom.size", None),
    (ACTIVITY, "by=kind,created_by&sum=duration_minutes", None),
]


def asked(kind: Kind, query: str) -> tuple[parse.Query, count.Counting]:
    own, filters = count.apart(kind, [(name, text) for name, _, text in (p.partition("=") for p in query.split("&"))])
    return parse.parse(kind, filters), count.parse(kind, own, ZONE)


def planned(kind: Kind, query: parse.Query, counting: count.Counting) -> Plan:
    """Return the plan where no filter is met by few rows."""
    index = access.covering(kind, query.conditions, counting)
    read = WalkIndex(index, query.conditions) if index else ReadTable(is_ordered=True)
    return Plan(query, (), read, ReadTable())


def written() -> Iterator[str]:
    """Yield the golden file's parts."""
    for kind, text, position in COUNTS:
        query, counting = asked(kind, text)
        plan = planned(kind, query, counting)
        after = "" if position is None else f", after {json.dumps(position)}"
        title = f"/{kind.plural}/count?{text}{after}"
        yield _shown(title, page(DIALECT, kind, WORKSPACE, plan, counting, position))
    query, counting = asked(DEAL, "by=stage")
    plan = planned(DEAL, query, counting)
    yield _shown("how many groups /deals/count?by=stage has", how_many(DIALECT, DEAL, WORKSPACE, plan, counting))


def _shown(title: str, statement: Statement) -> str:
    sql = re.sub(r" (FROM|WHERE|GROUP|LEFT|ORDER|LIMIT)\b", r"\n  \1", statement.sql)
    return f"{title}\n  {sql}\n  <- {json.dumps(list(statement.args), ensure_ascii=False)}"


@pytest.mark.golden
def test_every_count_becomes_the_sql_that_was_reviewed() -> None:
    found = "\n\n".join(written()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    kept = GOLDEN.read_text(encoding="utf-8")
    difference = difflib.unified_diff(kept.splitlines(), found.splitlines(), "golden", "now", lineterm="", n=1)
    assert found == kept, "\n".join(["look at it, then `make golden`:", *difference])


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_count_by_a_field_that_leads_an_index_reads_that_index_alone(library: Library, kind: Kind) -> None:
    leading = {index.fields[0] for index in kind.indexes if not index.filled}
    assert leading
    for name in leading:
        steps = steps_of(library, kind, f"by={name}")
        assert re.match(rf"SEARCH r USING COVERING INDEX {kind.plural}_by_\w+ \(workspace_id=\?\)", steps[0]), steps
        assert not any("GROUP BY" in step for step in steps), steps


@pytest.mark.sqlite
@pytest.mark.parametrize("query", ["by=source", "by=stage&sum=estimated_cents", "by=tags", "by=stage&city=like:a"])
def test_a_count_that_no_index_holds_reads_the_rows_of_its_workspace_alone(library: Library, query: str) -> None:
    steps = steps_of(library, CONTACT, query)
    assert steps[0] == "SEARCH r USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)", steps


def steps_of(library: Library, kind: Kind, text: str) -> list[str]:
    query, counting = asked(kind, text)
    with closing(connect(library.back.database.folder / FILE, False)) as connection:
        plan, _ = access.decide(connection, kind, workspace_of(library.alice), query, counting)
        statement = page(DIALECT, kind, workspace_of(library.alice), plan, counting, None)
        found = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.args).fetchall()
    return [step for *_, step in found if step not in ("CO-ROUTINE g", "SCAN g")]
