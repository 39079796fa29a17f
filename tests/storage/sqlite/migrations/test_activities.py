"""The migration of activities: records that were there show what they would if each activity were logged today."""

import json
import random
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from crmkit.records.activity import CONTACTS
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS, m0022_activities

BEFORE = MIGRATIONS.index(m0022_activities.MIGRATION)
WAS, LATER, AHEAD = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2999-01-01T00:00:00Z"
TIMES = ["2026-01-05T08:00:00Z", "2026-03-05T08:00:00Z", "2025-03-05T08:00:00Z", AHEAD]
KINDS = {"contacts": "contact_id", "companies": "company_id", "deals": "deal_id"}
ADDRESSES = [None, "bob@example.com", "alice@example.com", *(f"p{number:03}@example.com" for number in range(230))]

Rows = list[dict[str, Any]]


def insert(connection: Connection, table: str, rows: Rows) -> None:
    for row in rows:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


def rows_of(connection: Connection, table: str) -> Rows:
    cursor: Any = connection.execute(f"SELECT * FROM {table}")
    names = [name for name, *_ in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def drawn(choice: random.Random) -> Rows:
    """Return activities of two workspaces, some of whose records have the same ids."""
    return [
        {
            **{"seq": seq, "workspace_id": choice.choice(["ws_1", "ws_2"]), "id": f"a_{seq}"},
            **{"kind": choice.choice([*CONTACTS, "note", "task"]), "occurred_at": choice.choice(TIMES)},
            **{"on_behalf_of": choice.choice(ADDRESSES), "body": f"Überfahrt {seq}"},
            **{"created_at": choice.choice([WAS, LATER]), "created_by": "alice@example.com"},
            **{link: choice.choice([None, f"{link}_1", f"{link}_2"]) for link in KINDS.values()},
        }
        for seq in range(1, 1500)
    ]


@pytest.fixture
def migrated(tmp_path: Path) -> Any:
    prepare(tmp_path)
    migrate.run(tmp_path / FILE, connect, MIGRATIONS[:BEFORE])
    activities = drawn(random.Random(1))
    with closing(connect(tmp_path / FILE, True)) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        for table, link in KINDS.items():
            title = "title" if table == "deals" else "name"
            needed = {"currency": "USD", "status": "open"} if table == "deals" else {}
            same = {title: "X", f"{title}_key": "x", "version": 3, "created_by": "alice@example.com", "activities": 0}
            made = {**same, **needed, "created_at": WAS, "updated_at": LATER}
            places = [(workspace, id) for workspace in ("ws_1", "ws_2") for id in (1, 2, 3)]
            keyed = [{"seq": seq, "workspace_id": ws, "id": f"{link}_{id}"} for seq, (ws, id) in enumerate(places, 1)]
            insert(connection, table, [{**key, **made} for key in keyed])
        insert(connection, "activities", activities)
    migrate.run(tmp_path / FILE, connect, MIGRATIONS[: BEFORE + 1])
    with closing(connect(tmp_path / FILE, True)) as connection:
        yield connection, activities


@pytest.mark.parametrize("table", KINDS)
def test_records_show_what_their_activities_come_to(migrated: Any, table: str) -> None:
    connection, activities = migrated
    for row in rows_of(connection, table):
        where = (row["workspace_id"], row["id"])
        own = [each for each in activities if (each["workspace_id"], each[KINDS[table]]) == where]
        made = [each["occurred_at"] for each in own if each["kind"] in CONTACTS and each["occurred_at"] != AHEAD]
        assert (row["contacts_made"], row["last_contacted_at"]) == (len(made), max(made, default=None))
        every = sorted({each["on_behalf_of"] for each in own} - {None})
        assert json.loads(row["on_behalf_of"] or "[]") == every[:200]
        assert row["on_behalf_of_key"] == (f",{','.join(every[:200])}," if every else None)
        assert (row["version"], row["updated_at"]) == (3, LATER)
        if table == "contacts":
            assert row["last_interaction_at"] == max([WAS, *(each["created_at"] for each in own)])


def test_activities_are_at_their_first_version_and_found_by_their_text(migrated: Any) -> None:
    connection, activities = migrated
    found = {row["id"]: row for row in rows_of(connection, "activities")}
    for each in activities:
        row = found[each["id"]]
        assert {name: row[name] for name in each} == each
        assert (row["version"], row["updated_at"]) == (1, each["created_at"])
    queued = {row["seq"]: (row["title"], row["rest"]) for row in rows_of(connection, "activities_unindexed")}
    assert queued == {each["seq"]: ("\n", f"uberfahrt {each['seq']}") for each in activities}


def test_what_is_dated_ahead_waits_and_addresses_are_counted(migrated: Any) -> None:
    connection, activities = migrated
    ahead = [each for each in activities if each["kind"] in CONTACTS and each["occurred_at"] == AHEAD]
    waiting = {(row["at"], row["workspace_id"], row["id"]) for row in rows_of(connection, "ahead")}
    assert waiting == {(AHEAD, each["workspace_id"], each["id"]) for each in ahead}
    counted = sum(row["times"] for row in rows_of(connection, "activity_addresses"))
    assert counted == sum(bool(each[link]) for each in activities if each["on_behalf_of"] for link in KINDS.values())
