"""Everyone at once: one record for each key, no cap passed, no change lost."""

import random
from typing import Any

import pytest

from tests.core.crowd import Call, statuses
from tests.house import Person
from tests.storms.place import CAPS, Place


def spelled(text: str, number: int, seed: int) -> list[str]:
    """Return so many spellings of one text, which differ in case."""
    choice = random.Random(seed)
    return ["".join(choice.choice([c.lower(), c.upper()]) for c in text) for _ in range(number)]


def test_two_hundred_posts_of_one_email_leave_one_contact(town: Place, alice: Person) -> None:
    calls = [
        Call("POST", "/contacts", {"name": f"Jane {n}", "email": email, "stage": f"call {n}"})
        for n, email in enumerate(spelled("jane.doe@acme.com", 200, 1))
    ]
    answers = town.storm(calls, alice)
    assert statuses(answers) == {201: 1, 200: 199}
    assert {answer.json()["email"] for answer in answers} == {"jane.doe@acme.com"}
    assert sorted(answer.json()["version"] for answer in answers) == list(range(1, 201))  # each saw its own change
    listed = alice.json_of("GET", "/contacts?count=exact")
    assert listed["total"] == len(listed["items"]) == 1
    (contact,) = listed["items"]
    assert contact["version"] == 200
    assert contact["name"].split()[1] == contact["stage"].split()[1]  # of one call, not of two
    assert contact["id"] in {answer.json()["id"] for answer in answers}
    assert alice.json_of("GET", "/audit?action=contact.create")["total"] == 1
    assert alice.json_of("GET", "/audit?action=contact.update")["total"] == 199
    assert alice.json_of("GET", "/whoami")["usage"]["contacts"]["used"] == 1


def test_a_hundred_posts_of_one_domain_leave_one_company(town: Place, alice: Person) -> None:
    domains = spelled("münchen.example", 50, 2) + ["xn--mnchen-3ya.example", " MÜNCHEN.example "] * 25
    calls = [Call("POST", "/companies", {"name": f"Co {n}", "domain": domain}) for n, domain in enumerate(domains)]
    answers = town.storm(calls, alice)
    assert statuses(answers) == {201: 1, 200: 99}
    assert {answer.json()["domain"] for answer in answers} == {"xn--mnchen-3ya.example"}
    assert alice.json_of("GET", "/companies?count=exact")["total"] == 1


@pytest.mark.parametrize("key", ["source_id", "code"])
def test_posts_of_one_natural_key_leave_one_record_of_each_kind(town: Place, alice: Person, key: str) -> None:
    plurals = ["contacts", "companies"] + (["deals", "tasks", "tickets"] if key == "source_id" else [])
    required = {"deals": "title", "tasks": "title", "tickets": "subject"}
    calls = [Call("POST", f"/{kind}", {required.get(kind, "name"): "X", key: "1"}) for kind in plurals * 20]
    assert statuses(town.storm(calls, alice)) == {201: len(plurals), 200: 19 * len(plurals)}
    assert {kind: alice.json_of("GET", f"/{kind}")["total"] for kind in plurals} == dict.fromkeys(plurals, 1)


def test_forty_contacts_of_one_new_company_find_or_create_it_once(town: Place, alice: Person) -> None:
    company: dict[str, Any] = {"name": "Acme", "domain": "acme.com"}
    calls = [Call("POST", "/contacts", {"name": f"C {n}", "company": company}) for n in range(40)]
    assert statuses(town.storm(calls, alice)) == {201: 40}
    (acme,) = alice.json_of("GET", "/companies")["items"]
    assert alice.json_of("GET", f"/contacts?company_id={acme['id']}")["total"] == 40


def test_of_forty_contacts_patched_to_one_email_in_the_same_moment_one_gets_it(town: Place, alice: Person) -> None:
    ids = [alice.json_of("POST", "/contacts", {"name": f"Jane {number}"})["id"] for number in range(40)]
    answers = town.storm([Call("PATCH", f"/contacts/{id}", {"email": "Jane@Acme.com"}) for id in ids], alice)
    assert statuses(answers) == {200: 1, 409: 39}
    (winner,) = [answer.json()["id"] for answer in answers if answer.status_code == 200]
    assert {answer.json()["handle"] for answer in answers if answer.status_code == 409} == {f"contact/{winner}"}
    assert alice.json_of("GET", "/contacts?email=not:null")["total"] == 1


