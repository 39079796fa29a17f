"""Tasks: what is to be done, and what comes next when it repeats."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.core.crowd import Call, at_once
from tests.house import House, Person
from tests.teams.office import JSON, address, enter, erased, new, office
from tests.web.refused import refused

NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)
HOURS = iter(range(100, 0, -1))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("tasks") / "data") as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    """Alice, admin of a workspace that is hers alone in each test, on a Wednesday at nine."""
    home.clock.now = NOW - timedelta(hours=next(HOURS))  # so that mails are not too many in an hour
    with enter(home, address("alice")) as person:
        home.clock.now = NOW
        yield person


def in_zone(home: House, person: Person, zone: str) -> None:
    """Have the person's workspace go by this zone."""
    workspace = person.json_of("GET", "/whoami")["workspace"]
    sql = "UPDATE workspaces SET timezone = ? WHERE id = ?"
    home.do(
        home.crm.database.write(lambda tx: tx.connection.execute(sql, (zone, workspace)) and None, lanes=[workspace])
    )


def made(person: Person, title: str = "Send the offer", **body: Any) -> Any:
    found = person.json_of("POST", "/tasks", {"title": title, **body})
    assert "id" in found, found
    return found


def changed(person: Person, task: Any, **body: Any) -> Any:
    return person.json_of("PATCH", f"/tasks/{task['id']}", body)


def after(person: Person, task: Any) -> Any:
    """Finish a task, and return the one that this opened, None if it opened none."""
    finished = changed(person, task, done=True)
    assert finished["done"] is True, finished
    found = person.json_of("GET", f"/tasks?follows={task['id']}")["items"]
    assert len(found) <= 1
    if not found:
        return None
    opened = person.json_of("GET", f"/tasks/{found[0]['id']}")
    assert finished["remarks"] == [f"next: {opened['handle']} due {opened['due_at']}"]
    return opened


def dues(person: Person, task: Any, times: int) -> list[str]:
    """Return when the task is due, and the next ones, each finished in time."""
    found = [task["due_at"]]
    for _ in range(times):
        task = after(person, task)
        found.append(task["due_at"])
    return found


def test_a_task_is_open_until_it_is_done_and_tells_when_that_was(home: House, alice: Person) -> None:
    task = made(alice, due_at="2026-06-12T09:00:00Z", owner="me", tags=["offer"], notes="by mail", custom={"a": 1})
    assert (task["done"], task["done_at"], task["owner"], task["repeat"]) == (False, None, alice.email, None)
    line = alice.text("GET", f"/tasks/{task['id']}")
    assert line.startswith(f'{task["handle"]}  title="Send the offer"  due_at=2026-06-12T09:00:00Z  owner=')
    assert "  done=false  " in line
    home.clock.move(hours=1)
    finished = alice.text("PATCH", f"/tasks/{task['id']}", {"done": True})
    assert "  done=true  " in finished
    assert "  done_at=2026-06-10T10:00:00Z  " in finished
    home.clock.move(hours=1)
    assert changed(alice, task, done=True)["version"] == 2
    assert changed(alice, task, notes="sent")["done_at"] == "2026-06-10T10:00:00Z"
    reopened = changed(alice, task, done=False)
    assert (reopened["done"], reopened["done_at"]) == (False, None)
    assert changed(alice, task, done=None)["done"] is False
    entries = alice.json_of("GET", f"/audit?target={task['id']}&action=task.update")["items"]
    assert entries[0]["changes"] == {"done": [True, False], "done_at": ["2026-06-10T10:00:00Z", None]}


def test_a_task_can_be_created_done(alice: Person) -> None:
    task = made(alice, done=True)
    assert (task["done"], task["done_at"]) == (True, "2026-06-10T09:00:00Z")


def test_done_filters_and_sorts(alice: Person) -> None:
    for title, done in [("A", True), ("B", False), ("C", True)]:
        made(alice, title, done=done)
    for query, titles in [
        ("done=true&sort=title", "AC"),
        ("done=false", "B"),
        ("done=ne:true", "B"),
        ("done=in:true,false&sort=-done,title", "ACB"),
        ("sort=done,-title", "BCA"),
        ("done=TRUE&sort=-title", "CA"),
    ]:
        found = alice.json_of("GET", f"/tasks?{query}")
        assert "".join(item["title"] for item in found["items"]) == titles
        assert found["total"] == len(titles)
    first = alice.json_of("GET", "/tasks?sort=-done,title&limit=2")
    rest = alice.json_of("GET", f"/tasks?sort=-done,title&limit=2&cursor={first['next_cursor']}")
    assert [item["title"] for item in (*first["items"], *rest["items"])] == ["A", "C", "B"]
    refused(alice, "invalid_value", "GET", "/tasks?done=yes", None, {"done": "must be true or false"})


