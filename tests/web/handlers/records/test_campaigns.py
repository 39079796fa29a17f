"""Campaigns, their members, the filter by campaign, and joining one by a POST."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.crowd import Call, at_once, statuses
from tests.house import ALICE, House, Person
from tests.teams.office import erased
from tests.web.refused import refused

JSON = {"Accept": "application/json"}
COUNTS = ("members", "contacts", "companies")


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


def made(person: Person, plural: str, name: str = "Something", **more: Any) -> str:
    record = person.json_of("POST", f"/{plural}", {"name": name, **more})
    assert "id" in record, record
    return str(record["id"])


def counts(person: Person, campaign: str) -> list[int]:
    record = person.json_of("GET", f"/campaigns/{campaign}")
    return [record[name] for name in COUNTS]


def members(person: Person, campaign: str, query: str = "") -> list[str]:
    return [one["id"] for one in person.json_of("GET", f"/campaigns/{campaign}/members{query}")["items"]]


def found(person: Person, path: str) -> list[str]:
    page = person.json_of("GET", path)
    assert "items" in page, page
    return [one["id"] for one in page["items"]]


def test_a_campaign_is_active_and_empty_unless_it_is_said(alice: Person) -> None:
    campaign = alice.json_of("POST", "/campaigns", {"name": "Spring", "ad_platform": "META"})
    assert (campaign["status"], campaign["ad_platform"]) == ("active", "meta")
    assert [campaign[name] for name in COUNTS] == [0, 0, 0]
    assert campaign["id"].startswith("ca_")
    refused(alice, "unknown_field", "POST", "/campaigns", {"name": "X", "members": 3}, ["members"])
    refused(alice, "invalid_value", "POST", "/campaigns", {"name": "X", "ad_platform": "radio"}, ["ad_platform"])
    assert found(alice, "/campaigns?search=sprnig") == [campaign["id"]]


def test_a_campaign_does_not_end_before_it_starts(alice: Person) -> None:
    days = {"starts_on": "2026-05-01", "ends_on": "2026-04-30"}
    refused(alice, "invalid_value", "POST", "/campaigns", {"name": "X", **days}, {"ends_on": "is before starts_on"})
    campaign = made(alice, "campaigns", starts_on="2026-05-01", ends_on="2026-05-01")
    path = f"/campaigns/{campaign}"
    refused(alice, "invalid_value", "PATCH", path, {"ends_on": "2026-04-30"}, {"ends_on": "is before starts_on"})
    refused(alice, "invalid_value", "PATCH", path, {"starts_on": "2026-05-02"}, {"starts_on": "is after ends_on"})
    assert alice.json_of("PATCH", path, {"starts_on": None})["starts_on"] is None
    assert alice.json_of("PATCH", path, {"ends_on": "2026-04-30"})["ends_on"] == "2026-04-30"


def test_a_member_joins_once_and_is_shown_as_the_record_it_is(alice: Person) -> None:
    campaign, contact = made(alice, "campaigns"), made(alice, "contacts", "Jane Doe")
    path = f"/campaigns/{campaign}/members"
    first = alice.post(path, json={"id": contact, "reason": "asked for a demo"})
    line = alice.text("GET", f"/contacts?id={contact}").split("\n")[0]
    assert first.status_code == 201
    assert first.text == f'{line}  reason="asked for a demo"  joined_at=2026-06-10T09:00:00Z\n# created\n'
    again = alice.send_it("POST", path, {"id": f"contact/{contact}"}, headers=JSON)
    whole = alice.json_of("GET", f"/contacts/{contact}")
    told = {"reason": "asked for a demo", "joined_at": "2026-06-10T09:00:00Z"}
    assert (again.status_code, again.json()) == (200, {**whole, **told})
    other = alice.json_of("POST", path, {"id": contact, "reason": "came to the fair"})
    assert other["reason"] == "came to the fair"
    assert alice.json_of("GET", path)["items"] == [{**whole, **told, "reason": "came to the fair"}]
    assert alice.json_of("POST", path, {"id": contact, "reason": None})["reason"] is None
    assert counts(alice, campaign) == [1, 1, 0]
    log = alice.json_of("GET", "/audit?target=membership&limit=3")["items"]
    assert [entry["action"] for entry in log] == ["membership.update", "membership.update", "membership.create"]
    assert alice.json_of("GET", f"/contacts/{contact}")["version"] == 1


def test_what_is_no_contact_or_company_does_not_join(alice: Person) -> None:
    campaign = made(alice, "campaigns")
    path, gone = f"/campaigns/{campaign}/members", made(alice, "contacts", "Gone")
    erased(alice, f"/contacts/{gone}")
    refused(alice, "missing_field", "POST", path, {"reason": "x"}, ["id"])
    refused(alice, "invalid_reference", "POST", path, {"id": campaign}, {"id": "the id of a contact or a company"})
    refused(alice, "invalid_value", "POST", path, {"id": 5}, ["id"])
    refused(alice, "unknown_field", "POST", path, {"id": gone, "why": "x"}, ["why"])
    refused(alice, "invalid_reference", "POST", path, {"id": gone}, {"id": f"there is no contact {gone}"})
    refused(alice, "not_found", "POST", f"/campaigns/{gone}/members", {"id": gone})
    assert counts(alice, campaign) == [0, 0, 0]


def test_members_are_paged_and_picked_by_kind(alice: Person) -> None:
    campaign = made(alice, "campaigns")
    contacts = [made(alice, "contacts", f"Jane {n}", campaign_id=campaign) for n in range(3)]
    companies = [made(alice, "companies", f"Acme {n}", campaign_id=campaign) for n in range(2)]
    assert counts(alice, campaign) == [5, 3, 2]
    assert sorted(members(alice, campaign)) == sorted([*contacts, *companies])
    for kind, ids in (("contact", contacts), ("contacts", contacts), ("Company", companies), ("companies", companies)):
        assert sorted(members(alice, campaign, f"?kind={kind}")) == sorted(ids)
    path, seen = f"/campaigns/{campaign}/members", []
    page = alice.json_of("GET", f"{path}?limit=2")
    assert page["total"] == 5
    while True:
        seen += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        page = alice.json_of("GET", f"{path}?limit=2&cursor={page['next_cursor']}")
    assert sorted(seen) == sorted([*contacts, *companies])
    assert alice.text("GET", f"{path}?kind=company").endswith("\n# 2 members\n# total: 2\n")
    refused(alice, "invalid_value", "GET", f"{path}?kind=deal", None, {"kind": "must be contact or company"})
    refused(alice, "invalid_filter", "GET", f"{path}?name=x", None, ["name"])
    other = made(alice, "campaigns", "Other")
    cursor = alice.json_of("GET", f"{path}?limit=2")["next_cursor"]
    refused(alice, "invalid_cursor", "GET", f"/campaigns/{other}/members?limit=2&cursor={cursor}")


def test_a_member_leaves_in_one_step(alice: Person) -> None:
    campaign, contact = made(alice, "campaigns"), made(alice, "contacts")
    alice.post(f"/campaigns/{campaign}/members", json={"id": contact})
    path = f"/campaigns/{campaign}/members/{contact}"
    assert alice.text("DELETE", path).startswith(
        f"OK removed contact/{contact} from campaign/{campaign}\n# undo: POST /undo/op_"
    )
    assert counts(alice, campaign) == [0, 0, 0]
    refused(alice, "not_found", "DELETE", path, does="is no member of")
    refused(alice, "not_found", "DELETE", f"/campaigns/{campaign}/members/bulk", does="^bulk is no id")
    assert alice.json_of("GET", f"/contacts/{contact}")["id"] == contact
    assert alice.post(f"/campaigns/{campaign}/members", json={"id": contact}).status_code == 201


def test_a_natural_key_names_a_member_and_leaves_it(alice: Person) -> None:
    campaign = made(alice, "campaigns")
    contact = made(alice, "contacts", email="key@join.com")
    company = made(alice, "companies", domain="join.com")
    path = f"/campaigns/{campaign}/members"
    assert alice.json_of("POST", path, {"id": "Key@Join.com"})["id"] == contact
    assert alice.json_of("POST", path, {"id": "join.com"})["id"] == company
    fields = {"id": "there is no contact nobody@join.com"}
    refused(alice, "invalid_reference", "POST", path, {"id": "nobody@join.com"}, fields)
    refused(alice, "not_found", "DELETE", f"{path}/gone.com", does="There is no company gone.com")
    assert alice.text("DELETE", f"{path}/key@join.com").startswith(f"OK removed contact/{contact} from ")
    assert alice.text("DELETE", f"{path}/join.com").startswith(f"OK removed company/{company} from ")
    assert counts(alice, campaign) == [0, 0, 0]


def test_a_key_of_a_contact_and_a_company_names_neither_unless_one_alone_is_a_member(alice: Person) -> None:
    path = f"/campaigns/{made(alice, 'campaigns')}/members"
    contact, company = made(alice, "contacts", code="p/q"), made(alice, "companies", code="p/q")
    both = {"id": f"^names contact/{contact} and company/{company}$"}
    refused(alice, "invalid_value", "POST", path, {"id": "code:p/q"}, both)
    assert alice.json_of("POST", path, {"id": "company/code:p/q"})["id"] == company
    assert alice.text("DELETE", f"{path}/code:p%2Fq").startswith(f"OK removed company/{company} from ")
    refused(alice, "not_found", "DELETE", f"{path}/code:p%2Fq", does="is no member of")
    for id in (contact, company):
        alice.json_of("POST", path, {"id": id})
    refused(alice, "invalid_value", "DELETE", f"{path}/code:p%2Fq", fields=both)
    assert alice.text("DELETE", f"{path}/contact%2Fcode:p%2Fq").startswith(f"OK removed contact/{contact} from ")


def test_a_post_of_a_contact_or_company_joins_a_campaign(alice: Person) -> None:
    campaign = made(alice, "campaigns")
    first = alice.send_it(
        "POST", "/contacts", {"name": "Jane", "email": "j@join.com", "campaign_id": campaign}, headers=JSON
    )
    assert (first.status_code, "campaign_id" in first.json(), first.json()["version"]) == (201, False, 1)
    again = alice.post("/contacts", json={"email": "j@join.com", "campaign_id": f"campaign/{campaign}"})
    assert again.status_code == 200
    assert counts(alice, campaign) == [1, 1, 0]
    other = made(alice, "campaigns", "Other")
    merged = alice.send_it("POST", "/contacts", {"email": "j@join.com", "campaign_id": other}, headers=JSON)
    assert (merged.status_code, merged.json()["version"]) == (200, 1)
    assert members(alice, other) == [first.json()["id"]]
    assert made(alice, "contacts", campaign_id=None) not in members(alice, campaign)
    path = f"/contacts/{first.json()['id']}"
    refused(alice, "unknown_field", "PATCH", path, {"campaign_id": campaign}, {"campaign_id": "is taken by POST"})
    refused(alice, "unknown_field", "POST", "/deals", {"title": "X", "campaign_id": campaign}, ["campaign_id"])


def test_a_post_that_names_no_live_campaign_creates_nothing(alice: Person) -> None:
    gone = made(alice, "campaigns")
    erased(alice, f"/campaigns/{gone}")
    before = alice.json_of("GET", "/contacts?limit=1&count=exact")["total"]
    body = {"name": "Nobody", "campaign_id": gone, "company_id": "co_k7m2q9xc"}
    refused(alice, "invalid_reference", "POST", "/contacts", body, ["company_id"])
    del body["company_id"]
    refused(alice, "invalid_reference", "POST", "/contacts", body, {"campaign_id": f"there is no campaign {gone}"})
    assert alice.json_of("GET", "/contacts?limit=1&count=exact")["total"] == before


def test_a_nested_company_joins_too(alice: Person) -> None:
    campaign = made(alice, "campaigns")
    contact = alice.json_of("POST", "/contacts", {"name": "Jane", "company": {"name": "A", "campaign_id": campaign}})
    assert members(alice, campaign) == [contact["company_id"]]
    body = {"name": "Jane", "company": {"name": "A", "campaign_id": "ca_k7m2q9xc"}}
    refused(alice, "invalid_reference", "POST", "/contacts", body, ["company.campaign_id"])


def test_contacts_and_companies_are_filtered_by_campaign(alice: Person) -> None:
    spring, autumn = made(alice, "campaigns", "Spring"), made(alice, "campaigns", "Autumn")
    both = made(alice, "contacts", "Both", campaign_id=spring, owner="filter@acme.com")
    alice.post(f"/campaigns/{autumn}/members", json={"id": both})
    one = made(alice, "contacts", "One", campaign_id=spring, owner="filter@acme.com")
    none = made(alice, "contacts", "None", owner="filter@acme.com")
    company = made(alice, "companies", "Acme", campaign_id=autumn)
    mine = "&owner=filter@acme.com&sort=name"
    for name in ("campaign", "campaign_id"):
        for filter, ids in (
            (spring, [both, one]),
            (f"campaign/{autumn}", [both]),
            (f"in:{spring},{autumn}", [both, one]),
            (f"ne:{autumn}", [none, one]),
            ("is:null", [none]),
            ("not:null", [both, one]),
        ):
            assert found(alice, f"/contacts?{name}={filter}{mine}") == ids, filter
            page = alice.json_of("GET", f"/contacts?{name}={filter}{mine}&limit=1")
            assert page["total"] == len(ids), filter
        assert found(alice, f"/companies?{name}={autumn}") == [company]
        assert found(alice, f"/companies?{name}={spring}") == []
        assert found(alice, f"/contacts?{name}={spring}&search=one") == [one]
        assert found(alice, f"/contacts?{name}={spring}&campaign={autumn}") == [both]
    refused(alice, "invalid_value", "GET", f"/contacts?campaign={both}", None, {"campaign": "id of a campaign looks"})
    refused(alice, "invalid_operator", "GET", "/contacts?campaign=like:x", None, ["campaign"])
    refused(alice, "invalid_filter", "GET", f"/deals?campaign={spring}", None, ["campaign"])
    refused(alice, "invalid_sort", "GET", "/contacts?sort=campaign", None, ["sort"])
    erased(alice, f"/campaigns/{spring}")
    assert f"there is no campaign {spring}" in alice.text("GET", f"/contacts?campaign={spring}")


def test_memberships_go_with_the_contact_the_company_and_the_campaign(alice: Person) -> None:
    campaign = made(alice, "campaigns")
    contact, company = (made(alice, plural, campaign_id=campaign) for plural in ("contacts", "companies"))
    asked = alice.json_of("DELETE", f"/contacts/{contact}")["hint"]
    assert asked.startswith("Its activities, conversions and campaign memberships go with it; ")
    erased(alice, f"/contacts/{contact}")
    assert (counts(alice, campaign), members(alice, campaign)) == ([1, 0, 1], [company])
    assert alice.json_of("GET", f"/campaigns/{campaign}")["version"] == 1
    assert alice.json_of("DELETE", f"/campaigns/{campaign}")["hint"].startswith("Its campaign memberships go with it.")
    erased(alice, f"/campaigns/{campaign}")
    assert alice.json_of("GET", f"/companies/{company}")["version"] == 1
    assert found(alice, f"/companies?campaign={campaign}") == []
    log = alice.json_of("GET", "/audit?limit=2")["items"]
    assert [entry["action"] for entry in log] == ["campaign.delete", "membership.delete"]


def test_a_crowd_that_adds_one_member_makes_one_membership(town: House, alice: Person) -> None:
    campaign, contact = made(alice, "campaigns"), made(alice, "contacts", email="crowd@join.com")
    path = f"/campaigns/{campaign}/members"
    calls = [Call("POST", path, {"id": contact, "reason": f"{n}"}) for n in range(10)]
    calls += [Call("POST", "/contacts", {"email": "crowd@join.com", "campaign_id": campaign}) for _ in range(10)]
    answers = at_once(town.url, calls, alice.token)
    assert all(answer.status_code < 300 for answer in answers)
    assert statuses(answers).get(201, 0) <= 1
    assert (counts(alice, campaign), members(alice, campaign)) == ([1, 1, 0], [contact])


def test_counts_are_right_after_members_join_while_records_are_deleted(town: House, alice: Person) -> None:
    campaign = made(alice, "campaigns")
    contacts = [made(alice, "contacts", f"{n}") for n in range(12)]
    confirm = [alice.json_of("DELETE", f"/contacts/{id}")["confirm"] for id in contacts[:6]]
    path = f"/campaigns/{campaign}/members"
    calls = [Call("POST", path, {"id": id}) for id in contacts]
    calls += [Call("DELETE", f"/contacts/{id}?confirm={one}") for id, one in zip(contacts, confirm, strict=False)]
    calls += [Call("DELETE", f"{path}/{id}") for id in contacts[3:9]]
    for call, answer in zip(calls, at_once(town.url, calls, alice.token), strict=True):
        assert answer.status_code < 300 or answer.json()["error"] in ("invalid_reference", "not_found"), call
    there = members(alice, campaign)
    assert counts(alice, campaign) == [len(there), len(there), 0]
    assert set(contacts[9:]) <= set(there) <= set(contacts[6:])
