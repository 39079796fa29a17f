"""An export of ours that was edited changes the records that its ids name, whether or not a key names them."""

from typing import Any

import pytest

from tests.house import BOB, House, Person
from tests.web.handlers.transfer.imports.test_imports import counts, imported, planned

KEYLESS = {
    "companies": {"name": "Acme", "city": "Berlin"},
    "contacts": {"name": "Jane Doe", "city": "Berlin"},
    "deals": {"title": "Big deal", "amount_cents": 1000, "tags": ["a", "b"], "custom": {"k": 5}},
    "tasks": {"title": "Call", "notes": "Soon"},
    "tickets": {"subject": "Broken", "body": "Very"},
}


def exported(person: Person, plural: str, query: str = "") -> str:
    return person.get(f"/{plural}/export?format=csv{query}").text


def ids(person: Person, plural: str) -> list[str]:
    return sorted(each["id"] for each in person.json_of("GET", f"/{plural}?limit=200")["items"])


@pytest.mark.parametrize("mode", ["merge", "update"])
@pytest.mark.parametrize("plural", KEYLESS)
def test_an_export_sent_back_as_it_is_changes_nothing(alice: Person, plural: str, mode: str) -> None:
    made = alice.json_of("POST", f"/{plural}", KEYLESS[plural])
    found = imported(alice, exported(alice, plural), f"kind={plural}&mode={mode}")
    assert counts(found) == (1, 0, 1, 0)
    after = alice.json_of("GET", f"/{plural}/{made['id']}")
    assert after["version"] == 1
    assert ids(alice, plural) == [made["id"]]


@pytest.mark.parametrize("mode", ["merge", "update"])
def test_cards_of_an_export_sent_back_change_the_contacts_that_their_ids_name(alice: Person, mode: str) -> None:
    where = {"latitude": 52.52, "longitude": -0.125, "timezone": "Europe/Berlin"}
    more = {"job_title": "CEO", "phone": "+49 30 1234567", "tags": ["a", "b"], "notes": "One\nTwo", "city": "Berlin"}
    company = alice.json_of("POST", "/companies", {"name": "Acme"})["id"]
    body = {"name": "Jane Doe", "source_id": "crm:7", "company_id": company, **more, **where}
    made = alice.json_of("POST", "/contacts", body)
    cards = alice.get("/contacts/export?format=vcf").text
    assert counts(imported(alice, cards, f"kind=contacts&mode={mode}")) == (1, 0, 1, 0)
    assert alice.json_of("GET", f"/contacts/{made['id']}")["version"] == 1
    there = dict.fromkeys(where)
    alice.json_of("PATCH", f"/contacts/{made['id']}", {**there, "job_title": None})
    assert counts(imported(alice, cards.replace("TITLE:CEO", "TITLE:CTO"), f"kind=contacts&mode={mode}")) == (
        1,
        0,
        1,
        0,
    )
    after = alice.json_of("GET", f"/contacts/{made['id']}")
    assert {name: after[name] for name in body} == {**body, "job_title": "CTO"}
    assert after["custom"] is None
    assert ids(alice, "contacts") == [made["id"]]


def test_cards_of_another_workspace_are_made_once(home: House, alice: Person) -> None:
    made = alice.json_of("POST", "/contacts", {"name": "Jane"})
    cards = alice.get("/contacts/export?format=vcf").text
    with home.sign_in(BOB) as bob:
        assert counts(imported(bob, cards, "kind=contacts")) == (1, 1, 0, 0)
        assert counts(imported(bob, cards, "kind=contacts")) == (1, 0, 1, 0)
        (found,) = bob.json_of("GET", "/contacts")["items"]
    assert (found["id"] != made["id"], found["source_id"]) == (True, f"vcard:{made['id']}")


