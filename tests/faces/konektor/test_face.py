"""What holds for every route of the face: its envelope, tokens, limits. What it shares: tests/teams/rights."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from crmkit.errors import CATALOGUE, Problem
from crmkit.faces.konektor.answering import told
from crmkit.faces.konektor.words import CODES, ERRORS, SCOPES
from crmkit.faces.registry import FACES
from crmkit.model.access import Access
from crmkit.render.answers import Answer, Failure
from crmkit.settings import FACES as NAMED
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read
from tests.faces.requests import ALL, request_of
from tests.house import UNLIMITED, House, Person, house
from tests.kinds import REGISTRY
from tests.teams.office import Team, enter, holding, new, office

P = "/api/v2/agent"
GUARDED = [route for face in ALL if face.name == "konektor" for route in face.routes if not route.public]


def sent(person: Person, route: Route, id: str, **headers: str) -> httpx.Response:
    method, path, body = request_of(route, {"c": id})
    return person.send_it(method, path, body, headers={"Accept": "text/html, text/plain", **headers})


def error_of(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/json"
    assert uuid.UUID(answer.headers["X-Request-Id"]).version == 4
    shown = answer.json()
    assert shown.keys() == {"success", "error"}
    assert shown["error"].keys() == {"code", "message", "details"}
    return answer.status_code, shown["error"]["code"]


by_route = pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)


@by_route
def test_a_request_without_a_token_or_with_a_wrong_one_is_unauthorized(us: Team, route: Route) -> None:
    for token in ("", "ck_wrong"):
        with Person(us.home.url, token) as nobody:
            assert error_of(sent(nobody, route, "c_x")) == (401, "UNAUTHORIZED")


def test_lists_and_figures_tell_nothing_of_another_workspace(us: Team) -> None:
    new(
        us.alice,
        "/contacts",
        name="Secret",
        email="secret@example.com",
        phone="+4930123456",
        code="S-1",
        source_id="s1",
    )
    for query in ("", "?search=secret", "?search=S-1"):
        assert us.charlie.get(f"{P}/leads{query}").json()["data"] == []
    assert us.charlie.get(f"{P}/analytics/summary").json()["data"]["totalLeads"] == 0
    made = us.charlie.post(f"{P}/leads/upsert", json={"firstName": "Own", "phone": "+4930123456", "uniqueCode": "S-1"})
    assert made.status_code == 201


@pytest.mark.parametrize("scope", SCOPES)
def test_a_refusal_names_the_scope_as_they_call_it(us: Team, scope: str) -> None:
    route = next(route for route in GUARDED if route.needs == SCOPES[scope])
    narrow = holding(us.home, us.alice, us.id, Access("tasks.read"))
    assert scope in sent(narrow, route, new(us.alice, "/contacts", name="Mine")).json()["error"]["message"]


def test_what_a_token_may_only_propose_waits_for_approval(us: Team) -> None:
    proposing = holding(us.home, us.alice, us.id, Access("propose"))
    answer = proposing.post(f"{P}/leads", json={"firstName": "Proposed", "status": "hot"})
    assert (answer.status_code, answer.json()["success"]) == (202, True)
    id = answer.json()["data"]["id"]
    assert us.alice.get(f"{P}/leads").json()["data"] == []
    approved = us.bob.post(f"/proposals/{id}/approve", json={})
    assert approved.status_code in (200, 201)
    assert '"firstName":"Proposed"' in approved.text
    (lead,) = us.alice.get(f"{P}/leads").json()["data"]
    assert (lead["firstName"], lead["status"]) == ("Proposed", "hot")


@pytest.mark.parametrize("accept", ["*/*", "text/plain", "text/html", ""])
def test_what_is_not_there_is_told_in_the_envelope_whatever_accept_says(us: Team, accept: str) -> None:
    for method, path, wanted in (
        ("GET", "/nothing", (404, "NOT_FOUND")),
        ("GET", "/leads/a/b", (404, "NOT_FOUND")),
        ("DELETE", "/leads", (405, "NOT_FOUND")),
        ("POST", "/workspace", (405, "NOT_FOUND")),
        ("GET", "/leads?format=text", (400, "VALIDATION_ERROR")),
    ):
        assert error_of(us.alice.request(method, f"{P}{path}", headers={"Accept": accept})) == wanted
    long = us.alice.get(f"{P}/leads", headers={"Accept": accept, "X-Long": "y" * 200_000})
    assert error_of(long) == (431, "VALIDATION_ERROR")
    assert us.alice.get(f"{P}//leads/").status_code == 200
    wrong = us.alice.get(f"{P.replace('/api/', '/api//')}/leads?limit=x", headers={"Accept": accept})
    assert error_of(wrong) == (400, "VALIDATION_ERROR")  # a face is found as its routes are


def test_every_error_of_ours_is_one_of_theirs() -> None:
    for code, (statuses, _) in CATALOGUE.items():
        for status in statuses:
            shown = told(Failure(Problem(code, "Do this.", status=status), "id"))
            theirs = shown.data()["error"]
            assert (theirs["message"], theirs["details"]) == ("Do this.", None)
            assert shown.status in (status, CODES[theirs["code"]][0])
    assert ERRORS.own.keys() <= CATALOGUE.keys()


def test_a_fault_of_ours_is_an_internal_error_in_the_envelope(tmp_path: Path) -> None:
    @read(f"{P}/broken", public=True)
    async def broken(call: HttpCall) -> Answer:
        raise RuntimeError("secret")

    with house(tmp_path / "data", {**UNLIMITED, "CRMKIT_SERVER_FACES": "konektor"}, more=[broken]) as home:
        assert error_of(answer := home.visitor().get(f"{P}/broken")) == (500, "INTERNAL_ERROR")
        assert "secret" not in answer.text


@pytest.fixture
def small(tmp_path: Path) -> Iterator[House]:
    """A server whose plan lets two requests a minute into a workspace."""
    file = tmp_path / "crmkit.toml"
    file.write_text('[plans]\ndefault = "starter"\n[plans.starter]\nrequests_per_minute = 2\n')
    with office(tmp_path / "data", {"CRMKIT_SERVER_FACES": "konektor"}, file=file) as running:
        yield running


def test_the_limit_of_a_plan_is_told_as_a_unix_time_and_holds_for_all_keys(small: House) -> None:
    person = enter(small, "limited@example.com")
    now = int(small.clock().timestamp())
    for left in (1, 0):
        answer = person.get(f"{P}/leads")
        assert (answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]) == ("2", str(left))
        assert now < int(answer.headers["X-RateLimit-Reset"]) <= now + 61
    over = person.get(f"{P}/workspace")
    assert error_of(over) == (429, "RATE_LIMITED")
    assert 1 <= int(over.headers["Retry-After"]) <= 60
    assert over.headers["X-RateLimit-Remaining"] == "0"
    assert int(over.headers["X-RateLimit-Reset"]) == now + int(over.headers["Retry-After"])


def test_nothing_of_a_face_is_there_unless_it_is_named(tmp_path: Path, us: Team) -> None:
    with house(tmp_path / "data", UNLIMITED) as plain:
        visitor = plain.visitor()
        for path in ("/leads", "/SKILL.md"):
            assert visitor.get(f"{P}{path}").text.startswith("ERROR unknown_path\n")
        assert "Konektor" not in visitor.get("/leads").text
        document, manual = visitor.get("/openapi.json").text, visitor.get("/llms-full.txt").text
    named = us.home.visitor()
    assert named.get("/openapi.json").text.replace(us.home.url, plain.url) == document
    assert P not in named.get("/llms-full.txt").text
    assert len(manual) > 1000


def test_who_lacks_the_prefix_is_told_the_base_url(us: Team) -> None:
    hint = f"Clients of Konektor take the base URL {us.home.url}{P}."
    for path in ("/leads", "/leads/lead_abc123", "/leads/upsert", "/support/tickets"):
        answer = us.home.visitor().post(path)
        assert answer.status_code == 404
        assert hint in answer.text
    assert hint not in us.home.visitor().get("/contcts").text


def test_the_settings_name_the_faces_that_there_are() -> None:
    assert tuple(FACES) == NAMED
    for name, made in FACES.items():
        found = made(REGISTRY)
        assert found.name == name
        for route in found.routes:
            assert not route.summary
            assert not route.tool
            assert all(path.startswith(f"{found.prefix}/") for path in route.paths)


def test_the_access_log_has_patterns_in_place_of_what_is_no_id(us: Team) -> None:
    us.alice.get(f"{P}/leads/jane@acme.com")
    assert f"path={P}/leads/{{id}}  status=404" in us.home.logged()
    assert "jane@acme.com" not in us.home.logged()
