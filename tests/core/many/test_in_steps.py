"""A change or delete of very many records is a job: checked first, then done in small transactions, one operation."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.core.jobs import awaited
from crmkit.core.many import found, in_steps
from crmkit.core.many.act import Act
from crmkit.core.requests import parts
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from tests.core.jobs.kinds import actor_of
from tests.house import ALICE, BOB, UNLIMITED, House, Person, house
from tests.kinds import CONTACT

PATH = "/contacts?stage=lead"
WAITS = 240  # seconds until a test gives up


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(found, "AT_ONCE", 10)
    monkeypatch.setattr(found, "OF_PART", 4)
    monkeypatch.setattr(in_steps, "OF_PART", 4)
    with house(tmp_path / "data", UNLIMITED) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        yield person


def fill(home: House, person: Person, count: int, **more: Any) -> list[str]:
    """Create contacts, and return their ids in order."""
    actor = actor_of(home, person)

    def unit(tx: Tx) -> list[str]:
        tx.actor = actor
        drafts = ({"name": f"Jane {number}", "stage": "lead", **more} for number in range(count))
        return [records.put(tx, CONTACT, None, CONTACT.new(CONTACT.draft(draft))).id for draft in drafts]

    return home.do(home.crm.database.write(unit, actor))


def confirmed(person: Person, method: str, path: str, body: Any = None) -> str:
    return f"{path}&confirm={person.json_of(method, path, body)['confirm']}"


def rows(home: House, sql: str) -> list[Any]:
    return home.do(home.crm.database.read(None, lambda connection: connection.execute(sql).fetchall()))


def operations(home: House, action: str) -> list[Any]:
    """Return (entries, targets, operations) of an action."""
    sql = "SELECT count(*), count(DISTINCT target), count(DISTINCT coalesce(op, seq)) FROM audit WHERE action = "
    return rows(home, f"{sql}'{action}'")


def hold(home: House, person: Person, during: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have this done in the transaction before the first step that writes."""
    write, is_done = in_steps._write, list[bool]()

    def written(tx: Tx, *args: Any) -> bool:
        if not is_done:
            is_done.append(True)
            operations, tx.operations = tx.operations, {}
            during(tx)
            tx.operations = operations
        return write(tx, *args)

    monkeypatch.setattr(in_steps, "_write", written)


def test_all_are_changed_by_one_operation_which_the_answer_names(home: House, alice: Person) -> None:
    fill(home, alice, 30)
    answer = alice.json_of("PATCH", confirmed(alice, "PATCH", PATH, {"owner": BOB}), {"owner": BOB})
    assert (answer["message"], answer["count"]) == ("changed 30 contacts", 30)
    assert answer["operation"].startswith("op_")
    assert operations(home, "contact.update") == [(30, 30, 1)]
    assert rows(home, "SELECT count(*) FROM job_records") == [(0,)]
    assert alice.json_of("GET", f"/contacts?owner={BOB}&version=2")["total"] == 30


def test_all_are_deleted_with_what_goes_with_them(home: House, alice: Person) -> None:
    for id in fill(home, alice, 12)[:3]:
        for _ in range(6):  # more than a step writes
            alice.json_of("POST", f"/contacts/{id}/activities", {"body": "Hello"})
        alice.json_of("POST", "/deals", {"title": "Deal", "contact_id": id})
    answer = alice.send_it("DELETE", confirmed(alice, "DELETE", PATH))
    lines = answer.text.splitlines()
    assert (lines[0], lines[-1].startswith("# undo: POST /undo/op_")) == ("OK deleted 12 contacts", True)
    assert alice.json_of("GET", "/activities")["items"] == []
    assert {deal["contact_id"] for deal in alice.json_of("GET", "/deals")["items"]} == {None}
    actions = "'contact.delete', 'activity.delete', 'deal.update'"
    assert rows(home, f"SELECT count(DISTINCT coalesce(op, seq)) FROM audit WHERE action IN ({actions})") == [(1,)]


def test_few_records_with_many_that_go_along_are_a_job_too(home: House, alice: Person) -> None:
    (id,) = fill(home, alice, 1)
    for _ in range(10):
        alice.json_of("POST", f"/contacts/{id}/activities", {"body": "Hello"})
    assert alice.json_of("DELETE", confirmed(alice, "DELETE", PATH))["count"] == 1
    assert rows(home, "SELECT count(*) FROM jobs WHERE kind = 'write_many'") == [(1,)]