def test_what_was_edited_in_an_export_is_changed_and_one_undo_takes_it_back(alice: Person) -> None:
    made = [alice.json_of("POST", "/deals", {"title": f"Deal {n}", "amount_cents": 1000}) for n in range(3)]
    head = f"id,title\n{made[0]['id']},Other\n{made[1]['id']},Deal 1\ndeal/{made[2]['id']},New\n,Fresh\n"
    found = imported(alice, head, "kind=deals")
    assert counts(found) == (4, 1, 3, 0)
    now = [alice.json_of("GET", f"/deals/{each['id']}") for each in made]
    assert [(each["title"], each["version"]) for each in now] == [("Other", 2), ("Deal 1", 1), ("New", 2)]
    assert alice.post(f"/undo/{found['operation']}").status_code == 200
    assert [alice.json_of("GET", f"/deals/{each['id']}")["title"] for each in made] == ["Deal 0", "Deal 1", "Deal 2"]
    assert len(ids(alice, "deals")) == 3


def test_a_stage_alone_beside_an_id_moves_a_deal(alice: Person) -> None:
    made = alice.json_of("POST", "/deals", {"title": "Big deal", "stage": "lead"})
    rows = exported(alice, "deals").replace("lead", "negotiation")
    assert counts(imported(alice, rows, "kind=deals&mode=update")) == (1, 0, 1, 0)
    assert alice.json_of("GET", f"/deals/{made['id']}")["stage"] == "negotiation"
    assert counts(imported(alice, f"id,stage\n{made['id']},proposal\n", "kind=deals")) == (1, 0, 1, 0)
    assert alice.json_of("GET", f"/deals/{made['id']}")["stage"] == "proposal"


def test_a_row_of_a_record_that_is_there_is_a_duplicate_in_mode_create(alice: Person) -> None:
    made = alice.json_of("POST", "/companies", KEYLESS["companies"])
    plan = planned(alice, exported(alice, "companies"), "kind=companies&mode=create")
    assert counts(plan) == (1, 0, 0, 1)
    assert plan["refused_rows"][0]["error"] == "duplicate"
    assert made["handle"] in plan["refused_rows"][0]["hint"]


def test_ids_of_another_workspace_tell_nothing(home: House, alice: Person) -> None:
    alice.json_of("POST", "/companies", KEYLESS["companies"])
    rows = exported(alice, "companies")
    with home.sign_in(BOB) as bob:
        assert counts(imported(bob, rows, "kind=companies")) == (1, 1, 0, 0)
        assert not {*ids(bob, "companies")} & {*ids(alice, "companies")}
        plan = planned(bob, rows, "kind=companies&mode=update")
    told = plan["refused_rows"][0]
    assert told["error"] == "not_found"
    assert "has this id" in told["hint"]


def test_a_column_that_a_client_maps_to_id_names_the_record(alice: Person) -> None:
    made = alice.json_of("POST", "/companies", KEYLESS["companies"])
    rows = f"Our id,Company name\n{made['id']},Acme Ltd\nAcme,Acme Inc\n"
    found = imported(alice, rows, "kind=companies&map.Our id=id")
    assert counts(found) == (2, 0, 1, 1)
    assert [*found["refused_rows"][0]["fields"]] == ["id"]
    assert found["columns"][0]["field"] == "id"
    assert alice.json_of("GET", f"/companies/{made['id']}")["name"] == "Acme Ltd"


def test_a_column_called_id_of_another_program_is_no_id_of_ours(alice: Person) -> None:
    found: Any = planned(alice, "id,name\n17,Jane\n", "kind=contacts")
    assert counts(found) == (1, 1, 0, 0)
    assert found["columns"][0]["field"] != "id"


def test_a_key_of_another_record_refuses_the_row(alice: Person) -> None:
    made = [alice.json_of("POST", "/contacts", {"name": n, "email": f"{n}@acme.example"}) for n in ("a", "b")]
    found = imported(alice, f"id,email\n{made[0]['id']},b@acme.example\n", "kind=contacts")
    assert counts(found) == (1, 0, 0, 1)
    assert found["refused_rows"][0]["error"] == "already_exists"


def test_an_activity_that_is_sent_back_is_changed(alice: Person) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "Jane"})
    made = alice.json_of("POST", f"/contacts/{contact['id']}/activities", {"kind": "note", "body": "One"})
    found = imported(alice, f"id,body\n{made['id']},Two\n", "kind=activities")
    assert counts(found) == (1, 0, 1, 0)
    assert [each["body"] for each in alice.json_of("GET", "/activities")["items"] if each["kind"] == "note"] == ["Two"]
    assert counts(imported(alice, exported(alice, "activities"), "kind=activities"))[1] == 0
