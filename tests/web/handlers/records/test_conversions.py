"""Conversions: what they hold, that they go with their contact, and the one that a contact opens by itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.core.crowd import Call, at_once
from tests.house import ALICE, House, Person
from tests.kinds import CONTACT
from tests.teams.office import erased
from tests.web.refused import refused

OPENS = pytest.mark.skipif("ad_platform" not in CONTACT.by_name, reason="contacts have no ad_platform yet")


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


def contact(person: Person, **body: Any) -> str:
    record = person.json_of("POST", "/contacts", {"name": "Jane Doe", **body})
    assert "id" in record, record
    return str(record["id"])


def conversions(person: Person, contact_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.json_of("GET", f"/conversions?contact_id={contact_id}")["items"]
    return found


def test_a_conversion_has_an_event_a_time_a_status_and_a_currency_unless_they_are_sent(alice: Person) -> None:
    jane = contact(alice)
    made = alice.json_of("POST", "/conversions", {"contact_id": jane, "platform": "Google"})
    expected = {
        **{"contact_id": jane, "contact_name": "Jane Doe", "platform": "google", "event": "purchase"},
        **{"value_cents": None, "currency": "USD", "occurred_at": made["created_at"], "status": "pending"},
        **{"synced_at": None, "failure": None, "version": 1},
    }
    assert {name: made[name] for name in expected} == expected
    told = {"event": "signup", "currency": "eur", "occurred_at": "2026-01-01", "status": "failed", "value_cents": -5}
    other = alice.json_of("POST", "/conversions", {"contact_id": jane, "platform": "meta", **told})
    assert {name: other[name] for name in told} == {
        **told,
        "currency": "EUR",
        "occurred_at": "2026-01-01T00:00:00Z",
    }
    cleared = alice.json_of("PATCH", f"/conversions/{other['id']}", dict.fromkeys(told))
    assert [cleared[name] for name in ("event", "currency", "status")] == ["purchase", "USD", "pending"]


def test_a_conversion_needs_a_live_contact_and_a_platform(alice: Person) -> None:
    jane = contact(alice)
    refused(alice, "missing_field", "POST", "/conversions", {}, ["contact_id", "platform"])
    refused(alice, "missing_field", "POST", "/conversions", {"contact_id": None, "platform": "meta"}, ["contact_id"])
    refused(alice, "invalid_value", "POST", "/conversions", {"contact_id": jane, "platform": "tv"}, ["platform"])
    erased(alice, f"/contacts/{jane}")
    body = {"contact_id": jane, "platform": "meta"}
    refused(alice, "invalid_reference", "POST", "/conversions", body, ["contact_id"])


def test_whoever_uploads_pulls_what_is_due_and_writes_the_outcome(alice: Person) -> None:
    jane = contact(alice)
    ids = [
        alice.json_of("POST", "/conversions", {"contact_id": jane, "platform": "meta", "status": status})["id"]
        for status in ("pending", "failed", "synced", "partial")
    ]
    due = [
        one["id"] for one in alice.json_of("GET", f"/conversions?status=in:pending,failed&contact_id={jane}")["items"]
    ]
    assert sorted(due) == sorted(ids[:2])
    outcome = {"status": "synced", "synced_at": "2026-06-10T08:00:00Z", "failure": None}
    done = alice.json_of("PATCH", f"/conversions/{ids[0]}", outcome)
    assert {name: done[name] for name in outcome} == outcome
    failed = alice.json_of("PATCH", f"/conversions/{ids[1]}", {"status": "partial", "failure": "no such pixel"})
    assert (failed["status"], failed["failure"]) == ("partial", "no such pixel")


def test_a_conversion_is_not_searched_but_filtered_and_sorted(alice: Person) -> None:
    refused(alice, "invalid_filter", "GET", "/conversions?search=jane", None, {"search": "no text to search"})
    refused(alice, "invalid_value", "GET", "/search?q=jane&types=conversions", None, {"types": "cannot be searched"})
    assert "items" in alice.json_of("GET", "/conversions?sort=-value_cents,event&event=like:purch")


def test_conversions_go_with_their_contact(alice: Person) -> None:
    jane = contact(alice)
    made = alice.json_of("POST", "/conversions", {"contact_id": jane, "platform": "meta"})["id"]
    assert "conversions" in alice.json_of("DELETE", f"/contacts/{jane}")["hint"].partition(" go with it")[0]
    erased(alice, f"/contacts/{jane}")
    refused(alice, "not_found", "GET", f"/conversions/{made}", does="was deleted at")
    log = alice.json_of("GET", f"/audit?target={made}")["items"]
    assert [entry["action"] for entry in log] == ["conversion.delete", "conversion.create"]
    assert alice.json_of("GET", "/whoami")["usage"]["conversions"]["used"] == len(
        alice.json_of("GET", "/conversions?limit=200")["items"]
    )


def test_a_conversion_shows_the_name_that_its_contact_has(alice: Person) -> None:
    jane = contact(alice)
    made = alice.json_of("POST", "/conversions", {"contact_id": jane, "platform": "meta"})["id"]
    alice.patch(f"/contacts/{jane}", json={"name": "Jane Roe"})
    shown = alice.json_of("GET", f"/conversions/{made}")
    assert (shown["contact_name"], shown["version"]) == ("Jane Roe", 1)


@OPENS
def test_a_won_contact_of_a_platform_opens_one_conversion(alice: Person) -> None:
    worth = {"ad_platform": "meta", "estimated_cents": 500, "actual_cents": 700, "currency": "EUR"}
    jane = contact(alice, stage="lead", **worth)
    assert conversions(alice, jane) == []
    alice.patch(f"/contacts/{jane}", json={"stage": "Won"})
    (opened,) = conversions(alice, jane)
    expected = {
        **{"platform": "meta", "event": "purchase", "status": "pending", "contact_name": "Jane Doe"},
        **{"value_cents": 700, "currency": "EUR", "version": 1},
    }
    assert {name: opened[name] for name in expected} == expected
    record = alice.json_of("GET", f"/contacts/{jane}")
    assert record["converted_at"] == record["updated_at"] == opened["occurred_at"]
    assert record["version"] == 2
    assert [entry["action"] for entry in alice.json_of("GET", "/audit?limit=2")["items"]] == [
        "conversion.create",
        "contact.update",
    ]


@OPENS
@pytest.mark.parametrize("stage", ["won", "WON"])
def test_one_opens_on_create_too(alice: Person, stage: str) -> None:
    (opened,) = conversions(alice, contact(alice, stage=stage, ad_platform="google", estimated_cents=0))
    assert (opened["value_cents"], opened["currency"], opened["platform"]) == (0, "USD", "google")


@OPENS
def test_one_opens_on_an_upsert(alice: Person) -> None:
    jane = contact(alice, email="upsert@convert.com", ad_platform="meta")
    alice.post("/contacts", json={"email": "upsert@convert.com", "stage": "won"})
    alice.post("/contacts", json={"email": "upsert@convert.com", "stage": "won"})
    assert len(conversions(alice, jane)) == 1
    other = contact(alice, email="both@convert.com", stage="lead")
    alice.post("/contacts", json={"email": "both@convert.com", "stage": "won", "ad_platform": "tiktok"})
    assert [one["platform"] for one in conversions(alice, other)] == ["tiktok"]


@OPENS
def test_none_opens_for_a_platform_that_comes_later_or_a_stage_that_is_not_won(alice: Person) -> None:
    jane = contact(alice, stage="won")
    for body in ({"ad_platform": "meta"}, {"stage": "WON"}, {"stage": "lost"}, {"stage": None}):
        alice.patch(f"/contacts/{jane}", json=body)
        assert conversions(alice, jane) == []
    alice.patch(f"/contacts/{jane}", json={"stage": "won"})
    assert len(conversions(alice, jane)) == 1
    gone = contact(alice, stage="lead", ad_platform="meta")
    alice.patch(f"/contacts/{gone}", json={"stage": "won", "ad_platform": None})
    assert conversions(alice, gone) == []


@OPENS
def test_none_opens_again_when_the_contact_moves_on_or_the_first_is_deleted(alice: Person) -> None:
    jane = contact(alice, stage="won", ad_platform="meta")
    for stage in ("lead", "won", None, "won"):
        alice.patch(f"/contacts/{jane}", json={"stage": stage})
    (opened,) = conversions(alice, jane)
    erased(alice, f"/conversions/{opened['id']}")
    for stage in ("lead", "won"):
        alice.patch(f"/contacts/{jane}", json={"stage": stage})
    assert conversions(alice, jane) == []
    refused(alice, "unknown_field", "PATCH", f"/contacts/{jane}", {"converted_at": None}, ["converted_at"])


@OPENS
def test_writes_that_race_open_one(town: House, alice: Person) -> None:
    jane = contact(alice, email="race@convert.com", stage="lead", ad_platform="meta")
    calls = [Call("PATCH", f"/contacts/{jane}", {"stage": stage}) for stage in ["won", "lead"] * 8]
    calls += [Call("POST", "/contacts", {"email": "race@convert.com", "stage": "won"}) for _ in range(8)]
    assert {answer.status_code for answer in at_once(town.url, calls, alice.token)} == {200}
    assert len(conversions(alice, jane)) == 1