def test_what_takes_longer_is_answered_by_202_and_read_later(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(home, alice, 30)
    with monkeypatch.context() as patched:
        patched.setattr(awaited, "WAIT_SECONDS", 0)
        answer = alice.send_it("PATCH", confirmed(alice, "PATCH", PATH, {"owner": BOB}), {"owner": BOB})
    assert answer.status_code == 202
    handle, *rest = answer.text.split()
    assert [each.partition("=")[0] for each in rest[:3]] == ["state", "done", "of"]
    assert f"# note: GET /jobs/{handle.removeprefix('job/')} tells how far it is" in answer.text
    assert "notes=" not in answer.text
    home.do(awaited.awaited(_call(home, alice), _job(home, alice, handle)))
    shown = alice.json_of("GET", f"/jobs/{handle}")
    assert [shown[name] for name in ("state", "done", "of", "count")] == ["done", 30, 30, 30]


def test_a_record_that_cannot_be_changed_is_found_before_any_is(home: House, alice: Person) -> None:
    ids = fill(home, alice, 30)
    full = [f"tag{number}" for number in range(50)]
    alice.patch(f"/contacts/{ids[25]}", json={"tags": full})
    before = operations(home, "contact.update")
    body = {"tags": {"add": ["one-more"]}}
    answer = alice.json_of("PATCH", confirmed(alice, "PATCH", PATH, body), body)
    assert answer["error"] == "invalid_value"
    assert answer["hint"] == f"contact/{ids[25]}: Keep less in tags. Nothing was changed."
    assert answer["fields"] == {"tags": "has 51 tags; at most 50 fit"}
    assert answer["handle"] == f"contact/{ids[25]}"
    assert operations(home, "contact.update") == before
    assert alice.json_of("GET", "/contacts?tags=one-more")["total"] == 0


def test_a_dry_run_tells_what_the_job_would_be_refused_for(home: House, alice: Person) -> None:
    ids = fill(home, alice, 40)
    alice.patch(f"/contacts/{ids[38]}", json={"tags": [f"tag{number}" for number in range(50)]})
    body = {"tags": {"add": ["one-more"]}}
    again = confirmed(alice, "PATCH", PATH, body)
    answer = alice.json_of("PATCH", f"{again}&dry_run=1", body)
    assert (answer["error"], answer["handle"]) == ("invalid_value", f"contact/{ids[38]}")
    assert answer["dry_run"] is True
    real = alice.json_of("PATCH", again, body)
    assert [real[name] for name in ("error", "hint", "handle")] == [
        answer[name] for name in ("error", "hint", "handle")
    ]


def test_a_dry_run_checks_few_records_in_a_transaction_and_writes_none(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, checked = fill(home, alice, 40), list[list[str]]()
    check = Act.check_each

    def noted(act: Act, tx: Tx, some: list[str]) -> int:
        checked.append([*some])
        return check(act, tx, some)

    monkeypatch.setattr(Act, "check_each", noted)
    answer = alice.json_of("PATCH", f"{PATH}&dry_run=1&confirm=x", {"owner": BOB})
    assert (answer["message"], answer["dry_run"], "notes" in answer) == ("changed 40 contacts", True, False)
    assert [id for some in checked for id in some] == ids
    assert max(map(len, checked)) == 4 * in_steps.CHECKED
    assert operations(home, "contact.update") == [(0, 0, 0)]
    assert rows(home, "SELECT count(*) FROM jobs WHERE kind = 'write_many'") == [(0,)]


def test_records_that_have_the_values_already_are_not_counted_by_the_job_and_its_dry_run(
    home: House, alice: Person
) -> None:
    for id in fill(home, alice, 30)[::3]:
        alice.patch(f"/contacts/{id}", json={"owner": BOB})
    path = confirmed(alice, "PATCH", PATH, {"owner": BOB})
    expected = alice.json_of("PATCH", f"{path}&dry_run=1", {"owner": BOB})
    answer = alice.json_of("PATCH", path, {"owner": BOB})
    for each in (expected, answer):
        assert (each["count"], each["notes"]) == (20, ["10 had these values already"])


def test_a_dry_run_for_which_there_is_no_time_says_how_many_it_looked_at(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(home, alice, 40)
    monkeypatch.setattr(parts, "MOST_SECONDS", 0)
    answer = alice.json_of("PATCH", f"{PATH}&dry_run=1", {"owner": BOB})
    assert answer["notes"] == ["the first 16 of 40 contacts were looked at; all are before anything is written"]
    deleted = alice.json_of("DELETE", f"{PATH}&dry_run=1")
    assert (deleted["count"], "notes" in deleted) == (40, False)


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"owner": BOB}), ("DELETE", None)])
def test_what_others_changed_or_deleted_meanwhile_is_left_and_told(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch, method: str, body: Any
) -> None:
    ids = fill(home, alice, 20)

    def during(tx: Tx) -> None:
        there = [lookup.existing(tx.connection, CONTACT, tx.by, ids[at]) for at in (7, 9, 11)]
        records.put(tx, CONTACT, there[0], None)
        records.put(tx, CONTACT, there[1], CONTACT.new({"name": "Moved"}, ids[9]))
        records.put(tx, CONTACT, there[2], None, merged_into=ids[9])

    again = confirmed(alice, method, PATH, body)
    hold(home, alice, during, monkeypatch)
    answer = alice.json_of(method, again, body)
    assert (answer["count"], answer["left"]) == (17, 3)
    left = {7: "deleted", 9: "changed", 11: "deleted"}
    told = ", ".join(f"contact/{ids[at]} ({what} meanwhile)" for at, what in left.items())
    assert answer["notes"] == [f"3 were left: {told}"]
    assert alice.json_of("GET", "/contacts?version=1")["total"] == 0
    assert alice.json_of("GET", f"/contacts?owner={BOB}")["total"] == (17 if body else 0)


