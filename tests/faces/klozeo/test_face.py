"""What holds for every route of the face: its errors, tokens, limits. What it shares: tests/teams/rights."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from crmkit.errors import CATALOGUE, Problem
from crmkit.faces.klozeo import ids
from crmkit.faces.klozeo.answering import told
from crmkit.faces.klozeo.words import ERRORS
from crmkit.model.access import Access
from crmkit.render.answers import Failure
from crmkit.web.route import Route
from tests.faces.requests import ALL, belongings, request_of
from tests.house import House, Person
from tests.teams.office import Team, enter, holding, new, office

P = "/api/v1"
ROUTES = next(face for face in ALL if face.name == "klozeo").routes
LEAD = {"name": "Mine", "source": "tests"}


def sent(person: Person, route: Route, own: Mapping[str, str], **headers: str) -> httpx.Response:
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


@by_route
def test_a_request_without_a_token_or_with_a_wrong_one_is_unauthorized(us: Team, route: Route) -> None:
    own = belongings(us.alice)
    with Person(us.home.url) as nobody:
        assert error_of(sent(nobody, route, own)) == (401, "unauthorized")
        assert error_of(sent(nobody, route, own, **{"X-API-Key": "sk_live_0123456789abcdef"})) == (401, "unauthorized")
        assert sent(nobody, route, own, **{"X-API-Key": us.alice.token}).status_code < 300


def test_batches_and_lists_reach_no_other_workspace(us: Team) -> None:
    theirs = ids.of(new(us.alice, "/contacts", name="Jane Secret"), ids.LEAD)
    assert us.charlie.get(f"{P}/leads?filter=and.contains.name.Secret").json()["leads"] == []
    for method, body in (("PUT", {"ids": [theirs], "data": {"city": "X"}}), ("DELETE", {"ids": [theirs]})):
        answer = us.charlie.request(method, f"{P}/leads/batch", json=body)
        assert (answer.status_code, answer.json()["failed"]) == (207, 1)
        assert "Secret" not in answer.text
    assert us.alice.get(f"{P}/leads/{theirs}").json()["city"] is None


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
