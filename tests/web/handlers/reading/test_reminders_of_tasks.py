"""Reminders of tasks beside follow-ups: of whom, of which kinds, and whole days in the workspace's zone."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from crmkit.core.reading.reminders import is_overdue, sources_of
from crmkit.storage import reminders
from crmkit.storage.interface.statement import Statement
from crmkit.storage.reminders import Due
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import House, Person
from tests.kinds import REGISTRY
from tests.web.refused import refused

BOB = "bob@example.com"
DUE = [  # letter, plural, when, whose: the clock stands at 2026-06-10T09:00:00Z
    ("A", "tasks", "2026-06-01T09:00:00Z", "me"),
    ("B", "contacts", "2026-06-02T09:00:00Z", BOB),
    ("C", "tasks", "2026-06-03T09:00:00Z", BOB),
    ("D", "deals", "2026-06-04T09:00:00Z", "me"),
    ("E", "tasks", "2026-06-04T09:00:00Z", None),
    ("F", "contacts", "2026-06-05T09:00:00Z", "me"),
    ("G", "tasks", "2026-06-11T09:00:00Z", "me"),
    ("H", "tasks", None, "me"),
]


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in("tess@example.com") as person:
        for letter, plural, at, owner in reversed(DUE):
            title = "name" if plural == "contacts" else "title"
            when = "due_at" if plural == "tasks" else "follow_up_at"
            assert person.post(f"/{plural}", json={title: letter, when: at, "owner": owner}).status_code == 201
        done = {"title": "I", "due_at": "2026-06-01", "owner": "me", "done": True}
        assert person.post("/tasks", json=done).status_code == 201
        yield person


def letters(page: dict[str, Any]) -> str:
    return "".join(item.get("name") or item["title"] for item in page["items"])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "ABCDEF"), ("?days=1", "ABCDEFG"), ("?owner=", "ABCDEF"),
        ("?owner=me", "ADF"), ("?owner=me&days=7", "ADFG"),
        ("?owner=BOB@example.com", "BC"), ("?owner=nobody@example.com", ""),
        ("?kind=task", "ACE"), ("?kind=tasks", "ACE"), ("?kind=Contact,deals", "BDF"), ("?kind=task,task", "ACE"),
        ("?kind=", "ABCDEF"), ("?kind=contact,deal,task", "ABCDEF"), ("?owner=me&kind=tasks&days=7", "AG"),
    ],
)  # fmt: skip
def test_reminders_are_of_everybody_and_every_kind_unless_some_are_named(alice: Person, query: str, found: str) -> None:
    page = alice.json_of("GET", f"/reminders{query}")
    assert letters(page) == found
    assert page["total"] == len(found)
    for limit in (1, 2):
        seen, more = "", f"{'&' if query else '?'}limit={limit}"
        while True:
            page = alice.json_of("GET", f"/reminders{query}{more}")
            seen += letters(page)
            if page["next_cursor"] is None:
                break
            more = f"{'&' if query else '?'}limit={limit}&cursor={page['next_cursor']}"
        assert seen == found


def test_a_task_is_told_with_its_title_and_when_it_is_due(alice: Person) -> None:
    first = alice.json_of("GET", "/reminders?kind=task&limit=1")["items"][0]
    assert first == {
        "handle": f"task/{first['id']}",
        "id": first["id"],
        "kind": "task",
        "due_at": "2026-06-01T09:00:00Z",
        "overdue": True,
        "title": "A",
    }
    line = alice.text("GET", "/reminders?kind=task&limit=1").splitlines()[0]
    assert line == f"{first['handle']}  kind=task  due_at=2026-06-01T09:00:00Z  overdue=true  title=A"


def test_a_task_is_on_the_list_while_it_is_open(town: House) -> None:
    with town.sign_in("theo@example.com") as theo:
        task = theo.json_of("POST", "/tasks", {"title": "A", "due_at": "2026-06-10T09:00:00Z", "repeat": "daily"})
        assert letters(theo.json_of("GET", "/reminders")) == "A"
        theo.json_of("PATCH", f"/tasks/{task['id']}", {"done": True})
        assert letters(theo.json_of("GET", "/reminders")) == ""
        assert letters(theo.json_of("GET", "/reminders?days=1")) == "A"
        theo.json_of("PATCH", f"/tasks/{task['id']}", {"done": False})
        assert letters(theo.json_of("GET", "/reminders?days=1")) == "AA"


def test_a_date_at_midnight_of_the_zone_is_due_all_that_day_and_overdue_after_it(town: House) -> None:
    before = town.clock.now
    try:
        with town.sign_in("tara@example.com") as tara:
            workspace = tara.json_of("GET", "/whoami")["workspace"]
            sql = "UPDATE workspaces SET timezone = 'America/New_York' WHERE id = ?"
            town.do(
                town.crm.database.write(lambda tx: tx.connection.execute(sql, (workspace,)) and None, lanes=[workspace])
            )
            for title, at in [("day", "2026-06-10T04:00:00Z"), ("hour", "2026-06-10T05:00:00Z")]:
                tara.json_of("POST", "/tasks", {"title": title, "due_at": at})
            tara.json_of("POST", "/contacts", {"name": "Jane", "follow_up_at": "2026-06-10T00:00:00-04:00"})
            for now, overdue in [
                ("2026-06-10T04:00:00+00:00", []),
                ("2026-06-10T05:00:01+00:00", ["hour"]),
                ("2026-06-11T03:59:59+00:00", ["hour"]),
                ("2026-06-11T04:00:00+00:00", ["Jane", "day", "hour"]),
            ]:
                town.clock.now = before.fromisoformat(now)
                items = tara.json_of("GET", "/reminders")["items"]
                assert {item.get("name") or item["title"] for item in items} >= {"day", "Jane"}
                assert sorted(item.get("name") or item["title"] for item in items if item["overdue"]) == overdue
    finally:
        town.clock.now = before


@pytest.mark.parametrize(
    ("zone", "at", "now", "overdue"),
    [
        # the days on which the clock is put forward and back have 23 and 25 hours
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z", False),
        ("Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", True),
        ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z", False),
        ("Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", True),
        # in Beirut the clock is put forward at midnight: the day begins at one
        ("Asia/Beirut", "2026-03-28T22:00:00Z", "2026-03-29T12:00:00Z", False),
        ("UTC", "0001-01-01T00:00:00Z", "2026-06-10T09:00:00Z", True),
        ("America/New_York", "0001-01-01T00:00:00Z", "2026-06-10T09:00:00Z", True),
        ("UTC", "2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z", False),
    ],
)
def test_a_day_is_as_long_as_it_is_in_the_zone(zone: str, at: str, now: str, overdue: bool) -> None:
    assert is_overdue(at, now, ZoneInfo(zone)) is overdue
    assert is_overdue("2026-06-10T08:59:58Z", "2026-06-10T08:59:59Z", UTC) is True


def test_what_reminders_do_not_know_is_refused(alice: Person) -> None:
    refused(alice, "invalid_value", "GET", "/reminders?kind=tsk", None, {"kind": r"did you mean task\?"}, "Leave kind")
    refused(alice, "invalid_value", "GET", "/reminders?kind=task,company", None, ["kind"])
    refused(alice, "invalid_value", "GET", "/reminders?owner=bob", None, ["owner"], "owner=me")
    cursor = alice.json_of("GET", "/reminders?limit=1")["next_cursor"]
    for query in ("owner=me", "kind=task"):
        refused(alice, "invalid_cursor", "GET", f"/reminders?limit=1&cursor={cursor}&{query}")


@pytest.mark.sqlite
@pytest.mark.parametrize("owner", ["", BOB])
@pytest.mark.parametrize("past", [None, ["2026-06-01T09:00:00Z", "contact", "c_1"]])
def test_reminders_are_read_in_the_order_of_indexes(
    town: House, alice: Person, owner: str, past: list[str] | None
) -> None:
    sources = [source for source in sources_of(REGISTRY) if source.kind.name in ("contact", "deal", "task")]
    run: list[Statement] = []
    with closing(connect(town.folder / FILE, False)) as connection, pytest.MonkeyPatch.context() as patch:
        real = Statement.run
        patch.setattr(Statement, "run", lambda self, to: run.append(self) or real(self, to))
        reminders.due(connection, sources, Due("ws_1", owner, "2026-06-10"), past, 51)
        reminders.count(connection, sources, Due("ws_1", owner, "2026-06-10"), 1001)
        for statement in run:
            rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", statement.args).fetchall()
            steps = [row[3] for row in rows if " USING " in row[3]]
            assert len(steps) == len(sources)
            for step in steps:
                named = "_by_owner_and_" if owner else ("_by_done" if " tasks_" in step else "_by_follow_up ")
                assert step.startswith("SEARCH r USING "), step
                assert named in step, step
                assert step.rstrip(")").endswith("<?"), step
