"""Many records at once, by several at once: batches and imports that hold the same records, jobs that meet."""

import random
from typing import Any

import pytest

from tests.core.crowd import Call, at_once, statuses
from tests.house import Person
from tests.storms.place import Place

MANY = 1_100  # more than are changed at once


@pytest.mark.parametrize("query", ["", "?atomic=1"])
def test_batches_that_hold_the_same_records_in_any_order_create_each_once(
    town: Place, alice: Person, query: str
) -> None:
    choice, calls = random.Random(3), []
    for number in range(8):
        items: list[dict[str, Any]] = [
            {
                "name": f"Jane {n}",
                "email": f"jane{n}@acme.com",
                "custom": {f"b{number}": n},
                "company": {"name": f"Co {n % 7}", "domain": f"co{n % 7}.com"},
            }
            for n in range(40)
        ]
        choice.shuffle(items)
        calls.append(Call("POST", f"/contacts/batch{query}", {"items": items + items[:5]}))
    answers = town.storm(calls, alice)
    assert statuses(answers) == {201: 1, 200: 7}
    outcomes = [each["outcome"] for answer in answers for each in answer.json()["items"]]
    assert outcomes.count("created") == 40
    assert alice.json_of("GET", "/companies")["total"] == 7
    held = alice.json_of("GET", "/contacts?limit=200")["items"]
    assert len(held) == 40
    assert all((each["custom"] or {}).keys() == {f"b{number}" for number in range(8)} for each in held)


def test_batches_of_activities_with_one_source_id_log_each_once(town: Place, alice: Person) -> None:
    jane = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    items = [{"contact_id": jane, "body": f"call {n}", "kind": "call", "source_id": f"<{n}@mail>"} for n in range(30)]
    calls = [Call("POST", "/activities/batch", {"items": items[n:] + items[:n]}) for n in range(0, 30, 5)]
    assert statuses(town.storm(calls, alice)) == {201: 1, 200: 5}
    assert alice.json_of("GET", "/activities")["total"] == 30
    assert alice.json_of("GET", f"/contacts/{jane}")["contacts_made"] == 30


@pytest.mark.slow
def test_files_that_are_imported_at_several_servers_hold_each_record_once(town: Place, alice: Person) -> None:
    rows = [f"Jane {n},jane{n}@acme.com,Co {n % 9}" for n in range(300)]
    started = []
    for number, person in enumerate(town.everywhere(alice)):
        file = "\n".join(["name,email,company", *rows[number * 50 :], *rows[: number * 50]])
        started.append(person.json_of("POST", "/import?start=1", file)["id"])
    for id in started:
        for person in town.everywhere(alice):
            found = town.until(person, f"/imports/{id}", lambda told: told["state"] != "running")
            assert (found["state"], found["rows"], found["refused"]) == ("done", 300, 0), found
    creates = [alice.json_of("GET", f"/imports/{id}")["creates"] for id in started]
    assert sum(creates) == 300, creates
    assert alice.json_of("GET", "/contacts?count=exact")["total"] == 300
    assert alice.json_of("GET", "/companies?count=exact")["total"] == 9
    for id in started:
        assert alice.post(f"/imports/{id}/start").status_code == 400  # it is done


@pytest.mark.slow
def test_one_import_that_is_started_at_all_servers_at_once_runs_once(town: Place, alice: Person) -> None:
    file = "\n".join(["name", *(f"Jane {n}" for n in range(200))])
    id = alice.json_of("POST", "/import?kind=contacts", file)["id"]
    answers = at_once(town.urls, [Call("POST", f"/imports/{id}/start")] * 12, alice.token)
    assert statuses(answers) == {202: 12}  # all are told of the one that runs
    assert town.until(alice, f"/imports/{id}", lambda told: told["state"] != "running")["state"] == "done"
    assert alice.json_of("GET", "/contacts?count=exact")["total"] == 200


def test_one_change_by_filter_that_is_confirmed_at_all_servers_is_made_once(town: Place, alice: Person) -> None:
    items = [{"name": f"Jane {n}", "stage": "lead"} for n in range(50)]
    assert alice.post("/contacts/batch", json={"items": items}).status_code == 201
    path, body = "/contacts?stage=lead", {"tags": {"add": ["x"]}}
    confirm = alice.json_of("PATCH", path, body)["confirm"]
    answers = town.storm([Call("PATCH", f"{path}&confirm={confirm}", body)] * 12, alice)
    assert statuses(answers) == {200: 1, 409: 11}
    assert alice.json_of("GET", "/audit?action=contact.update")["total"] == 50


@pytest.mark.slow
def test_jobs_by_filter_that_meet_change_what_they_say_that_they_changed(town: Place, alice: Person) -> None:
    for part in range(2):
        items = [{"name": f"Jane {n}", "source_id": f"s{part}.{n}"} for n in range(MANY // 2)]
        assert alice.post("/contacts/batch", json={"items": items}).status_code == 201
    path, calls = "/contacts?source_id=starts:s", []
    for number in range(3):
        body = {"custom": {f"k{number}": number}}
        confirm = alice.json_of("PATCH", path, body)["confirm"]
        calls.append(Call("PATCH", f"{path}&confirm={confirm}", body))
    answers = town.storm(calls, alice)
    assert set(statuses(answers)) <= {200, 202}
    ended = [town.ended(alice, answer) for answer in answers]
    assert {told["count"] + told.get("left", 0) for told in ended} == {MANY}  # what another changed meanwhile is left
    for number, told in enumerate(ended):
        found = alice.json_of("GET", f"/contacts?custom.k{number}={number}&count=exact&limit=1")
        assert found["total"] == told["count"]
    changes = "SELECT sum(version - 1) FROM contacts WHERE workspace_id = ?"
    assert town.rows(changes, town.workspace(alice)) == [(sum(told["count"] for told in ended),)]
