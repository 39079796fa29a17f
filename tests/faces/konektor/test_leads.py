"""Leads: what goes in comes out, is found, and is the contact that it is."""

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.faces.konektor.lead import LEAD, contact_of, lead_of
from crmkit.faces.konektor.leads import WORDS
from crmkit.faces.konektor.words import FIELDS, PLATFORMS, PRIORITIES, SOURCES, STATUSES
from tests.house import Person
from tests.kinds import CONTACT
from tests.teams.office import JSON, Team, new

P = "/api/v2/agent"


def lead(person: Person, **fields: Any) -> Any:
    answer = person.post(f"{P}/leads", json={"firstName": "Andi", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def found(person: Person, query: str = "") -> Any:
    answer = person.get(f"{P}/leads{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(answer: Any, code: str = "VALIDATION_ERROR", status: int = 400) -> Any:
    told = answer.json()
    assert (answer.status_code, told["success"], told["error"]["code"]) == (status, False, code), answer.text
    return told["error"]["details"]


texts = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=20)
amounts = st.integers(-(10**15), 10**15).map(lambda cents: cents // 100 if cents % 100 == 0 else cents / 100)
LEADS = st.fixed_dictionaries(
    {"firstName": texts},
    optional={
        "lastName": texts,
        "email": st.integers(0, 99).map(lambda number: f"a{number}@example.com"),
        "phone": st.integers(1000000, 99999999).map(lambda number: f"+62812{number}"),
        "status": st.sampled_from(STATUSES),
        "priority": st.sampled_from(PRIORITIES),
        "source": st.sampled_from(SOURCES),
        "adPlatform": st.sampled_from(PLATFORMS),
        "notes": texts,
        "uniqueCode": texts,
        "externalRef": texts,
        "estimatedValue": amounts,
        "actualValue": amounts,
    },
)


@given(LEADS)
def test_what_goes_in_comes_out(sent: dict[str, Any]) -> None:
    contact = CONTACT.draft(contact_of(LEAD.draft(sent)))
    assert {FIELDS[name] for name in sent} == set(contact)
    shown = lead_of("ws_x", contact)
    assert {name: shown[name] for name in sent} == sent


def test_every_field_that_a_lead_takes_is_one_that_it_shows() -> None:
    assert set(LEAD.by_name) < set(FIELDS)
    assert set(FIELDS.values()) < set(CONTACT.by_name)
    assert set(WORDS) - {"sortBy", "sortOrder"} < set(FIELDS)


def test_a_lead_is_the_contact_of_the_same_id(us: Team) -> None:
    made = lead(us.alice, lastName="Wijaya", status="qualified", estimatedValue=5000000.5, uniqueCode="KNK-7")
    contact = us.alice.json_of("GET", f"/contacts/{made['id']}")
    assert contact["name"] == "Andi Wijaya"
    assert (contact["stage"], contact["estimated_cents"], contact["code"]) == ("qualified", 500000050, "KNK-7")
    assert us.bob.get(f"{P}/leads/{made['id']}").json()["data"] == made
    plain = new(us.alice, "/contacts", name="Jane Doe")
    assert us.alice.get(f"{P}/leads/{plain}").json()["data"]["firstName"] == "Jane Doe"


def test_a_change_keeps_what_is_not_sent_and_null_clears(us: Team) -> None:
    made = lead(us.alice, status="new", notes="first", source="ads")
    changed = us.alice.patch(f"{P}/leads/{made['id']}", json={"status": "contacted", "notes": None}).json()["data"]
    assert changed == made | {"status": "contacted", "notes": None, "updatedAt": changed["updatedAt"]}


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"firstName": "Required"}),
        ({"firstName": ""}, {"firstName": "Required"}),
        ({"firstName": "A", "email": "nope"}, {"email": "Invalid email"}),
        ({"firstName": "", "email": "nope"}, {"firstName": "Required", "email": "Invalid email"}),
        ({"firstName": "", "id": "c_x"}, {"firstName": "Required", "id": ""}),
        ({"firstName": "A", "email": 5}, {"email": "Invalid email"}),
        ({"firstName": "A", "status": "customer"}, {"status": ""}),
        ({"firstName": "A" * 101}, {"firstName": ""}),
        ({"firstName": "A", "phone": "1" * 21}, {"phone": ""}),
        ({"firstName": "A", "notes": "x" * 5001}, {"notes": ""}),
        ({"firstName": "A", "estimatedValue": 1.234}, {"estimatedValue": ""}),
        ({"firstName": "A", "estimatedValue": "12"}, {"estimatedValue": ""}),
        ({"firstName": "A", "assignedTo": str(uuid.uuid4())}, {"assignedTo": ""}),
        ({"firstName": "A", "first_name": "B", "id": "c_x"}, {"first_name": "", "id": ""}),
    ],
)
def test_a_wrong_field_is_named_as_clients_know_it_and_nothing_is_written(us: Team, body: Any, wrong: Any) -> None:
    details = refused(us.alice.post(f"{P}/leads", json=body))
    assert set(details) == set(wrong)
    assert all(what == "" or details[name] == what for name, what in wrong.items())
    assert found(us.alice)["pagination"]["total"] == 0


