"""What a face refuses is told in its own words: no path, no id, no word that only this server's own clients have."""

import json
import re
from collections.abc import Iterator

import httpx
import pytest

from crmkit.errors import CATALOGUE, Problem
from crmkit.faces.klozeo import ids
from crmkit.model.access import Access
from crmkit.render.answers import Failure
from crmkit.web.route import Route
from crmkit.web.routing.face import Face
from tests.faces.requests import ALL, GUARDED, belongings, face_of, meant, request_of
from tests.house import Person
from tests.kinds import REGISTRY
from tests.teams.office import Team, erased, holding, new

KINDS = [name for kind in REGISTRY.all for name in (kind.name, kind.plural)]
THEIRS = {  # kinds by whose names the clients of a face call them
    "klozeo": {"rule", "rules", "webhook", "webhooks"},
    "konektor": {"ticket", "tickets", "conversion", "conversions", "campaign", "campaigns"},
}
# an id of the path stays out too: what stands in a path is never repeated
OURS = re.compile(rf"/help|/auth|/audit|/contact|\bcode is mailed|\b(?:{'|'.join(REGISTRY.prefixes)})_[a-z0-9]*\b")
NAMED = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) (/\S*)")
WRONG_IDS = ("nothing", "CRM-1024", "c_x", "cl_abc", "tok_k7m2q9xa", "jane@example.com", "code:X", "source:X", "a%2Fb")

by_route = pytest.mark.parametrize("route", GUARDED, ids=lambda route: route.name)


def own_words(face: Face, answer: httpx.Response) -> None:
    """Assert that an answer is a refusal, and has nothing of ours."""
    assert answer.status_code >= 400 or answer.status_code == 207, answer.text
    text = json.dumps(answer.json(), ensure_ascii=False)
    assert not OURS.search(text), text
    assert all(path.startswith(f"{face.prefix}/") for path in NAMED.findall(text)), text
    # the name of a field or a scope is none: `activities.read`
    words = set(re.findall(r"[a-z_]+(?!\.\w|[a-z_])", text.lower()))
    assert not words & {*KINDS} - THEIRS[face.name] - {"field", "fields"}, text


@by_route
def test_who_has_no_key_or_a_wrong_one_or_too_narrow_a_one_is_told_in_their_words(us: Team, route: Route) -> None:
    face, own = face_of(route), belongings(us.alice)
    method, path, body = request_of(route, own)
    with Person(us.home.url) as nobody, Person(us.home.url, "ck_wrong") as wrong:
        own_words(face, answer := nobody.send_it(method, path, body))
        assert {"klozeo": "X-API-Key", "konektor": "Bearer"}[face.name] in answer.text
        own_words(face, wrong.send_it(method, path, body))
    narrow = holding(us.home, us.alice, us.id, Access("tasks.read"))
    own_words(face, narrow.send_it(method, path, body))
    us.home.clock.move(days=400)
    own_words(face, us.alice.send_it(method, path, body))


def refused(us: Team, route: Route) -> Iterator[httpx.Response]:
    """Yield the answers to requests of somebody who may do all, each with something wrong in it."""
    own, person = belongings(us.alice), us.alice
    gone = belongings(us.charlie)
    method, path, body = request_of(route, own)
    yield person.send_it(method, f"{path}{'&' if '?' in path else '?'}contact_id=1", body)
    yield person.request("TRACE", path)
    if body is not None:
        yield person.send_it(method, path, {name: {"a": []} for name in body})
        yield person.request(method, path, content=b"[1")
    if not [*meant(route)]:
        return
    yield person.send_it(*request_of(route, gone))
    for id in WRONG_IDS:
        yield person.send_it(method, re.sub(r"{\w+}", id, route.paths[0]), body)
    if method in ("PUT", "PATCH"):
        yield person.send_it(method, path, body, headers={"If-Match": "77"})
    removed = {"c": new(person, "/contacts", name="Gone"), "sr": new(person, "/rules", name="Gone", expression="1")}
    removed["a"] = new(person, f"/contacts/{own['c']}/activities", body="Gone")
    removed["wh"] = own["wh"]
    erased(person, f"/contacts/{removed['c']}")
    for word, prefix in (("activities", "a"), ("rules", "sr"), ("webhooks", "wh")):
        assert person.delete(f"/{word}/{removed[prefix]}").status_code == 200
    yield person.send_it(*request_of(route, removed))