@pytest.mark.parametrize("resource", ["contacts", "deals"])
def test_fifty_creates_at_once_do_not_pass_a_cap(town: Place, alice: Person, resource: str) -> None:
    town.caps(alice)
    cap, field = CAPS[resource], {"contacts": "name", "deals": "title"}[resource]
    calls = [Call("POST", f"/{resource}", {field: f"Jane {n}", "source_id": f"{n}"}) for n in range(50)]
    answers = town.storm(calls, alice)
    assert statuses(answers) == {201: cap, 403: 50 - cap}
    refused = [answer.json() for answer in answers if answer.status_code == 403]
    assert {(r["error"], r["plan"], r["resource"], r["cap"], r["used"]) for r in refused} == {
        ("plan_limit_reached", "small", resource, cap, cap)
    }
    kept = alice.json_of("GET", f"/{resource}")["items"]
    assert len(kept) == cap

    merged = alice.post(f"/{resource}", json={"source_id": kept[0]["source_id"], "stage": "lead"})
    assert merged.status_code == 200  # a merge needs no room
    path = f"/{resource}/{kept[0]['id']}"
    confirm = alice.json_of("DELETE", path)["confirm"]
    assert alice.delete(f"{path}?confirm={confirm}").status_code == 200
    assert statuses(town.storm(calls[:20], alice))[201] == 1
    assert alice.json_of("GET", "/whoami")["usage"][resource] == {"used": cap, "cap": cap}


def test_activities_logged_at_once_do_not_pass_their_cap_and_are_counted(town: Place, alice: Person) -> None:
    town.caps(alice)
    jane = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    answers = town.storm([Call("POST", f"/contacts/{jane}/activities", {"body": f"{n}"}) for n in range(30)], alice)
    assert statuses(answers) == {201: CAPS["activities"], 403: 30 - CAPS["activities"]}
    assert alice.json_of("GET", f"/contacts/{jane}")["activities"] == CAPS["activities"]


def test_no_increment_under_if_match_is_lost(town: Place, alice: Person) -> None:
    path = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Counter', 'custom': {'n': 0}})['id']}"
    for done in range(15):
        now = alice.json_of("GET", path)
        body, headers = {"custom": {"n": now["custom"]["n"] + 1}}, {"If-Match": str(now["version"])}
        answers = town.storm([Call("PATCH", path, body, headers)] * 16, alice)
        assert statuses(answers) == {200: 1, 412: 15}
        assert {a.json()["current"]["custom"]["n"] for a in answers if a.status_code == 412} == {done + 1}
    assert alice.json_of("GET", path)["custom"]["n"] == 15
    assert alice.json_of("GET", path)["version"] == 16


def test_keys_of_custom_and_tags_that_many_add_are_all_there(town: Place, alice: Person) -> None:
    path = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane'})['id']}"
    calls = [Call("PATCH", path, {"custom": {f"k{n}": n}, "tags": {"add": [f"t{n}"]}}) for n in range(50)]
    assert statuses(town.storm(calls, alice)) == {200: 50}
    jane = alice.json_of("GET", path)
    assert jane["custom"] == {f"k{n}": n for n in range(50)}
    assert sorted(jane["tags"]) == sorted(f"t{n}" for n in range(50))


def test_new_records_of_all_have_numbers_of_their_own(town: Place, alice: Person) -> None:
    assert alice.patch(f"/workspaces/{town.workspace(alice)}", json={"code_prefix": "C-"}).status_code == 200
    answers = town.storm([Call("POST", "/contacts", {"name": f"Jane {n}"}) for n in range(100)], alice)
    assert statuses(answers) == {201: 100}
    assert len({answer.json()["id"] for answer in answers}) == 100
    codes = sorted(int(answer.json()["code"].removeprefix("C-")) for answer in answers)
    assert codes == list(range(1, 101))


def test_a_company_that_is_deleted_while_contacts_are_linked_to_it_leaves_no_link(town: Place, alice: Person) -> None:
    for _ in range(3):
        company = alice.json_of("POST", "/companies", {"name": "Acme"})["id"]
        confirm = alice.json_of("DELETE", f"/companies/{company}")["confirm"]
        calls = [Call("POST", "/contacts", {"name": f"C{n}", "company_id": company}) for n in range(39)]
        calls.insert(20, Call("DELETE", f"/companies/{company}?confirm={confirm}"))
        assert set(statuses(town.storm(calls, alice))) <= {200, 201, 400}
    assert alice.json_of("GET", "/contacts?company_id=not:null")["total"] == 0
    assert alice.json_of("GET", "/contacts?company_name=not:null")["total"] == 0


def test_merges_of_one_contact_into_many_happen_once(town: Place, alice: Person) -> None:
    loser = alice.json_of("POST", "/contacts", {"name": "Jane", "custom": {"from": "loser"}})["id"]
    winners = [alice.json_of("POST", "/contacts", {"name": "Jane"})["id"] for _ in range(8)]
    asked = [alice.json_of("POST", f"/contacts/{id}/merge", {"from": loser})["confirm"] for id in winners]
    calls = [
        Call("POST", f"/contacts/{id}/merge?confirm={confirm}", {"from": loser})
        for id, confirm in zip(winners, asked, strict=True)
    ]
    answers = town.storm(calls * 2, alice)
    assert statuses(answers)[200] == 1, statuses(answers)
    held = alice.json_of("GET", "/contacts")["items"]
    assert len(held) == 8
    assert sum("from" in (each["custom"] or {}) for each in held) == 1