def test_what_fails_a_rule_meanwhile_is_left_and_the_others_are_changed(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, body = fill(home, alice, 20), {"tags": {"add": ["one-more"]}}
    monkeypatch.setattr(in_steps, "_check", _unchecked)
    alice.patch(f"/contacts/{ids[5]}", json={"tags": [f"tag{number}" for number in range(50)]})
    answer = alice.json_of("PATCH", confirmed(alice, "PATCH", PATH, body), body)
    assert (answer["count"], answer["left"]) == (19, 1)
    assert answer["notes"] == [f"1 was left: contact/{ids[5]} (invalid_value)"]
    assert alice.json_of("GET", "/contacts?tags=one-more")["total"] == 19


def test_records_that_link_to_each_other_are_all_deleted(home: House, alice: Person) -> None:
    """A delete that unlinks another record of the set is a change by the same operation."""
    first = ""
    for number in range(15):
        body = {"title": f"Task {number}", "due_at": "2026-06-11", "repeat": "daily"}
        first = first or alice.json_of("POST", "/tasks", body)["id"]
        if number:
            alice.json_of("POST", "/tasks", body)
    alice.json_of("PATCH", f"/tasks/{first}", {"done": True})
    assert alice.json_of("DELETE", confirmed(alice, "DELETE", "/tasks?id=not:null"))["count"] == 16
    assert alice.json_of("GET", "/tasks")["items"] == []


def test_a_revoked_token_stops_the_job(home: House, alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(home, alice, 30)
    monkeypatch.setattr(awaited, "WAIT_SECONDS", 0)
    with home.sign_in(ALICE, "other") as other:
        handle = other.send_it("DELETE", confirmed(other, "DELETE", PATH)).text.split()[0]
        token = next(each["id"] for each in alice.json_of("GET", "/tokens")["items"] if each["name"] == "other")
        assert alice.delete(f"/tokens/{token}").status_code == 200
    monkeypatch.undo()
    home.do(awaited.awaited(_call(home, alice), _job(home, alice, handle)))
    shown = alice.json_of("GET", f"/jobs/{handle}")
    assert (shown["state"], shown.get("error")) in (("stopped", "invalid_token"), ("done", None))


@pytest.mark.slow
def test_twenty_thousand_records_are_changed_by_one_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awaited, "WAIT_SECONDS", 0)
    with house(tmp_path / "data", UNLIMITED) as home, home.sign_in(ALICE) as alice:
        for _ in range(10):
            fill(home, alice, 2_000)
        answer = alice.send_it("PATCH", confirmed(alice, "PATCH", PATH, {"owner": BOB}), {"owner": BOB})
        assert answer.status_code == 202
        shown, deadline = alice.json_of("GET", f"/jobs/{answer.text.split()[0]}"), time.monotonic() + WAITS
        while shown["state"] in ("waiting", "running"):
            assert time.monotonic() < deadline, shown
            assert (shown["of"], 0 <= shown["done"] <= 20_000) == (20_000, True)
            time.sleep(0.2)
            shown = alice.json_of("GET", f"/jobs/{shown['id']}")
        assert (shown["state"], shown["count"]) == ("done", 20_000)
        assert operations(home, "contact.update") == [(20_000, 20_000, 1)]
        assert alice.json_of("GET", f"/contacts?owner={BOB}&count=exact&limit=1")["total"] == 20_000


def _call(home: House, person: Person) -> Any:
    return Call(home.crm, actor_of(home, person))


def _job(home: House, person: Person, handle: str) -> Any:
    return home.do(awaited.find(_call(home, person), handle))


def _unchecked(tx: Tx, job: Any, act: Any, place: Any) -> None:
    place.is_checked = True