@by_route
def test_what_is_wrong_with_a_request_is_told_in_their_words(us: Team, route: Route) -> None:
    found = 0
    for answer in refused(us, route):
        if answer.status_code != 204:  # a wrong value of an attribute is right
            own_words(face_of(route), answer)
            found += 1
    assert found


@pytest.mark.parametrize("face", ALL, ids=lambda face: face.name)
def test_a_path_that_leads_nowhere_is_told_in_their_words(us: Team, face: Face) -> None:
    for person in (us.alice, us.home.visitor()):
        for path in ("", "/nothing", "/contacts", "/contacts/c_k7m2q9xa", "/note/x", "/me", "/activities", "/lead"):
            for method in ("GET", "POST", "DELETE"):
                own_words(face, person.request(method, f"{face.prefix}{path}"))


@pytest.mark.parametrize("face", ALL, ids=lambda face: face.name)
@pytest.mark.parametrize("code", CATALOGUE)
def test_a_sentence_that_names_what_is_ours_is_not_shown(face: Face, code: str) -> None:
    says = {"email": "belongs to contact/c_k7m2q9xa", "stage": "is a contact's (did you mean region?)"}
    for hint in ("GET /contacts?search= finds a contact.", "This contact is contact/c_k7m2q9xa.", "See GET /help."):
        assert face.format.told is not None
        problem = Problem(code, hint, fields=says, facts={"scope": "tasks.read", "version": 7})
        text = json.dumps(face.format.told(Failure(problem, "id")).data())
        assert not re.search(r"contact|/help|search=|{|  ", re.sub(r'^{|"error": {|"details": {', "", text)), text
        assert ids.theirs("c_k7m2q9xa") in text or "c_k7m2q9xa" in text or "Invalid email" in text or "Required" in text


def test_a_value_that_another_lead_has_is_told_with_the_id_of_that_lead(us: Team) -> None:
    taken = new(us.alice, "/contacts", name="Jane", email="taken@example.com")
    other = new(us.alice, "/contacts", name="John")
    theirs = ids.of(taken, ids.LEAD)
    answer = us.alice.put(f"/api/v1/leads/{ids.of(other, ids.LEAD)}", json={"email": "taken@example.com"})
    assert f"email belongs to {theirs}." in answer.json()["message"]
    answer = us.alice.patch(f"/api/v2/agent/leads/{other}", json={"email": "taken@example.com"})
    assert answer.json()["error"]["details"] == {"email": f"belongs to {taken}"}


def test_a_name_in_an_expression_or_a_filter_is_told_in_their_words(us: Team) -> None:
    answer = us.alice.post("/api/v1/scoring-rules", json={"name": "X", "expression": "regon + 1"})
    assert "is no field of a lead (did you mean state?)" in answer.json()["message"]
    for text in ("and.gt.created_at.zz", "and.gt.rating.x", "and.within_radius.location.x", "and.gt.tags.x"):
        message = us.alice.get("/api/v1/leads", params={"filter": text}).json()["message"]
        assert not re.search(r"OPERATOR|within:|eq, ne", message)
    for operator in ("contains", "not_contains", "starts_with"):
        message = us.alice.get("/api/v1/leads", params={"filter": f"and.{operator}.rating.x"}).json()["message"]
        assert message.startswith(f"rating has no operator {operator}. ")


def test_a_field_that_is_missing_is_told_by_their_name_alone(us: Team) -> None:
    answer = us.alice.post("/api/v2/agent/leads/upsert", json={"phone": "+4930999999"})
    assert answer.json()["error"]["details"] == {"firstName": "Required"}
    assert "first_name" not in answer.text