@pytest.mark.parametrize("done", ["true", 1, "yes", [], 0, ""])
def test_done_is_true_or_false_and_nothing_else(alice: Person, done: Any) -> None:
    refused(alice, "invalid_value", "POST", "/tasks", {"title": "x", "done": done}, {"done": "must be true or false"})


def test_a_task_stays_unlinked_when_what_it_links_to_is_deleted(alice: Person) -> None:
    company = new(alice, "/companies", name="Acme")
    contact = new(alice, "/contacts", name="Jane", company_id=company)
    deal = new(alice, "/deals", title="Boat", contact_id=contact)
    ticket = new(alice, "/tickets", subject="Leak")
    task = made(alice, contact_id=contact, company_id=company, deal_id=deal, ticket_id=ticket)
    assert (task["contact_name"], task["company_name"], task["deal_name"]) == ("Jane", "Acme", "Boat")
    assert task["ticket_name"] == "Leak"
    changed_name = alice.json_of("PATCH", f"/deals/{deal}", {"title": "Ship"})
    assert changed_name["title"] == alice.json_of("GET", f"/tasks/{task['id']}")["deal_name"]
    assert re.search("tasks.* stay, unlinked", alice.json_of("DELETE", f"/contacts/{contact}")["hint"])
    for path in (f"/deals/{deal}", f"/contacts/{contact}", f"/companies/{company}", f"/tickets/{ticket}"):
        erased(alice, path)
    left = alice.json_of("GET", f"/tasks/{task['id']}")
    assert [left[name] for name in ("contact_id", "company_id", "deal_id", "ticket_id")] == [None] * 4
    assert [left[name] for name in ("contact_name", "company_name", "deal_name", "ticket_name")] == [None] * 4


def test_a_post_with_a_source_id_that_is_there_merges(alice: Person) -> None:
    first = made(alice, source_id="T-1", due_at="2026-06-12")
    again = alice.post("/tasks", json={"title": "Renamed", "source_id": "T-1"}, headers=JSON)
    assert (again.status_code, again.json()["id"], again.json()["due_at"]) == (200, first["id"], first["due_at"])
    assert made(alice, source_id="t-1")["id"] != first["id"]


def test_search_finds_title_and_notes(alice: Person) -> None:
    made(alice, "Call the plumber", notes="about the boiler")
    for word in ("plumber", "boiler"):
        assert len(alice.json_of("GET", f"/tasks?search={word}")["items"]) == 1
    assert alice.json_of("GET", "/search?q=plumber")["tasks"][0]["title"] == "Call the plumber"


