"""What holds for every route of the face: its errors, tokens and scopes, workspaces, limits, keys and dry runs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.errors import CATALOGUE, Problem
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.answering import told
from crmkit.faces.klozeo.attribute import id_of
from crmkit.faces.klozeo.face import face
from crmkit.faces.klozeo.words import ERRORS
from crmkit.model.access import Access
from crmkit.render.answers import Failure
from crmkit.web.route import Route
from tests.house import House, Person
from tests.kinds import REGISTRY
from tests.teams.office import Team, enter, holding, new, office

P = "/api/v1"
ROUTES = face(REGISTRY).routes
WRITES = [route for route in ROUTES if route.writes]
LEAD = {"name": "Mine", "source": "tests"}
BODIES: dict[str, Any] = {
    "klozeo_create_lead": LEAD,
    "klozeo_change_lead": {"city": "Berlin"},
    "klozeo_create_note": {"content": "Mine"},
    "klozeo_change_note": {"content": "Changed"},
    "klozeo_create_attribute": {"name": "size", "type": "number", "value": 5},
    "klozeo_change_attribute": {"value": "Med"},
    "klozeo_create_rule": {"name": "Rating", "expression": "rating * 10"},
    "klozeo_change_rule": {"weight": 2},
    "klozeo_create_leads": {"leads": [LEAD, {"name": "Without a source"}]},
}


class Ids:
    """A lead of one's own, with a note and an attribute; and a rule."""

    def __init__(self, person: Person) -> None:
        contact = new(person, "/contacts", name="Jane Secret", custom={"cuisine": "Italian"})
        self.lead = ids.of(contact, ids.LEAD)
        self.note = ids.of(new(person, f"/contacts/{contact}/activities", body="Secret"), ids.NOTE)
        self.attribute = id_of(contact, "cuisine")
        self.rule = ids.of(new(person, "/scoring-rules", name="Secret", expression="1"))


def request_of(route: Route, own: Ids) -> tuple[str, str, Any]:
    body = BODIES.get(route.name)
    if route.name in ("klozeo_change_leads", "klozeo_delete_leads"):
        body = {"ids": [own.lead], **({"data": {"city": "Berlin"}} if "change" in route.name else {})}
    path = route.paths[0].replace("{attribute}", own.attribute) + ("?format=csv" if route.streams else "")
    id = own.note if "/notes/" in path else own.rule if "/scoring-rules/" in path else own.lead
    return route.listed_methods[-1], path.replace("{id}", id), body


def sent(person: Person, route: Route, own: Ids, **headers: str) -> httpx.Response:
    method, path, body = request_of(route, own)
    return person.send_it(method, path, body, headers={"Accept": "text/html, text/plain", **headers})


def error_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/json"
    shown = answer.json()
    assert shown.keys() == {"error", "code", "message"}
    assert shown["error"] == shown["code"]
    assert shown["message"]
    return answer.status_code, shown["code"]


by_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
LOGGED = [route for route in WRITES if "score_lead" not in route.name]  # a score is in no log
by_write = pytest.mark.parametrize("route", LOGGED, ids=lambda route: route.name)


@by_route
def test_a_request_without_a_token_or_with_a_wrong_one_is_unauthorized(us: Team, route: Route) -> None:
    own = Ids(us.alice)
    with Person(us.home.url) as nobody:
        assert error_of(sent(nobody, route, own)) == (401, "unauthorized")
        assert error_of(sent(nobody, route, own, **{"X-API-Key": "sk_live_0123456789abcdef"})) == (401, "unauthorized")
        assert sent(nobody, route, own, **{"X-API-Key": us.alice.token}).status_code < 300


@by_route
def test_a_route_needs_its_scopes_and_no_more(us: Team, route: Route) -> None:
    own = Ids(us.alice)
    others = [
        f"{area}.{verb}" for area in ("contacts", "activities", "scoring") for verb in ("read", "write", "delete")
    ]
    lacking = Access(" ".join(each for each in others if each not in route.needs))
    answer = sent(holding(us.home, us.alice, us.id, lacking), route, own)
    assert error_of(answer) == (403, "forbidden")
    assert any(each in answer.json()["message"] for each in route.needs)
    assert sent(holding(us.home, us.alice, us.id, Access(" ".join(route.needs))), route, own).status_code < 300


@pytest.mark.parametrize("route", [each for each in ROUTES if "{id}" in each.paths[0]], ids=lambda route: route.name)
def test_what_is_of_another_workspace_is_as_if_it_never_was(us: Team, route: Route) -> None:
    theirs = Ids(us.alice)
    answer = sent(us.charlie, route, theirs)
    assert error_of(answer) == (404, "not_found")
    assert "secret" not in answer.text.lower()
    own = Ids(us.charlie)
    own.lead = own.note = own.rule = "cl_63726d6b-6974-8000-8000-7fffffffffff"
    assert error_of(sent(us.charlie, route, own)) == (404, "not_found")