def test_a_body_that_is_no_object_is_refused_whatever_its_type(us: Team) -> None:
    assert refused(us.alice.post(f"{P}/leads", content=b"")) == {"firstName": "Required"}
    for body in (b"[]", b"{", b'"x"'):
        assert refused(us.alice.post(f"{P}/leads", content=body, headers={"Content-Type": "text/csv"})) is None
    answer = us.alice.post(f"{P}/leads", content=b'{"firstName":"Plain"}', headers={"Content-Type": "text/plain"})
    assert answer.status_code == 201


def test_a_second_lead_with_an_email_is_merged_into_the_first(us: Team) -> None:
    made = lead(us.alice, email="andi@example.com")
    again = us.alice.post(f"{P}/leads", json={"firstName": "Andy", "email": "ANDI@example.com", "source": "ads"})
    assert (again.status_code, again.json()["data"]["id"]) == (200, made["id"])
    assert (again.json()["data"]["firstName"], again.json()["data"]["source"]) == ("Andy", "ads")


def upserted(person: Person, status: int, **fields: Any) -> Any:
    answer = person.post(f"{P}/leads/upsert", json=fields)
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def test_an_upsert_goes_by_id_then_code_then_phone_then_external_reference(us: Team) -> None:
    one = lead(us.alice, uniqueCode="K-1")["id"]
    two = lead(us.alice, phone="+62 812 3456 789")["id"]
    three = lead(us.alice, externalRef="ext-3")["id"]
    four = lead(us.alice)["id"]
    assert upserted(us.alice, 200, id=four, notes="by id")["id"] == four
    assert upserted(us.alice, 200, uniqueCode="K-1", notes="by code")["id"] == one
    assert upserted(us.alice, 200, phone="+628123456789", notes="by phone")["id"] == two
    assert upserted(us.alice, 200, externalRef="ext-3", notes="by reference")["id"] == three
    assert upserted(us.alice, 200, uniqueCode="K-1", phone="+628120000000")["id"] == one
    assert upserted(us.alice, 201, externalRef="ext-5", firstName="Five")["externalRef"] == "ext-5"
    assert refused(us.alice.post(f"{P}/leads/upsert", json={"phone": "+628999999999"})) == {"firstName": "Required"}
    assert set(refused(us.alice.post(f"{P}/leads/upsert", json={"firstName": "A"}))) == {
        *("uniqueCode", "phone", "externalRef")
    }
    assert (
        refused(us.alice.post(f"{P}/leads/upsert", json={"id": "c_2222222a", "notes": "x"}), "NOT_FOUND", 404) is None
    )
    assert "externalRef" in refused(
        us.alice.post(f"{P}/leads/upsert", json={"uniqueCode": "K-1", "externalRef": "ext-3"})
    )
    assert found(us.alice)["pagination"]["total"] == 5


