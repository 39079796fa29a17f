"""All that a workspace holds comes to another one through the API of the service that it speaks as."""

from typing import Any

import pytest

from tests.house import Person
from tests.operate.moving.service import listed, moved
from tests.teams.office import Team

ATTRIBUTES: dict[str, Any] = {
    "industry": "Software",
    "employees": 500,
    "margin": 0.125,
    "is_open": True,
    "is_closed": False,
    "products": ["CRM", "ERP"],
    "links": {"linkedin": "https://linkedin.example/jane", "more": {"deep": [1, None]}},
    "Größe (m²)": "N/A",
    "zip": "00123",
}
TYPES = {str: "text", int: "number", float: "number", bool: "bool", list: "list", dict: "object"}
WRITTEN = ("last_interaction_at", "last_contacted_at")  # which move with each POST that reaches a contact


def filled(person: Person, leads: int) -> None:
    """Write leads as a client of Klozeo does: the first has all there is."""
    sent = [{"name": name, "type": TYPES[type(value)], "value": value} for name, value in ATTRIBUTES.items()]
    first = {
        **{"name": "Jane Doe", "source": "website", "email": "jane@acme.example", "phone": "+49 30 1234567"},
        **{"description": "Likes tea.\nTwo lines, «quoted»", "address": "1 Main St", "city": "Berlin", "state": "BE"},
        **{"country": "DE", "postal_code": "01067", "latitude": 52.5, "longitude": 13.4, "rating": 4.5},
        **{"website": "https://acme.example", "review_count": 12, "category": "Bakery", "status": "qualified"},
        **{"tags": ["vip", "north"], "source_id": "airtable-1", "logo_url": "https://acme.example/l.png"},
        "attributes": sent,
    }
    others = [{"name": f"Lead {number}", "source": "batch"} for number in range(1, leads)]
    others[0]["source_id"] = "42"
    found = person.json_of("POST", "/api/v1/leads/batch", {"leads": [first, *others]})
    assert found["failed"] == 0, found
    for created in found["created"][:2]:
        for number in range(2):
            path = f"/api/v1/leads/{created['id']}/notes"
            assert person.json_of("POST", path, {"content": f"note {number}\n- of {created['id']}"})["id"]
    path = f"/api/v1/leads/{found['created'][-1]['id']}/notes"
    assert person.json_of("POST", path, {"content": "on the last, which has no email"})["id"]


def contacts(person: Person) -> list[dict[str, Any]]:
    found = listed(person, "/contacts?sort=name&limit=200")
    return [{name: value for name, value in each.items() if name not in WRITTEN} for each in found]


@pytest.mark.slow
def test_leads_with_attributes_of_every_type_notes_and_statuses_come_whole_and_once(us: Team) -> None:
    alice, charlie = us.alice, us.charlie
    filled(alice, 130)  # more than a page
    done = moved(charlie, "klozeo", str(alice.base_url), "--yes", CRMKIT_FROM_KEY=alice.token)
    assert (done.returncode, "imported 130 contacts, 5 notes" in done.stdout) == (0, True), done
    assert "not imported" not in done.stdout
    found = {each["name"]: each for each in contacts(charlie)}
    assert len(found) == 130
    left = {each["name"]: each for each in contacts(alice)}
    own = ("id", "handle", "created_at", "updated_at", "version", "custom", "source_id", "stage", "created_by")
    for name, lead in found.items():
        before = left[name]
        assert {k: v for k, v in lead.items() if k not in own} == {k: v for k, v in before.items() if k not in own}
        assert lead["stage"] == (before.get("stage") or "new")
        assert lead["source_id"] == (before.get("source_id") or lead["source_id"])
        assert lead["custom"]["klozeo_created_at"] == before["created_at"]
    jane = found["Jane Doe"]["custom"]
    assert jane == {
        **ATTRIBUTES,
        **{"review_count": 12, "category": "Bakery", "logo_url": "https://acme.example/l.png"},
        "klozeo_created_at": left["Jane Doe"]["created_at"],
    }
    assert found["Lead 2"]["source_id"].startswith("klozeo:cl_")

    def notes(person: Person) -> set[tuple[str, str, str]]:
        names = {each["id"]: each["name"] for each in contacts(person)}
        activities = listed(person, "/activities?limit=50")
        return {(names[each["contact_id"]], each["body"], each["occurred_at"]) for each in activities}

    assert notes(charlie) == notes(alice)
    assert len(notes(charlie)) == 5

    before = contacts(charlie), listed(charlie, "/activities?limit=50")
    again = moved(charlie, "klozeo", f"{alice.base_url}/api/v1/", "--yes", CRMKIT_FROM_KEY=alice.token)
    told = again.stdout.splitlines()
    assert (again.returncode, "imported 0 contacts, 0 notes" in told) == (0, True), again
    assert "there already, merged where they differ: 130 contacts, 5 notes" in told
    assert len({line for line in told if line.startswith("column/")}) == again.stdout.count("\ncolumn/")
    assert (contacts(charlie), listed(charlie, "/activities?limit=50")) == before


@pytest.mark.slow
def test_leads_of_konektor_come_whole_and_once(us: Team) -> None:
    alice, charlie = us.alice, us.charlie
    member = alice.json_of("POST", "/contacts", {"name": "Assigned", "owner": alice.email})
    lead = {
        **{"firstName": "Budi", "lastName": "Santoso", "email": "budi@example.com", "phone": "+6281234567890"},
        **{"status": "negotiation", "priority": "high", "source": "ads", "adPlatform": "meta", "notes": "Called."},
        **{"uniqueCode": "KNK-001", "externalRef": "ext-1", "estimatedValue": 5000000, "actualValue": 12.5},
    }
    assert alice.json_of("POST", "/api/v2/agent/leads", lead)["success"]
    for number in range(120):
        assert alice.json_of("POST", "/api/v2/agent/leads", {"firstName": f"Lead {number}"})["success"]
    done = moved(charlie, "konektor", str(alice.base_url), "--yes", CRMKIT_FROM_KEY=alice.token)
    assert (done.returncode, "imported 122 contacts, 0 notes" in done.stdout) == (0, True), done
    found = {each["name"]: each for each in contacts(charlie)}
    left = {each["name"]: each for each in contacts(alice)}
    assert len(found) == 122
    own = ("id", "handle", "created_at", "updated_at", "version", "custom", "created_by", "currency", "stage")
    budi, before = found["Budi Santoso"], left["Budi Santoso"]
    assert {k: v for k, v in budi.items() if k not in own} == {k: v for k, v in before.items() if k not in own}
    assert (budi["estimated_cents"], budi["actual_cents"]) == (500_000_000, 1_250)
    assert (budi["stage"], found["Lead 3"]["stage"], found["Lead 3"]["priority"]) == ("negotiation", "new", "medium")
    assert found["Lead 3"]["source_id"] == f"konektor:{left['Lead 3']['id']}"
    assigned = alice.json_of("GET", f"/api/v2/agent/leads/{member['id']}")["data"]["assignedTo"]
    assert found["Assigned"]["custom"]["konektor_assigned_to"] == assigned
    again = moved(charlie, "konektor", str(alice.base_url), "--yes", CRMKIT_FROM_KEY=alice.token)
    assert again.returncode == 0
    assert {each["name"]: each for each in contacts(charlie)} == found