def test_finishing_a_task_that_repeats_opens_the_next_with_what_it_holds(alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane")
    held = {"owner": alice.email, "tags": ["weekly"], "notes": "as always", "custom": {"a": {"b": 1}}}
    task = made(alice, due_at="2026-06-10T09:00:00Z", repeat="FREQ=WEEKLY", contact_id=contact, source_id="x", **held)
    opened = after(alice, task)
    kept = ("title", "repeat", "contact_id", "contact_name", "repeats_from", *held)
    assert {name: opened[name] for name in kept} == {name: task[name] for name in kept}
    assert (opened["due_at"], opened["done"], opened["done_at"]) == ("2026-06-17T09:00:00Z", False, None)
    assert (opened["source_id"], opened["version"], opened["follows"]) == (None, 1, task["id"])
    assert changed(alice, opened, custom={"a": None})["custom"] is None
    assert alice.json_of("GET", "/tasks?search=always&done=false")["total"] == 1
    actions = [entry["action"] for entry in alice.json_of("GET", "/audit?target=task")["items"]]
    assert actions == ["task.update", "task.create", "task.update", "task.create"]


def test_the_answer_tells_the_next_task_or_that_there_is_none(alice: Person) -> None:
    task = made(alice, due_at="2026-06-10T09:00:00Z", repeat="FREQ=DAILY;UNTIL=20260611")
    lines = alice.text("PATCH", f"/tasks/{task['id']}", {"done": True}).splitlines()
    opened = alice.json_of("GET", f"/tasks?follows={task['id']}")["items"][0]
    assert lines[1:] == [f"# note: next: {opened['handle']} due 2026-06-11T09:00:00Z"]
    assert changed(alice, opened, done=True)["remarks"] == ["no next task: repeat has ended"]
    assert "remarks" not in changed(alice, opened, done=False)
    created = alice.text("POST", "/tasks", {"title": "x", "due_at": "2026-06-10", "repeat": "daily", "done": True})
    assert [line.split(" t")[0] for line in created.splitlines()[1:]] == ["# note: next:", "# created"]


def test_a_task_created_done_opens_the_next_too(alice: Person) -> None:
    task = made(alice, due_at="2026-06-01T09:00:00Z", repeat="monthly", done=True)
    (opened,) = alice.json_of("GET", f"/tasks?follows={task['id']}")["items"]
    assert opened["due_at"] == "2026-07-01T09:00:00Z"


def test_reopening_and_finishing_again_opens_no_second_next(alice: Person) -> None:
    task = made(alice, due_at="2026-06-10T09:00:00Z", repeat="daily")
    opened = after(alice, task)
    for _ in range(3):
        assert changed(alice, task, done=False)["done"] is False
        assert "remarks" not in changed(alice, task, done=True)
    changed(alice, opened, done=True)
    changed(alice, task, done=False)
    changed(alice, task, done=True)
    assert alice.json_of("GET", "/tasks")["total"] == 3


def test_finishing_again_opens_the_next_anew_once_it_was_deleted(alice: Person) -> None:
    task = made(alice, due_at="2026-06-10T09:00:00Z", repeat="daily")
    erased(alice, f"/tasks/{after(alice, task)['id']}")
    changed(alice, task, done=False)
    assert after(alice, task)["due_at"] == "2026-06-11T09:00:00Z"


def test_two_clients_that_finish_the_same_task_open_one_next(home: House, alice: Person) -> None:
    task = made(alice, due_at="2026-06-10T09:00:00Z", repeat="daily")
    calls = [Call("PATCH", f"/tasks/{task['id']}", {"done": True, "notes": str(n)}) for n in range(20)]
    answers = at_once(home.url, calls, alice.token)
    assert {answer.status_code for answer in answers} == {200}
    assert sum("remarks" in answer.json() for answer in answers) == 1
    assert alice.json_of("GET", f"/tasks?follows={task['id']}")["total"] == 1
    assert alice.json_of("GET", "/tasks")["total"] == 2


def test_the_next_is_in_the_future_of_a_task_that_was_due_long_ago(alice: Person) -> None:
    task = made(alice, due_at="2020-01-31T09:00:00Z", repeat="monthly")
    assert after(alice, task)["due_at"] == "2026-06-30T09:00:00Z"
    weekly = made(alice, due_at="1999-01-04T09:00:00Z", repeat="FREQ=WEEKLY;BYDAY=MO")
    assert after(alice, weekly)["due_at"] == "2026-06-15T09:00:00Z"


def test_the_next_comes_after_the_task_that_is_done_early(alice: Person) -> None:
    task = made(alice, due_at="2026-08-31T09:00:00Z", repeat="monthly")
    assert dues(alice, task, 3)[1:] == ["2026-09-30T09:00:00Z", "2026-10-31T09:00:00Z", "2026-11-30T09:00:00Z"]


@pytest.mark.parametrize(
    ("zone", "first", "expected"),
    [
        ("Europe/Berlin", "2026-10-18T07:00:00Z", ["2026-10-25T08:00:00Z", "2026-11-01T08:00:00Z"]),
        ("Europe/Berlin", "2027-03-21T01:30:00Z", ["2027-03-28T01:30:00Z", "2027-04-04T00:30:00Z"]),
        ("America/New_York", "2026-10-25T13:00:00Z", ["2026-11-01T14:00:00Z", "2026-11-08T14:00:00Z"]),
        ("America/New_York", "2027-03-07T07:30:00Z", ["2027-03-14T07:30:00Z", "2027-03-21T06:30:00Z"]),
        ("Australia/Lord_Howe", "2026-09-26T22:30:00Z", ["2026-10-03T22:00:00Z", "2026-10-10T22:00:00Z"]),
    ],
)
def test_a_series_keeps_its_hour_in_the_zone_of_the_workspace(
    home: House, alice: Person, zone: str, first: str, expected: list[str]
) -> None:
    in_zone(home, alice, zone)
    task = made(alice, due_at=first, repeat="weekly")
    assert dues(alice, task, 2)[1:] == expected


def test_a_series_goes_by_the_zone_that_the_workspace_has_when_a_task_is_finished(home: House, alice: Person) -> None:
    in_zone(home, alice, "Europe/Berlin")
    task = made(alice, due_at="2026-10-24T07:00:00Z", repeat="daily")
    second = after(alice, task)
    assert second["due_at"] == "2026-10-25T08:00:00Z"  # nine in Berlin, where it is winter since that night
    in_zone(home, alice, "America/New_York")
    third = after(alice, second)
    assert third["due_at"] == "2026-10-26T07:00:00Z"  # three in New York, as the first one was
    assert after(alice, third)["due_at"] == "2026-10-27T07:00:00Z"


def test_a_task_that_was_moved_does_not_move_its_series(alice: Person) -> None:
    second = after(alice, made(alice, due_at="2026-08-31T09:00:00Z", repeat="monthly"))
    moved = changed(alice, second, due_at="2026-10-02T12:00:00Z")
    assert (moved["due_at"], moved["repeats_from"]) == ("2026-10-02T12:00:00Z", "2026-08-31T09:00:00Z")
    assert after(alice, moved)["due_at"] == "2026-10-31T09:00:00Z"


def test_a_series_begins_where_its_first_task_is_moved_to_or_repeat_is_sent_with_due_at(alice: Person) -> None:
    first = made(alice, due_at="2026-08-31T09:00:00Z", repeat="monthly")
    moved = changed(alice, first, due_at="2026-08-30T09:00:00Z")
    assert moved["repeats_from"] == "2026-08-30T09:00:00Z"
    second = after(alice, moved)
    anew = changed(alice, second, due_at="2026-10-05T12:00:00Z", repeat="monthly")
    assert anew["repeats_from"] == "2026-10-05T12:00:00Z"
    weekly = changed(alice, second, repeat="weekly")
    assert weekly["repeats_from"] == "2026-10-05T12:00:00Z"
    assert after(alice, weekly)["due_at"] == "2026-10-12T12:00:00Z"
    assert changed(alice, first, repeat=None)["repeats_from"] is None


def test_repeat_needs_due_at(alice: Person) -> None:
    told = {"due_at": "is needed by a task that repeats"}
    refused(alice, "missing_field", "POST", "/tasks", {"title": "x", "repeat": "daily"}, told, "repeat as null")
    task = made(alice, due_at="2026-06-10", repeat="daily")
    refused(alice, "missing_field", "PATCH", f"/tasks/{task['id']}", {"due_at": None}, told)
    assert changed(alice, task, due_at=None, repeat=None)["due_at"] is None
    refused(alice, "missing_field", "PATCH", f"/tasks/{task['id']}", {"repeat": "daily"}, told)


@pytest.mark.parametrize(
    ("repeat", "why"),
    [
        ("FREQ=DAILY;COUNT=3", "has COUNT"),
        ("DTSTART:20260101T090000Z\nRRULE:FREQ=DAILY", "must be one rule"),
        ("now and then", "must be daily, weekly"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "fires never"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "fires never"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "never"),
        (7, "must be daily, weekly"),
    ],
)
def test_a_repeat_that_cannot_be_kept_is_refused_and_changes_nothing(alice: Person, repeat: Any, why: str) -> None:
    body = {"title": "x", "due_at": "2026-06-10T09:00:00Z", "repeat": repeat}
    refused(alice, "invalid_value", "POST", "/tasks", body, {"repeat": why})
    assert alice.json_of("GET", "/tasks")["total"] == 0


def test_a_due_at_at_the_end_of_the_calendar_cannot_repeat(home: House, alice: Person) -> None:
    in_zone(home, alice, "America/New_York")
    body = {"title": "x", "due_at": "9999-12-31T23:59:59Z", "repeat": "yearly"}
    refused(alice, "invalid_value", "POST", "/tasks", body, {"repeat": "never comes again"})


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("repeat", ["daily", "yearly", "FREQ=MONTHLY;BYDAY=1MO"])
def test_a_task_due_at_the_beginning_of_the_calendar_repeats(
    home: House, alice: Person, zone: str, repeat: str
) -> None:
    in_zone(home, alice, zone)
    for at in ("0001-01-01T00:00:00Z", "0001-01-02T03:00:00Z"):
        opened = after(alice, made(alice, due_at=at, repeat=repeat))
        assert "2026-06-10T09:00:00Z" < opened["due_at"] < "2027-01-03"


SPELLED = {
    "weekly": ["Weekly", "FREQ=WEEKLY", "rrule:freq=weekly;interval=1"],
    "FREQ=MONTHLY;BYMONTHDAY=31,30": ["freq=monthly;bymonthday=30,31", "RRULE:BYMONTHDAY=31,30;FREQ=MONTHLY"],
}


@pytest.mark.parametrize(("was", "repeat"), [(was, repeat) for was, others in SPELLED.items() for repeat in others])
def test_the_same_rule_in_another_spelling_keeps_the_anchor_of_its_series(alice: Person, was: str, repeat: str) -> None:
    second = after(alice, made(alice, due_at="2026-08-31T09:00:00Z", repeat=was))
    changed(alice, second, due_at="2026-11-02T12:00:00Z")
    spelled = changed(alice, second, repeat=repeat)
    assert (spelled["repeat"], spelled["repeats_from"]) == (repeat, "2026-08-31T09:00:00Z")
    other = changed(alice, second, repeat="FREQ=MONTHLY")
    assert other["repeats_from"] == "2026-11-02T12:00:00Z"


def test_an_until_before_due_at_is_refused_and_changes_nothing(home: House, alice: Person) -> None:
    in_zone(home, alice, "Asia/Tokyo")
    told = {"repeat": "has an UNTIL before due_at"}
    body = {"title": "x", "due_at": "2026-06-10T15:00:00Z", "repeat": "FREQ=DAILY;UNTIL=20260610"}  # due on the 11th
    refused(alice, "invalid_value", "POST", "/tasks", body, told)
    task = made(alice, due_at="2026-06-10T14:00:00Z", repeat=body["repeat"])
    refused(alice, "invalid_value", "PATCH", f"/tasks/{task['id']}", {"due_at": "2026-06-10T15:00:00Z"}, told)
    refused(alice, "invalid_value", "PATCH", f"/tasks/{task['id']}", {"repeat": "FREQ=DAILY;UNTIL=20260609"}, told)
    assert alice.json_of("GET", f"/tasks/{task['id']}")["version"] == 1


def test_repeat_is_kept_as_written_and_found_in_any_case(alice: Person) -> None:
    for repeat in ("Weekly", "RRULE:FREQ=WEEKLY;BYDAY=MO"):
        task = made(alice, due_at="2026-06-10", repeat=repeat)
        assert task["repeat"] == repeat
        assert f"  repeat={repeat}  " in alice.text("GET", f"/tasks/{task['id']}")
        assert alice.json_of("GET", f"/tasks?repeat={repeat.lower()}")["items"][0]["id"] == task["id"]


def test_a_full_plan_lets_no_task_be_finished_that_opens_another(tmp_path: Path) -> None:
    config = tmp_path / "crmkit.toml"
    config.write_text('[plans]\ndefault = "small"\n[plans.small]\ntasks = 2\n')
    with office(tmp_path / "data", file=config) as home:
        alice = enter(home, "alice@example.com")
        task, other = made(alice, due_at="2026-06-10T09:00:00Z", repeat="daily"), made(alice)
        refused_ = changed(alice, task, done=True)
        assert (refused_["error"], refused_["resource"]) == ("plan_limit_reached", "tasks")
        way = (
            'Finishing a task that repeats opens the next one; to end the series, send "repeat":null with "done":true. '
        )
        assert refused_["hint"].startswith(f"{way}The plan small allows 2")
        assert alice.json_of("GET", f"/tasks/{task['id']}")["done"] is False
        assert changed(alice, other, done=True)["done"] is True
        erased(alice, f"/tasks/{other['id']}")
        second = after(alice, task)
        assert second["due_at"] == "2026-06-11T09:00:00Z"
        assert changed(alice, second, repeat=None, done=True)["done"] is True


def test_the_hint_of_a_delete_says_that_the_series_of_an_open_task_ends(alice: Person) -> None:
    first = made(alice, due_at="2026-06-10T09:00:00Z", repeat="daily")
    second = after(alice, first)
    for task, is_said in ((second, True), (first, False), (made(alice), False)):
        hint = alice.json_of("DELETE", f"/tasks/{task['id']}")["hint"]
        assert ("; its series ends with it." in hint) == is_said, hint


def test_what_only_the_server_writes_is_refused(alice: Person) -> None:
    body = {"title": "x", "done_at": "2026-06-10", "follows": "t_1", "repeats_from": "2026-06-10"}
    refused(alice, "unknown_field", "POST", "/tasks", body, ["done_at", "follows", "repeats_from"])