def test_filters_find_what_they_say(us: Team) -> None:
    us.home.clock.move(days=-2)
    old = lead(us.alice, status="won", source="ads", priority="high", adPlatform="meta")["id"]
    us.home.clock.move(days=2)
    bob = us.alice.get(f"{P}/leads/{new(us.alice, '/contacts', name='X', owner=us.bob.email)}").json()["data"]
    plain = lead(us.alice, status="new", email="plain@example.com", externalRef="zz-top")["id"]

    def ids(query: str) -> set[str]:
        page = found(us.alice, query)
        assert page["pagination"]["total"] == len(page["data"])
        return {each["id"] for each in page["data"]}

    assert ids("?status=won&source=ads&priority=high&adPlatform=meta") == {old}
    assert ids("?status=new") == ids("?priority=medium&status=new") == {bob["id"], plain}
    assert ids(f"?assignedTo={bob['assignedTo']}") == {bob["id"]}
    assert ids("?search=zz-top") == ids("?search=plain@example.com") == {plain}
    day = us.home.clock().date().isoformat()
    assert ids(f"?createdFrom={day}") == {bob["id"], plain}
    assert ids(f"?createdTo={day}T00:00:00Z") == {old}
    assert found(us.alice, "?sortOrder=asc&sortBy=createdAt&limit=1")["data"][0]["id"] == old
    changed = us.alice.patch(f"{P}/leads/{plain}", json={"assignedTo": bob["assignedTo"]}).json()["data"]
    assert changed["assignedTo"] == bob["assignedTo"]
    assert us.alice.json_of("GET", f"/contacts/{plain}")["owner"] == us.bob.email


@pytest.mark.parametrize(
    ("query", "name"),
    [
        *(
            ("status=nope", "status"),
            ("priority=x", "priority"),
            ("source=x", "source"),
            ("adPlatform=x", "adPlatform"),
        ),
        *(("sortBy=name", "sortBy"), ("sortOrder=up", "sortOrder"), ("page=0", "page"), ("page=x", "page")),
        *(
            ("limit=101", "limit"),
            ("limit=0", "limit"),
            ("page=1001&limit=100", "page"),
            ("createdFrom=x", "createdFrom"),
        ),
        *(
            ("assignedTo=x", "assignedTo"),
            ("pages=1", "pages"),
            (f"search={'x' * 201}", "search"),
            ("format=csv", "format"),
        ),
    ],
)
def test_a_parameter_that_is_wrong_is_named(us: Team, query: str, name: str) -> None:
    assert set(refused(us.alice.get(f"{P}/leads?{query}"))) == {name}


def test_pages_and_cursors_lead_through_all_leads_with_an_exact_total(us: Team) -> None:
    items = [{"first_name": f"Lead {number}", "stage": "new"} for number in range(1, 1103)]
    for start in range(0, len(items), 500):
        assert us.alice.post("/contacts/batch", json=items[start:][:500]).status_code == 201
    by_number, by_cursor, query = [], [], "?limit=100&status=new"
    for number in range(1, 13):
        page = found(us.alice, f"{query}&page={number}")
        assert page["pagination"]["total"] == 1102
        assert page["pagination"]["totalPages"] == 12
        by_number += page["data"]
    cursor = ""
    while cursor is not None:
        page = found(us.alice, f"{query}{cursor and f'&cursor={cursor}'}")
        assert page["pagination"]["total"] == 1102
        by_cursor += page["data"]
        cursor = page["pagination"]["nextCursor"]
    assert len(by_number) == 1102
    assert by_number == by_cursor
    third = found(us.alice, f"{query}&page=3")
    assert found(us.alice, f"{query}&cursor={third['pagination']['nextCursor']}")["data"] == by_number[300:400]
    assert found(us.alice, f"{query}&page=14")["data"] == []
    hundred = found(us.alice, "?search=lead&page=2&limit=100")
    assert hundred["pagination"]["total"] == 1102
    assert found(us.alice, "?search=lead&page=3&limit=50")["data"] == hundred["data"][:50]
    refused(us.alice.get(f"{P}/leads?cursor=nope"))


def test_a_code_is_counted_where_the_workspace_has_a_prefix(us: Team) -> None:
    assert us.alice.patch(us.path, json={"code_prefix": "KNK-"}, headers=JSON).status_code == 200
    assert lead(us.alice)["uniqueCode"] == "KNK-1"
    assert lead(us.alice, uniqueCode="OWN")["uniqueCode"] == "OWN"
