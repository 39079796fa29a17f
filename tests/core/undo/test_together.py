"""What an undo puts back goes together with what was changed since, or stands against it and changes nothing."""

from typing import Any

import pytest

from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from tests.core.jobs.kinds import actor_of
from tests.core.undo.contents import newest, rows
from tests.house import House, Person
from tests.kinds import TASK
from tests.web.refused import refused

DAILY = {"title": "Call", "due_at": "2026-06-10", "repeat": "daily"}


def made(person: Person, path: str, **body: Any) -> str:
    """Return the path of a new record."""
    return f"{path}/{person.json_of('POST', path, body)['id']}"


def changed(home: House, person: Person, path: str, **body: Any) -> str:
    """Return the operation that changes a record."""
    answer = person.patch(path, json=body)
    assert answer.status_code == 200, answer.text
    return newest(home, person)


def undone(person: Person, operation: str) -> None:
    answer = person.post(f"/undo/{operation}")
    assert answer.status_code == 200, answer.text


def stands_against(home: House, person: Person, operation: str, path: str, name: str, why: str) -> None:
    """See that an undo is refused for a field of a record, and changes nothing."""
    before = home.do(home.crm.database.read(None, rows))
    kind, _, id = path.strip("/").partition("/")
    noun = home.crm.kinds.by_word[kind].name
    refused(person, "undo_conflict", "POST", f"/undo/{operation}", None, {f"{noun}/{id}.{name}": why})
    assert home.do(home.crm.database.read(None, rows)) == before


def held(person: Person, path: str, *names: str) -> list[Any]:
    found = person.json_of("GET", path)
    return [found[name] for name in names]


def test_a_rule_of_a_series_does_not_come_back_to_a_task_without_due_at(home: House, alice: Person) -> None:
    path = made(alice, "/tasks", **DAILY)
    ended = changed(home, alice, path, repeat=None)
    cleared = changed(home, alice, path, due_at=None)
    stands_against(home, alice, ended, path, "due_at", "is needed by a task that repeats")
    assert alice.patch(path, json={"done": True}).status_code == 200
    undone(alice, newest(home, alice))
    undone(alice, cleared)
    undone(alice, ended)
    assert "# note: next: task/" in alice.text("PATCH", path, {"done": True})


def test_a_rule_of_a_series_comes_back_to_a_task_that_was_moved(home: House, alice: Person) -> None:
    path = made(alice, "/tasks", **DAILY)
    ended = changed(home, alice, path, repeat=None)
    changed(home, alice, path, due_at="2026-07-01")
    undone(alice, ended)
    assert held(alice, path, "repeat", "due_at") == ["daily", "2026-07-01T00:00:00Z"]


def test_a_rule_that_ends_before_due_at_does_not_come_back(home: House, alice: Person) -> None:
    path = made(alice, "/tasks", **{**DAILY, "repeat": "FREQ=DAILY;UNTIL=20260701"})
    ended = changed(home, alice, path, repeat=None)
    changed(home, alice, path, due_at="2026-08-01")
    stands_against(home, alice, ended, path, "repeat", "has an UNTIL before due_at")


def test_a_task_that_repeats_without_due_at_can_be_finished(home: House, alice: Person) -> None:
    actor = actor_of(home, alice)

    def unit(tx: Tx) -> str:
        tx.actor = actor
        return records.put(tx, TASK, None, TASK.new({"title": "Call", "repeat": "daily"})).id

    id = home.do(home.crm.database.write(unit, actor))
    assert alice.patch(f"/tasks/{id}", json={"done": True}).status_code == 200


def test_a_name_follows_the_part_that_comes_back(home: House, alice: Person) -> None:
    path = made(alice, "/contacts", name="Boss", first_name="Jane")
    renamed = changed(home, alice, path, first_name="Joan")
    cleared = changed(home, alice, path, name=None)
    undone(alice, renamed)
    assert held(alice, path, "name", "first_name") == ["Jane", "Jane"]
    changed(home, alice, path, last_name="Doe")
    assert held(alice, path, "name") == ["Jane Doe"]
    stands_against(home, alice, cleared, path, "name", 'is "Jane Doe" now')


def test_the_last_part_of_a_name_is_not_taken_away(home: House, alice: Person) -> None:
    path = made(alice, "/contacts", name="Boss")
    added = changed(home, alice, path, first_name="Jane")
    changed(home, alice, path, name=None)
    stands_against(home, alice, added, path, "first_name", "is the last part of the name")


def test_a_name_that_comes_back_unlike_its_parts_stays_as_they_change(home: House, alice: Person) -> None:
    path = made(alice, "/contacts", name="Boss")
    renamed = changed(home, alice, path, name="Chief")
    changed(home, alice, path, first_name="Chief")
    changed(home, alice, path, name="Chief")  # which the parts make now
    undone(alice, renamed)
    changed(home, alice, path, last_name="Doe")
    assert held(alice, path, "name", "first_name") == ["Boss", "Chief"]


def test_an_amount_does_not_come_back_without_a_currency(home: House, alice: Person) -> None:
    path = made(alice, "/contacts", name="Jane", estimated_cents=100, currency="USD")
    cleared = changed(home, alice, path, estimated_cents=None)
    dropped = changed(home, alice, path, currency=None)
    stands_against(home, alice, cleared, path, "currency", "is needed by estimated_cents")
    undone(alice, dropped)
    undone(alice, cleared)
    assert held(alice, path, "estimated_cents", "currency") == [100, "USD"]


def test_a_currency_stays_where_another_amount_needs_it(home: House, alice: Person) -> None:
    path = made(alice, "/contacts", name="Jane")
    priced = changed(home, alice, path, estimated_cents=100, currency="USD")
    changed(home, alice, path, actual_cents=200)
    undone(alice, priced)
    assert held(alice, path, "estimated_cents", "actual_cents", "currency") == [None, 200, "USD"]


@pytest.mark.parametrize(("first", "then"), [("starts_on", "ends_on"), ("ends_on", "starts_on")])
def test_a_period_does_not_end_before_it_begins(home: House, alice: Person, first: str, then: str) -> None:
    days = {"starts_on": "2026-06-10", "ends_on": "2026-06-20"}
    moved = {"starts_on": "2026-06-01", "ends_on": "2026-06-30"}
    since = {"starts_on": "2026-06-25", "ends_on": "2026-06-05"}
    path = made(alice, "/campaigns", name="Spring", **days)
    operation = changed(home, alice, path, **{first: moved[first]})
    changed(home, alice, path, **{then: since[then]})
    stands_against(home, alice, operation, path, first, "is (before|after)")


def test_an_expression_goes_together_with_the_kind_that_comes_back(home: House, alice: Person) -> None:
    path = made(alice, "/rules", name="Size", kind="contact", expression="activities", weight=1)
    moved = changed(home, alice, path, kind="company")
    changed(home, alice, path, expression='domain == "a.example"')
    stands_against(home, alice, moved, path, "expression", "domain")
