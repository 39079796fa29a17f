"""Taking back what others write to in the same moment: all of an operation comes back, or nothing does."""

import itertools
from typing import Any

import pytest

from tests.core.crowd import Call, statuses
from tests.house import Person
from tests.storms.place import Place

MANY = 1_100  # more than are changed at once


def written(person: Person, method: str, path: str, body: Any = None) -> dict[str, Any]:
    answer = person.send_it(method, path, body)
    assert answer.status_code in (200, 201), answer.text
    found: dict[str, Any] = answer.json()
    return found


def batch(person: Person, number: int, **fields: Any) -> dict[str, Any]:
    items = [{"name": f"Jane {n}", "source_id": f"{n}", **fields} for n in range(number)]
    return written(person, "POST", "/contacts/batch", {"items": items})


def test_of_twenty_undos_of_one_operation_one_takes_it_back(town: Place, alice: Person) -> None:
    operation = batch(alice, 20)["operation"]
    answers = town.storm([Call("POST", f"/undo/{operation}")] * 20, alice)
    assert statuses(answers) == {200: 1, 409: 19}
    assert {answer.json()["error"] for answer in answers if answer.status_code == 409} == {"undo_conflict"}
    assert alice.json_of("GET", "/contacts")["total"] == 0
    assert alice.json_of("GET", "/audit?action=contact.delete")["total"] == 20


def test_an_undo_of_a_change_beside_other_changes_comes_before_them_or_not_at_all(town: Place, alice: Person) -> None:
    for number in range(8):
        jane = written(alice, "POST", "/contacts", {"name": "Jane", "stage": "lead"})["id"]
        operation = written(alice, "PATCH", f"/contacts/{jane}", {"stage": "lost"})["operation"]
        calls = [Call("PATCH", f"/contacts/{jane}", {"stage": f"s{n}"}) for n in range(8)]
        calls.insert(number, Call("POST", f"/undo/{operation}"))
        answers = town.storm(calls, alice)
        undone = answers.pop(number).status_code
        assert undone in (200, 409)
        assert statuses(answers) == {200: 8}
        entries = alice.json_of("GET", f"/audit?target=contact/{jane}&limit=50")["items"]
        changes = [entry["changes"]["stage"] for entry in reversed(entries[:-1])]
        assert all(before[1] == after[0] for before, after in itertools.pairwise(changes)), changes
        assert (["lost", "lead"] in changes) == (undone == 200)
        if undone == 200:
            assert changes[1] == ["lost", "lead"], changes


def test_an_undo_of_many_beside_changes_of_some_takes_back_all_or_none(town: Place, alice: Person) -> None:
    for number in range(3):
        batch(alice, 15, stage="lead")
        operation = batch(alice, 15, stage="lost")["operation"]
        found = alice.json_of("GET", "/contacts?limit=200")["items"]
        calls = [Call("PATCH", f"/contacts/{each['id']}", {"notes": f"note {number}"}) for each in found[:12]]
        calls.insert(number * 4, Call("POST", f"/undo/{operation}"))
        answers = town.storm(calls, alice)
        undone = answers.pop(number * 4).status_code
        assert statuses(answers) == {200: 12}
        stages = {each["stage"] for each in alice.json_of("GET", "/contacts?limit=200")["items"]}
        assert (undone, stages) in ((200, {"lead"}), (409, {"lost"}))


def test_a_create_that_is_taken_back_while_it_is_changed_is_gone_or_stays(town: Place, alice: Person) -> None:
    for number in range(6):
        made = written(alice, "POST", "/contacts", {"name": "Jane", "company": {"name": f"Acme {number}"}})
        calls = [Call("POST", f"/contacts/{made['id']}/activities", {"body": f"{n}"}) for n in range(5)]
        calls += [Call("PATCH", f"/contacts/{made['id']}", {"notes": f"{n}"}) for n in range(5)]
        calls.insert(number, Call("POST", f"/undo/{made['operation']}"))
        answers = town.storm(calls, alice)
        undone = answers.pop(number).status_code
        assert (undone, set(statuses(answers))) in ((200, {404}), (409, {200, 201})), (undone, statuses(answers))
        companies = alice.json_of("GET", f"/companies?name=Acme {number}")["total"]
        assert companies == (0 if undone == 200 else 1)
        assert alice.get(f"/contacts/{made['id']}").status_code == (404 if undone == 200 else 200)


def test_undos_of_undos_at_once_leave_one_of_two_states(town: Place, alice: Person) -> None:
    first = batch(alice, 10)["operation"]
    operation, is_there = first, True
    for _ in range(6):
        answers = town.storm([Call("POST", f"/undo/{operation}")] * 8, alice)
        assert statuses(answers) == {200: 1, 409: 7}
        operation = next(answer.json()["operation"] for answer in answers if answer.status_code == 200)
        is_there = not is_there
        assert alice.json_of("GET", "/contacts")["total"] == (10 if is_there else 0)


@pytest.mark.slow
def test_an_undo_of_many_by_a_job_is_done_once_wherever_it_is_asked_for(town: Place, alice: Person) -> None:
    for part in range(2):
        items = [{"name": f"Jane {part}.{n}", "stage": "lead"} for n in range(MANY // 2)]
        written(alice, "POST", "/contacts/batch", {"items": items})
    path = "/contacts?stage=lead"
    confirm = alice.json_of("PATCH", path, {"stage": "lost"})["confirm"]
    changed = town.ended(alice, alice.send_it("PATCH", f"{path}&confirm={confirm}", {"stage": "lost"}))
    assert changed["count"] == MANY
    answers = town.storm([Call("POST", f"/undo/{changed['operation']}")] * 4, alice)
    assert set(statuses(answers)) <= {200, 202, 409}
    jobs = [town.job(alice, answer)["state"] for answer in answers if answer.status_code == 202]
    assert statuses(answers)[200] + jobs.count("done") == 1, (statuses(answers), jobs)
    assert alice.json_of("GET", "/contacts?stage=lead&count=exact")["total"] == MANY
    sql = "SELECT count(*), count(DISTINCT target) FROM audit WHERE workspace_id = ? AND action = 'contact.update'"
    assert town.rows(sql, town.workspace(alice)) == [(2 * MANY, MANY)]
