"""Activities are changed like records: by version, with an entry in the log; and logged on several records at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from crmkit import ids
from tests.house import ALICE, BOB, House, Person, record_in
from tests.teams.office import JSON
from tests.web.refused import refused


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in("amends@example.com") as person:
        yield person


def made(person: Person, plural: str, **more: Any) -> str:
    body = {"title" if plural == "deals" else "name": "Something", **more}
    return str(person.json_of("POST", f"/{plural}", body)["id"])


def logged(person: Person, place: str, **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = person.json_of("POST", f"{place}/activities", {"body": "Hello", **body})
    assert "id" in found, found
    return record_in(found)


def test_every_field_that_was_sent_can_be_changed_but_for_the_links(alice: Person) -> None:
    contact = made(alice, "contacts")
    activity = logged(alice, f"/contacts/{contact}")
    sent = {
        **{"kind": "call", "occurred_at": "2026-05-01T08:00:00Z", "on_behalf_of": BOB, "body": "Called"},
        **{"outcome": "wants an offer", "duration_minutes": 20, "source_id": f"<{contact}@mail.example>"},
    }
    changed = record_in(alice.json_of("PATCH", f"/activities/{activity['id']}", sent))
    assert {name: changed[name] for name in sent} == sent
    assert (changed["version"], changed["contact_id"], changed["created_at"]) == (2, contact, activity["created_at"])
    assert alice.json_of("GET", f"/activities/{activity['id']}") == changed
    line = alice.text("GET", f"/activities/{activity['handle']}")
    assert 'outcome="wants an offer"  duration_minutes=20' in line
    cleared = alice.json_of("PATCH", f"/activities/{activity['id']}", {"outcome": None, "kind": None, "source_id": ""})
    assert (cleared["outcome"], cleared["kind"], cleared["source_id"]) == (None, "note", None)
    place = f"/activities/{activity['id']}"
    refused(alice, "unknown_field", "PATCH", place, {"contact_id": contact}, {"contact_id": "cannot be changed"})
    refused(alice, "unknown_field", "PATCH", place, {"created_by": BOB}, {"created_by": "by the server"})
    refused(alice, "missing_field", "PATCH", place, {"body": " "}, ["body"])
    for wrong in (-1, 1.5, "20"):
        refused(alice, "invalid_value", "PATCH", place, {"duration_minutes": wrong}, {"duration_minutes": "from 0 to"})
    assert alice.json_of("GET", place) == record_in(cleared)


def test_a_time_that_is_cleared_is_now(alice: Person) -> None:
    activity = logged(alice, f"/contacts/{made(alice, 'contacts')}", occurred_at="2026-01-01")
    changed = alice.json_of("PATCH", f"/activities/{activity['id']}", {"occurred_at": None})
    assert changed["occurred_at"] == changed["updated_at"]


def test_a_change_and_a_delete_hold_to_the_version_that_was_read(alice: Person) -> None:
    activity = logged(alice, f"/contacts/{made(alice, 'contacts')}")
    place = f"/activities/{activity['id']}"
    answer = alice.send_it("PATCH", place, {"body": "Better"}, headers={"If-Match": "1", **JSON})
    assert (answer.json()["version"], answer.headers["ETag"]) == (2, '"2"')
    for method, body in (("PATCH", {"body": "Late"}), ("DELETE", None)):
        late = alice.send_it(method, place, body, headers={"If-Match": "1", **JSON})
        assert (late.status_code, late.json()["error"], late.json()["version"]) == (412, "version_conflict", 2)
    refused(alice, "version_conflict", "PATCH", place, {"body": "Late", "version": 1})
    assert alice.json_of("PATCH", place, {"body": "Better"})["version"] == 2
    entries = alice.json_of("GET", f"/audit?target={activity['id']}&action=activity.update")["items"]
    assert [entry["changes"] for entry in entries] == [{"body": ["Hello", "Better"]}]
    gone = alice.send_it("DELETE", place, headers={"If-Match": "2", **JSON})
    assert gone.status_code == 200


def test_a_source_id_that_is_there_answers_with_its_activity_and_changes_nothing(alice: Person) -> None:
    contact, other = made(alice, "contacts"), made(alice, "contacts")
    first = logged(alice, f"/contacts/{contact}", source_id="<1@mail.example>", kind="email")
    for place, body in (
        (f"/contacts/{contact}", {"body": "Again", "kind": "call"}),
        (f"/contacts/{other}", {"body": "Elsewhere"}),
        (f"/contacts/{contact}", {}),
    ):
        again = alice.send_it("POST", f"{place}/activities", {"source_id": " <1@mail.example>", **body}, headers=JSON)
        note = "an activity with this source_id is there already; nothing was changed"
        assert (again.status_code, again.json()) == (200, {**first, "remarks": [note]})
    text = alice.text("POST", f"/contacts/{contact}/activities", {"source_id": "<1@mail.example>"})
    assert text.endswith("\n# note: an activity with this source_id is there already; nothing was changed\n")
    assert alice.json_of("GET", f"/contacts/{contact}")["activities"] == 1
    assert alice.json_of("GET", f"/contacts/{other}")["activities"] == 0
    second = logged(alice, f"/contacts/{contact}", source_id="<1@MAIL.example>")
    assert second["id"] != first["id"]
    asked = {"source_id": "<1@mail.example>"}
    facts = refused(alice, "already_exists", "PATCH", f"/activities/{second['id']}", asked, ["source_id"])
    assert facts["handle"] == first["handle"]
    assert [one["id"] for one in alice.json_of("GET", "/activities", params=asked)["items"]] == [first["id"]]
    alice.delete(f"/activities/{first['id']}")
    assert logged(alice, f"/contacts/{contact}", **asked)["id"] != first["id"]


def test_an_activity_counts_on_every_record_that_its_body_names(alice: Person) -> None:
    contact, company = made(alice, "contacts"), made(alice, "companies")
    owner = made(alice, "companies")
    deal = made(alice, "deals", company_id=owner)
    activity = logged(alice, f"/contacts/{contact}", company_id=company, deal_id=f"deal/{deal}", kind="call")
    assert (activity["contact_id"], activity["company_id"], activity["deal_id"]) == (contact, company, deal)
    for place in (f"/contacts/{contact}", f"/companies/{company}", f"/deals/{deal}"):
        record = alice.json_of("GET", place)
        assert (record["activities"], record["contacts_made"]) == (1, 1)
        assert alice.json_of("GET", f"{place}/activities")["items"][0]["id"] == activity["id"]
    assert alice.json_of("GET", f"/companies/{owner}")["activities"] == 0
    shared = logged(alice, f"/contacts/{contact}", deal_id=deal)
    assert (shared["contact_id"], shared["company_id"], shared["deal_id"]) == (contact, owner, deal)


def test_a_body_that_names_another_record_than_the_path_or_none_is_refused(alice: Person) -> None:
    contact, other, company = made(alice, "contacts"), made(alice, "contacts"), made(alice, "companies")
    place = f"/contacts/{contact}/activities"
    body = {"body": "x"}
    assert logged(alice, f"/contacts/{contact}", contact_id=contact, deal_id=None)["contact_id"] == contact
    refused(alice, "invalid_value", "POST", place, {**body, "contact_id": other}, {"contact_id": "another contact"})
    refused(alice, "invalid_reference", "POST", place, {**body, "deal_id": company}, {"deal_id": "the id of a company"})
    refused(alice, "invalid_reference", "POST", place, {**body, "deal_id": ids.mint("d")}, ["deal_id"])
    answer = alice.json_of("DELETE", f"/contacts/{other}")
    assert alice.delete(f"/contacts/{other}?confirm={answer['confirm']}").status_code == 200
    place = f"/companies/{company}/activities"
    refused(alice, "invalid_reference", "POST", place, {**body, "contact_id": other}, ["contact_id"])
    assert alice.json_of("GET", f"/contacts/{contact}")["activities"] == 1
    assert alice.json_of("GET", f"/companies/{company}")["activities"] == 0


def test_a_record_of_another_workspace_cannot_be_named(town: House, alice: Person) -> None:
    contact = made(alice, "contacts")
    activity = logged(alice, f"/contacts/{contact}", source_id="secret")
    with town.sign_in("gina@example.com") as gina:
        company = made(gina, "companies")
        named = {"body": "x", "contact_id": contact}
        refused(gina, "invalid_reference", "POST", f"/companies/{company}/activities", named, ["contact_id"])
        refused(gina, "not_found", "PATCH", f"/activities/{activity['id']}", {"body": "x"})
        assert logged(gina, f"/companies/{company}", source_id="secret")["id"] != activity["id"]
    assert alice.json_of("GET", f"/contacts/{contact}")["activities"] == 1


def test_lists_are_searched_and_filtered_by_who_logged(town: House, alice: Person) -> None:
    contact = made(alice, "contacts")
    one = logged(alice, f"/contacts/{contact}", body="Talked about the lighthouse", kind="call")
    two = logged(alice, f"/contacts/{contact}", body="Sent a letter", outcome="Lighthouse ordered")
    found = alice.json_of("GET", "/activities?search=LIGHTHOUSE")
    assert [activity["id"] for activity in found["items"]] == [two["id"], one["id"]]
    assert found["total"] == 2
    assert [a["id"] for a in alice.json_of("GET", "/activities?search=lighthouse&kind=call")["items"]] == [one["id"]]
    place = f"/contacts/{contact}/activities"
    assert [a["id"] for a in alice.json_of("GET", f"{place}?search=letter")["items"]] == [two["id"]]
    assert [a["id"] for a in alice.json_of("GET", "/search?q=ligthhouse")["activities"]] == [two["id"], one["id"]]
    assert alice.json_of("GET", "/search?q=lighthouse&types=activity")["activities"]
    alice.json_of("PATCH", f"/activities/{one['id']}", {"body": "Talked about the harbour"})
    assert [a["id"] for a in alice.json_of("GET", "/activities?search=lighthouse")["items"]] == [two["id"]]
    mine = alice.json_of("GET", f"{place}?by=me")
    assert mine["items"] == alice.json_of("GET", f"{place}?by=amends@example.com")["items"]
    assert len(mine["items"]) == 2
    assert alice.json_of("GET", f"{place}?by={ALICE}")["items"] == []
    refused(alice, "invalid_value", "GET", "/activities?by=amends", None, {"by": "an address"})
