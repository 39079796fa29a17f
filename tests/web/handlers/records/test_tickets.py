"""Tickets: what they hold, when they are closed, and activities on them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import ALICE, House, Person


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


def made(person: Person, **body: Any) -> dict[str, Any]:
    ticket: dict[str, Any] = person.json_of("POST", "/tickets", {"subject": "The lamp is dark", **body})
    assert "id" in ticket, ticket
    return ticket


def changed(person: Person, ticket: dict[str, Any], **body: Any) -> dict[str, Any]:
    found: dict[str, Any] = person.json_of("PATCH", f"/tickets/{ticket['id']}", body)
    return found


def test_a_ticket_is_open_and_of_normal_priority_unless_it_is_said(alice: Person) -> None:
    ticket = made(alice)
    assert (ticket["status"], ticket["priority"], ticket["closed_at"]) == ("open", "normal", None)
    assert ticket["id"].startswith("ti_")
    assert alice.text("GET", f"/tickets/{ticket['id']}").startswith(
        f'ticket/{ticket["id"]}  subject="The lamp is dark"'
    )
    assert alice.text("POST", "/tickets", {"body": "x"}).startswith("ERROR missing_field")
    assert "status" in alice.json_of("POST", "/tickets", {"subject": "x", "status": "closed"})["fields"]
    assert "closed_at" in alice.json_of("POST", "/tickets", {"subject": "x", "closed_at": "2026-01-01"})["fields"]


def test_a_ticket_is_closed_while_its_status_is_solved(alice: Person) -> None:
    ticket = made(alice)
    assert changed(alice, ticket, status="pending")["closed_at"] is None
    solved = changed(alice, ticket, status="solved")
    assert solved["closed_at"] == solved["updated_at"]
    assert changed(alice, ticket, status="solved", priority="high")["closed_at"] == solved["closed_at"]
    assert changed(alice, ticket, status=None)["closed_at"] is None
    assert made(alice, status="solved")["closed_at"] is not None


def test_a_post_merges_by_source_id(alice: Person) -> None:
    ticket = made(alice, source_id="mail-1")
    again = alice.send_it(
        "POST", "/tickets", {"source_id": "mail-1", "status": "solved"}, headers={"Accept": "application/json"}
    )
    assert (again.status_code, again.json()["id"]) == (200, ticket["id"])
    assert again.json()["closed_at"] is not None
    other = made(alice)
    assert changed(alice, other, source_id="mail-1")["error"] == "already_exists"


def test_search_finds_a_ticket_by_subject_body_and_names(alice: Person) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "Zenobia Quill"})
    ticket = made(alice, subject="Kelasonite lamp", body="it flickerates", contact_id=contact["id"])
    for word in ("kelasonite", "flickerates", "zenobia"):
        assert [one["id"] for one in alice.json_of("GET", f"/tickets?search={word}")["items"]] == [ticket["id"]]
        assert [one["id"] for one in alice.json_of("GET", f"/search?q={word}")["tickets"]] == [ticket["id"]]


def test_an_activity_on_a_ticket_is_on_its_contact_and_company_too(alice: Person) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    company = alice.json_of("POST", "/companies", {"name": "Acme"})["id"]
    ticket = made(alice, contact_id=contact, company_id=company)
    activity = alice.json_of("POST", f"/tickets/{ticket['id']}/activities", {"body": "called"})
    assert (activity["ticket_id"], activity["contact_id"], activity["company_id"]) == (ticket["id"], contact, company)
    for path in (f"/contacts/{contact}", f"/companies/{company}", f"/tickets/{ticket['id']}"):
        assert alice.json_of("GET", path)["activities"] == 1
    assert [one["id"] for one in alice.json_of("GET", f"/activities?ticket={ticket['id']}")["items"]] == [
        activity["id"]
    ]


def test_a_deleted_contact_leaves_its_tickets(alice: Person) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    ticket = made(alice, contact_id=contact)
    asked = alice.json_of("DELETE", f"/contacts/{contact}")
    assert "tickets stay, unlinked" in asked["hint"]
    assert alice.delete(f"/contacts/{contact}?confirm={asked['confirm']}").status_code == 200
    left = alice.json_of("GET", f"/tickets/{ticket['id']}")
    assert (left["contact_id"], left["contact_name"], left["version"]) == (None, None, 2)