def test_batches_and_lists_reach_no_other_workspace(us: Team) -> None:
    theirs = Ids(us.alice)
    assert us.charlie.get(f"{P}/leads?filter=and.contains.name.Secret").json()["leads"] == []
    for method, body in (("PUT", {"ids": [theirs.lead], "data": {"city": "X"}}), ("DELETE", {"ids": [theirs.lead]})):
        answer = us.charlie.request(method, f"{P}/leads/batch", json=body)
        assert (answer.status_code, answer.json()["failed"]) == (207, 1)
        assert "Secret" not in answer.text
    assert us.alice.get(f"{P}/leads/{theirs.lead}").json()["city"] is None


@by_write
def test_a_dry_run_writes_nothing_and_a_key_writes_once_and_it_is_undone(us: Team, route: Route) -> None:
    method, path, body = request_of(route, Ids(us.alice))
    entries = us.alice.json_of("GET", "/audit?limit=1")["items"]
    dry = us.alice.send_it(method, f"{path}?dry_run=1", body)
    assert dry.json()["dry_run"] is True, dry.text
    assert us.alice.json_of("GET", "/audit?limit=1")["items"] == entries
    key = {"Idempotency-Key": f"{route.name} {us.id}"}
    first, second = (us.alice.send_it(method, path, body, headers=key) for _ in range(2))
    assert first.status_code == (dry.status_code if route.status != 204 else 204)
    assert (second.content, second.headers["Idempotent-Replayed"]) == (first.content, "true")
    (entry,) = us.alice.json_of("GET", "/audit?limit=1")["items"]
    assert entry != entries[0]
    assert us.alice.post(f"/undo/{first.headers['X-Operation']}").status_code == 200


def test_what_a_token_may_only_propose_waits_for_approval(us: Team) -> None:
    proposing = holding(us.home, us.alice, us.id, Access("propose"))
    answer = proposing.post(f"{P}/leads", json=LEAD)
    assert answer.status_code == 202
    assert us.alice.get(f"{P}/leads").json()["count"] == 0
    assert us.bob.post(f"/proposals/{answer.json()['id']}/approve", json={}).status_code in (200, 201)
    assert us.alice.get(f"{P}/leads").json()["count"] == 1
    assert error_of(proposing.request("DELETE", f"{P}/leads/batch", json={"ids": ["x"]})) == (403, "forbidden")


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "text/html"])
def test_what_is_not_there_is_told_in_their_shape_whatever_accept_says(us: Team, accept: str) -> None:
    for method, path, wanted in (
        ("GET", "/nothing", (404, "not_found")),
        ("DELETE", "/leads", (405, "not_found")),
        ("GET", "/leads?format=text", (400, "bad_request")),
        ("GET", "/leads?page=1", (400, "bad_request")),
    ):
        assert error_of(us.alice.request(method, f"{P}{path}", headers={"Accept": accept})) == wanted
    assert us.alice.get(f"{P}//leads?").status_code == 200
    wrong = us.alice.get(f"{P.replace('/api/', '/api//')}/leads?limit=x", headers={"Accept": accept})
    assert error_of(wrong) == (400, "bad_request")  # a face is found as its routes are


def test_every_error_of_ours_is_one_of_theirs() -> None:
    known = {*ERRORS.by_status.values(), "leads_limit_reached", "internal_error"}
    for code, (statuses, _) in CATALOGUE.items():
        for status in statuses:
            shown = told(Failure(Problem(code, "Do this.", status=status, fields={"region": "is wrong"}), "id"))
            assert shown.data()["error"] == shown.data()["code"]
            assert shown.data()["code"] in known
            assert shown.data()["message"] == "state is wrong. Do this."
            assert shown.status == (400 if code in ERRORS.own and status == 409 else status)
    assert ERRORS.own.keys() <= CATALOGUE.keys()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[House]:
    """A server whose plan lets two requests in ten minutes into a workspace, and one contact."""
    file = tmp_path / "crmkit.toml"
    file.write_text('[plans]\ndefault = "free"\n[plans.free]\nrequests_per_10_minutes = 4\ncontacts = 1\n')
    with office(tmp_path / "data", {"CRMKIT_SERVER_FACES": "klozeo"}, file=file) as running:
        yield running


def test_limits_of_plans_hold_and_are_told(small: House) -> None:
    person = enter(small, "limited@example.com")
    first = person.post(f"{P}/leads", json={**LEAD, "email": "a@example.com"})
    assert first.status_code == 201
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("4", "3")
    assert {"X-RateLimit-Reset", "Retry-After"}.isdisjoint(first.headers)
    assert error_of(person.post(f"{P}/leads", json=LEAD)) == (403, "leads_limit_reached")
    assert person.post(f"{P}/leads", json={**LEAD, "email": "A@example.com"}).json()["duplicate"] is True
    assert person.post(f"{P}/leads/batch", json={"leads": [LEAD]}).json()["failed"] == 1
    over = person.get(f"{P}/leads")
    assert error_of(over) == (429, "rate_limit_exceeded")
    assert 1 <= int(over.headers["Retry-After"]) <= 600
