"""Records within the body of a POST: related ones as objects, activities as a list; all or nothing."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from crmkit import ids
from tests.house import ALICE, UNLIMITED, Person, Process, house
from tests.web.refused import refused

JANE: dict[str, Any] = {
    "name": "Jane",
    "email": "jane@acme.com",
    "company": {"name": "Acme", "domain": "acme.com"},
    "activities": [{"kind": "call", "body": "spoke"}, {"body": "wrote", "occurred_at": "2026-01-02T03:04:05Z"}],
}


def nothing_was_written(alice: Person) -> bool:
    totals = [alice.json_of("GET", f"/{name}")["total"] for name in ("contacts", "companies", "deals", "activities")]
    return totals == [0, 0, 0, 0]


def test_a_contact_its_company_and_its_activities_are_created_at_once(alice: Person) -> None:
    answer = alice.post("/contacts?format=json", json=JANE)
    jane = answer.json()
    assert answer.status_code == 201
    assert (jane["company_name"], jane["activities"]) == ("Acme", 2)
    assert jane["last_activity_at"] == "2026-06-10T09:00:00Z"
    assert alice.json_of("GET", "/companies/acme.com")["id"] == jane["company_id"]
    told = alice.json_of("GET", f"/contacts/{jane['id']}/activities")["items"]
    assert [one["body"] for one in told] == ["spoke", "wrote"]
    log = [entry["action"] for entry in alice.json_of("GET", "/audit")["items"]][:4]
    assert log == ["activity.create", "activity.create", "contact.create", "company.create"]
    assert jane["version"] == 1


def test_a_company_that_is_there_is_merged_and_so_is_the_record_itself(alice: Person) -> None:
    acme = alice.json_of("POST", "/companies", {"name": "Acme", "domain": "acme.com"})
    alice.json_of("POST", "/contacts", {"name": "J", "email": "jane@acme.com"})
    company = {"domain": "acme.com", "notes": "big"}
    answer = alice.post("/contacts?format=json", json={**JANE, "company": company})
    assert (answer.status_code, answer.json()["company_id"]) == (200, acme["id"])
    assert alice.json_of("GET", "/companies/acme.com")["notes"] == "big"
    assert alice.json_of("GET", "/companies")["total"] == alice.json_of("GET", "/contacts")["total"] == 1


def test_a_deal_takes_a_contact_and_a_company_and_activities_reach_both(alice: Person) -> None:
    body = {"title": "X", "contact": {"name": "Jane"}, "company": {"name": "Acme"}, "activities": [{"body": "met"}]}
    deal = alice.json_of("POST", "/deals", body)
    assert (deal["contact_name"], deal["company_name"], deal["activities"]) == ("Jane", "Acme", 1)
    for path in (f"/contacts/{deal['contact_id']}", f"/companies/{deal['company_id']}"):
        assert alice.json_of("GET", path)["activities"] == 1


def test_an_activity_that_is_there_already_is_told_by_its_place(alice: Person) -> None:
    note = "an activity with this source_id is there already; nothing was changed"
    mail = {"body": "x", "source_id": "<m1@x>"}
    first = alice.json_of("POST", "/deals", {"title": "X", "activities": [mail, {"body": "y"}, mail]})
    assert (first["activities"], first["remarks"]) == (2, [f"activities.2: {note}"])
    text = alice.text("POST", "/deals", {"title": "Y", "activities": [{"source_id": "<m1@x>", "body": "again"}]})
    assert f"\n# note: activities.0: {note}\n# created\n" in text


def test_a_company_takes_activities(alice: Person) -> None:
    company = alice.json_of("POST", "/companies", {"name": "Acme", "activities": [{"body": "x"}]})
    assert company["activities"] == 1
    assert alice.json_of("POST", "/companies", {"name": "Acme", "activities": []})["activities"] == 0


def test_all_that_is_wrong_is_named_by_its_place_at_once(alice: Person) -> None:
    body = {
        "name": "Jane",
        "email": "nope",
        "company": {"domain": "nope"},
        "activities": [{"body": "x"}, {"kind": "nope", "body": "x"}, {"kind": "call"}, 5],
    }
    faults = {
        "email": "must be an address",
        "company.domain": "must be a domain",
        r"activities.1.kind": "must be one of",
        r"activities.2.body": "is needed",
        r"activities.3": "must be an object",
    }
    refused(alice, "invalid_value", "POST", "/contacts", body, faults)
    assert nothing_was_written(alice)


def test_what_is_missing_of_new_records_is_named_at_once_too(alice: Person) -> None:
    body = {"email": "a@b.example", "company": {"domain": "acme.com"}, "activities": [{"body": "x"}]}
    refused(alice, "missing_field", "POST", "/contacts", body, {"company.name": "is needed", "name": "is needed"})
    assert nothing_was_written(alice)


@pytest.mark.parametrize(
    ("path", "body", "code", "faults"),
    [
        ("/conversions", {"contact": {}, "platform": "meta"}, "missing_field", ["contact.name"]),
        ("/conversions", {"contact": {"email": "a@b.example"}, "platform": "meta"}, "missing_field", ["contact.name"]),
        (
            "/contacts",
            {"company": {"foo": 1}, "activities": [{"kind": "zz"}]},
            "unknown_field",
            ["name", "company.foo", "company.name", "activities.0.kind", "activities.0.body"],
        ),
        ("/contacts", {"first_name": "J", "company": {"name": None}}, "missing_field", ["company.name"]),
        (
            "/contacts",
            {"name": "J", "company_id": "no.example", "activities": [{"body": "x", "company_id": "not.example"}]},
            "invalid_reference",
            ["company_id", "activities.0.company_id"],
        ),
    ],
)
def test_each_fault_of_each_part_is_told_and_none_that_follows_from_another(
    alice: Person, path: str, body: dict[str, Any], code: str, faults: list[str]
) -> None:
    refused(alice, code, "POST", path, body, faults)
    assert nothing_was_written(alice)


def test_a_fault_of_the_record_itself_takes_the_nested_ones_back(alice: Person) -> None:
    body = {"title": "X", "company": {"name": "Acme"}, "contact_id": "no@acme.com", "activities": [{"body": "x"}]}
    refused(alice, "invalid_reference", "POST", "/deals", body, {"contact_id": "there is no contact"})
    assert nothing_was_written(alice)


@pytest.mark.parametrize(
    ("body", "code", "faults"),
    [
        ({"company": {"name": "A"}, "company_id": "acme.com"}, "invalid_value", {"company": "beside company_id"}),
        ({"company": {"name": "A"}, "company_id": None}, "invalid_value", {"company": "beside company_id"}),
        ({"company": "acme.com"}, "invalid_value", {"company": "must be an object"}),
        ({"company": None}, "invalid_value", {"company": "must be an object"}),
        ({"company": {"name": "A", "colour": 1}}, "unknown_field", {"company.colour": "is no field"}),
        (
            {"company": {"name": "A", "activities": []}},
            "unknown_field",
            {"company.activities": "no records of its own"},
        ),
        ({"company": {"name": "A", "company": {}}}, "unknown_field", {"company.company": "no records of its own"}),
        ({"company": {"name": "A", "activities": 5}}, "unknown_field", {"company.activities": "written by the server"}),
        (
            {"activities": [{"body": "x", "company": {"name": "A"}}]},
            "unknown_field",
            {"activities.0.company": "no records of its own"},
        ),
        ({"activities": {"body": "x"}}, "invalid_value", {"activities": "must be a list"}),
        ({"activities": [{"body": "x"}] * 101}, "invalid_value", {"activities": "at most 100"}),
        (
            {
                "activities": [
                    {"body": "x"},
                    {"body": "x", "company_id": "no.example"},
                    {"body": "x", "deal_id": "a@b.example"},
                ]
            },
            "invalid_reference",
            {"activities.1.company_id": "there is no company no.example", "activities.2.deal_id": "names no deal"},
        ),
        ({"activities": [{"body": "x", "created_by": "me"}]}, "unknown_field", {"activities.0.created_by": "leave"}),
    ],
)
def test_a_nested_record_neither_nests_nor_stands_beside_its_id(
    alice: Person, body: dict[str, Any], code: str, faults: dict[str, str]
) -> None:
    refused(alice, code, "POST", "/contacts", {"name": "Jane", **body}, faults)
    assert nothing_was_written(alice)


def test_a_nested_record_in_a_deal_does_not_nest(alice: Person) -> None:
    body = {"title": "X", "contact": {"name": "Jane", "company": {"name": "Acme"}}}
    refused(alice, "unknown_field", "POST", "/deals", body, {"contact.company": "takes no records of its own"})


def test_an_activity_brings_the_record_that_it_is_about_and_others(alice: Person) -> None:
    body = {"body": "met", "deal": {"title": "X"}, "contact": {"name": "Jane", "email": "jane@acme.com"}}
    met = alice.json_of("POST", "/activities", body)
    jane = alice.json_of("GET", "/contacts/jane@acme.com")
    assert (met["contact_id"], jane["activities"]) == (jane["id"], 1)
    assert alice.json_of("GET", f"/deals/{met['deal_id']}")["activities"] == 1
    log = [entry["action"] for entry in alice.json_of("GET", "/audit?limit=3")["items"]]
    assert log == ["activity.create", "deal.create", "contact.create"]
    again = alice.json_of(
        "POST", "/activities", {"body": "wrote", "contact": {"email": "jane@acme.com", "stage": "customer"}}
    )
    assert (again["contact_id"], again["deal_id"]) == (jane["id"], None)
    assert alice.json_of("GET", f"/contacts/{jane['id']}")["stage"] == "customer"


def test_an_activity_on_a_record_brings_others_but_not_that_one(alice: Person) -> None:
    jane = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    met = alice.json_of("POST", f"/contacts/{jane}/activities", {"body": "met", "deal": {"title": "X"}})
    assert met["contact_id"] == jane
    assert alice.json_of("GET", f"/deals/{met['deal_id']}")["title"] == "X"
    body = {"body": "met", "contact": {"name": "Other"}}
    told = {"contact": "is another contact than the path has"}
    refused(alice, "invalid_value", "POST", f"/contacts/{jane}/activities", body, told, does="leave contact out")
    refused(alice, "not_found", "POST", f"/contacts/{ids.mint('c')}/activities", {"body": "x", "deal": {"title": "Y"}})
    assert alice.json_of("GET", "/contacts")["total"] == alice.json_of("GET", "/deals")["total"] == 1


def test_an_activity_that_is_there_already_brings_nothing(alice: Person) -> None:
    body = {"body": "met", "source_id": "<m1@x>", "contact": {"name": "Jane"}}
    first = alice.json_of("POST", "/activities", body)
    for path in ("/activities", f"/contacts/{first['contact_id']}/activities"):
        more = {"contact": {"name": "Jane"}} if path == "/activities" else {"deal": {"title": "X"}}
        again = alice.json_of("POST", path, {"body": "met", "source_id": "<m1@x>", **more})
        assert (again["id"], len(again["remarks"])) == (first["id"], 1)
    assert [alice.json_of("GET", path)["total"] for path in ("/contacts", "/deals", "/activities")] == [1, 0, 1]


@pytest.mark.parametrize(
    ("body", "code", "faults"),
    [
        ({"body": "x"}, "missing_field", ["contact_id", "company_id", "deal_id", "ticket_id"]),
        ({"contact": {"name": "J"}}, "missing_field", ["body"]),
        ({"body": "x", "contact": {}}, "missing_field", ["contact.name"]),
        ({"body": "x", "contact": {"email": "jane@acme.com"}}, "missing_field", ["contact.name"]),
        ({"body": "x", "contact": None}, "invalid_value", ["contact"]),
        ({"body": "x", "contact": {"name": "J"}, "contact_id": None}, "invalid_value", ["contact"]),
        ({"body": "x", "contact": {"name": "J", "company": {}}}, "unknown_field", ["contact.company"]),
        (
            {"body": "x", "contact": {"name": "J", "colour": 1}, "kind": "fax"},
            "unknown_field",
            ["kind", "contact.colour"],
        ),
        (
            {"body": "x", "contact": {"email": "jane@acme.com"}, "company_id": "no.example"},
            "missing_field",
            ["contact.name", "company_id"],
        ),
        ({"body": "x", "contact": {"name": "J"}, "deal_id": "a@b.example"}, "invalid_reference", ["deal_id"]),
        ({"body": "x", "task": {"title": "T"}, "contact_id": "c_zzzzzzzz"}, "unknown_field", ["task", "contact_id"]),
    ],
)
def test_what_is_wrong_with_an_activity_or_what_it_brings_is_told_at_once(
    alice: Person, body: dict[str, Any], code: str, faults: list[str]
) -> None:
    refused(alice, code, "POST", "/activities", body, faults)
    assert nothing_was_written(alice)


def test_activities_of_a_batch_bring_records_each_its_own(alice: Person) -> None:
    jane = {"name": "Jane", "email": "jane@acme.com"}
    items = [
        {"body": "a", "contact": jane},
        {"body": "b", "contact": {"stage": "lead"}},
        {"body": "c", "contact": jane},
    ]
    for query, found in (("?dry_run=1", 0), ("", 1)):
        told = alice.json_of("POST", f"/activities/batch{query}", {"items": items})["items"]
        assert [item["outcome"] for item in told] == ["created", "failed", "created"]
        assert (told[1]["error"], [*told[1]["fields"]]) == ("missing_field", ["contact.name"])
        assert alice.json_of("GET", "/contacts")["total"] == found
    assert alice.json_of("GET", "/contacts/jane@acme.com")["activities"] == 2
    many = [{"body": "x", "deal": {"title": "X"}, "contact": {"name": "J"}}] * 1_000
    refused(alice, "too_large", "POST", "/activities/batch", {"items": many}, does="those that items nest")


def test_the_document_tells_what_an_activity_may_bring(alice: Person) -> None:
    paths = alice.get("/openapi.json").json()["paths"]

    def taken(path: str) -> set[str]:
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        return {"contact", "company", "deal", "ticket"} & set(schema["properties"])

    assert taken("/activities") == {"contact", "company", "deal", "ticket"}
    assert taken("/contacts/{id}/activities") == {"company", "deal", "ticket"}


def test_a_patch_takes_no_nested_records(alice: Person) -> None:
    id = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    for body in ({"company": {"name": "A"}}, {"activities": [{"body": "x"}]}):
        refused(alice, "unknown_field", "PATCH", f"/contacts/{id}", body, dict.fromkeys(body, ""))


@pytest.mark.parametrize("resource", ["contacts", "companies", "activities"])
def test_each_part_needs_the_room_that_it_would_need_alone(tmp_path: Path, resource: str) -> None:
    file = tmp_path / "crmkit.toml"
    file.write_text(f'[plans]\ndefault = "small"\n[plans.small]\n{resource} = 1\n')
    with house(tmp_path / "data", UNLIMITED, file=file) as home, home.sign_in(ALICE) as alice:
        first = {"name": "First", "company": {"name": "First"}, "activities": [{"body": "x"}]}
        assert alice.post("/contacts", json=first).status_code == 201
        answer = alice.post("/contacts?format=json", json=JANE)
        assert (answer.status_code, answer.json()["error"]) == (403, "plan_limit_reached")
        assert answer.json()["resource"] == resource
        assert alice.json_of("GET", "/contacts")["total"] == alice.json_of("GET", "/companies")["total"] == 1


def test_a_cap_that_is_reached_within_a_body_tells_what_was_used_before_it(tmp_path: Path) -> None:
    file = tmp_path / "crmkit.toml"
    file.write_text('[plans]\ndefault = "small"\n[plans.small]\nactivities = 3\n')
    with house(tmp_path / "data", UNLIMITED, file=file) as home, home.sign_in(ALICE) as alice:
        body = {"title": "X", "activities": [{"body": "x"}] * 2}
        assert alice.post("/deals", json=body).status_code == 201
        told = refused(
            alice, "plan_limit_reached", "POST", "/deals", body, does="needs 2 activities or more.*2 are used"
        )
        assert (told["cap"], told["used"]) == (3, 2)
        assert alice.post("/deals", json={"title": "X", "activities": [{"body": "x"}]}).status_code == 201
        told = refused(alice, "plan_limit_reached", "POST", "/deals", body, does="^The plan small allows 3")
        assert (told["cap"], told["used"]) == (3, 3)


@pytest.mark.slow
def test_a_race_of_nested_creates_of_one_new_company_leaves_one(served: Process) -> None:
    with served.sign_in() as me:

        def create(number: int) -> Any:
            with Person(served.url, me.token) as client:
                body = {"name": f"N{number}", "company": {"name": "Acme", "domain": "acme.com"}, "activities": []}
                answer = client.post("/contacts?format=json", json=body)
                assert answer.status_code == 201, answer.text
                return answer.json()["company_id"]

        with ThreadPoolExecutor(24) as pool:
            companies = set(pool.map(create, range(96)))
        assert len(companies) == 1
        assert me.json_of("GET", "/companies")["total"] == 1
        assert me.json_of("GET", "/contacts?company_id=acme.com")["total"] == 96
