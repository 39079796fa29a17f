"""What a token of few scopes is shown by every route of every face."""

import json

import pytest

from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo import lead as klozeo
from crmkit.faces.konektor import lead as konektor
from crmkit.web.route import Route
from tests.faces.requests import GUARDED, belongings, request_of
from tests.house import Person
from tests.teams.office import JSON, Team, new
from tests.teams.rights.scopes.narrow import narrowed

WORD = "zebracanary"
MARKS = {area: f"zebra{area}" for area in ("contacts", "activities", "scoring")}
KLOZEO, KONEKTOR = "/api/v1/leads", "/api/v2/agent/leads"
FORMS = (klozeo.LEAD, konektor.LEAD)
TELLS = ("klozeo_create_webhook",)  # which needs the reading of what it tells
WRITTEN = {"id", "created_at", "message", "duplicate"}


def marked(person: Person) -> dict[str, str]:
    """Return the ids of what one has; each bears the word that MARKS has of its area."""
    own = belongings(person)
    contact, note, rule = MARKS.values()
    bodies = {
        f"/contacts/{own['c']}": dict.fromkeys(("notes", "source", "last_name", "city"), contact),
        f"/activities/{own['a']}": {"outcome": note, "body": note},
        f"/scoring-rules/{own['sr']}": {"name": rule, "expression": f'name == "{rule}"'},
    }
    for path, body in bodies.items():
        assert person.patch(path, json=body).is_success
    return own


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)
def test_an_answer_has_nothing_that_the_scopes_of_its_route_do_not_read(us: Team, route: Route) -> None:
    method, path, body = request_of(route, marked(us.alice))
    if route.form in FORMS:
        body |= {"email": "secret@example.com"}  # by which a POST finds the lead
    answer = narrowed(us.home, us.alice, " ".join(route.needs)).send_it(method, path, body)
    assert answer.is_success or route.name in TELLS, answer.text
    for area, word in MARKS.items():
        assert f"{area}.read" in route.needs or word not in answer.text


@pytest.mark.parametrize("path", [KLOZEO, KONEKTOR, f"{KONEKTOR}/upsert"])
def test_a_lead_that_is_merged_by_a_token_that_only_writes_is_answered_by_its_id(us: Team, path: str) -> None:
    id = new(us.alice, "/contacts", name=WORD, email="jane@acme.example", code="K-1", notes=WORD, job_title=WORD)
    body = {KLOZEO: {"name": "Jane", "source": "web", "email": "jane@acme.example"}}.get(
        path, {"firstName": "Jane", "email": "jane@acme.example", "uniqueCode": "K-1"}
    )
    clerk, reader = (narrowed(us.home, us.alice, words) for words in ("contacts.write", "contacts.write contacts.read"))
    answer = clerk.post(path, json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json().get("data", answer.json())
    assert told["id"] in (id, ids.of(id, ids.LEAD))
    assert told.keys() <= (WRITTEN if path == KLOZEO else {"id"})
    assert WORD not in answer.text
    assert WORD in reader.post(path, json=body).text


def test_a_change_of_a_lead_shows_a_key_of_konektor_its_id_and_needs_the_reading_in_klozeo(us: Team) -> None:
    id = new(us.alice, "/contacts", name=WORD, notes=WORD)
    clerk = narrowed(us.home, us.alice, "contacts.write")
    changed = clerk.patch(f"{KONEKTOR}/{id}", json={"status": "won"})
    assert (changed.status_code, changed.json()) == (200, {"success": True, "data": {"id": id}})
    refused = clerk.patch(f"{KLOZEO}/{ids.of(id, ids.LEAD)}", json={"city": "Berlin"}, headers=JSON)
    assert refused.status_code == 403
    assert "contacts.read" in json.dumps(refused.json())
