"""What a token is told of what it may not do: what is missing, in words, and what to do next."""

from typing import Any

import pytest

from tests.house import House, Person
from tests.kinds import REGISTRY
from tests.teams.office import JSON, Team, error_of, new
from tests.teams.rights.scopes.narrow import narrowed
from tests.web.connecting import rpc


def told(person: Person, method: str, path: str, body: Any = None) -> tuple[str, str, str]:
    """Return (code, the scope that is missing, hint) of a refusal."""
    answer = person.send_it(method, path, body, headers=JSON).json()
    return answer["error"], answer.get("scope", ""), answer["hint"]


def own(person: Person) -> str:
    """Return the path of the newest token."""
    return f"/tokens/{person.json_of('GET', '/tokens')['items'][0]['id']}"


def test_a_narrow_token_is_told_that_it_is_only_narrowed(home: House, us: Team) -> None:
    narrowed(home, us.alice, "contacts.read")
    path = own(us.alice)
    assert told(us.alice, "PATCH", path, {"access": "full"}) == (
        "scope_required",
        "*",
        "The token has the scopes contacts.read, not * (full access). A token is only narrowed; for more, make a "
        "new one: POST /workspaces/{id}/tokens.",
    )
    for body in ({"expires_at": "never"}, {"access": None}):
        code, _, hint = told(us.alice, "PATCH", path, body)
        assert (code, hint.partition(";")[0]) == ("invalid_value", "A token is only narrowed")


def test_a_token_that_gives_more_than_it_has_is_told_what_it_lacks_in_words(home: House, us: Team) -> None:
    maker = narrowed(home, us.alice, "team.write *.read")
    assert told(maker, "POST", f"{us.path}/tokens", {"access": "propose"}) == (
        "scope_required",
        "propose",
        "The token has the scopes team.write, *.read, not access propose. No token gives more than it has: "
        "narrow that, or leave it out.",
    )


def test_an_end_in_the_past_is_told_by_its_own_hint(us: Team) -> None:
    code, _, hint = told(us.alice, "POST", f"{us.path}/tokens", {"expires_at": "-1d"})
    assert (code, hint) == ("invalid_value", "Send an end that lies ahead, like +30d, or leave it out.")


def test_the_areas_of_scopes_are_told_as_the_manual_tells_them(us: Team) -> None:
    _, _, hint = told(us.alice, "POST", f"{us.path}/tokens", {"scopes": ["cows.read"]})
    areas = hint.partition("Areas are ")[2].rstrip(".").split(", ")
    assert areas == [*REGISTRY.areas, "*"]
    manual = us.alice.text("GET", "/help?topic=teams").partition("a plural, ")[2].partition(" or *,")[0].split(", ")
    plurals = [kind.plural for kind in (*REGISTRY.records, REGISTRY.activity)]
    assert [*plurals, *manual, "*"] == areas


def test_only_full_access_opens_workspaces(home: House, us: Team) -> None:
    for words in ("workspace.write", "*.write", "write", "propose", "read"):
        person = narrowed(home, us.alice, words)
        code, scope, hint = told(person, "POST", "/workspaces", {"name": "Second"})
        assert (code, scope) == ("scope_required", "*")
        assert "This needs * (full access); the token has " in hint
    assert new(narrowed(home, us.alice, "*"), "/workspaces", name="Second").startswith("ws_")


def test_a_narrow_token_is_told_that_it_works_in_one_workspace(home: House, us: Team) -> None:
    second = new(us.alice, "/workspaces", name="Second")
    person = narrowed(home, us.alice, "team.read team.write workspace.read workspace.write")
    hints = set()
    for id in (second, "ws_aaaaaaaa", us.charlie.json_of("GET", "/whoami")["workspace"]):
        requests = [("POST", "/tokens", {}), ("GET", "/members", None), ("PATCH", "", {"name": "x"})]
        for method, rest, body in requests:
            code, _, hint = told(person, method, f"/workspaces/{id}{rest}", body)
            hints.add(hint if code == "not_a_member" else code)
    (hint,) = hints - {"not_found"}
    more = "for another workspace the user makes one with a token that has full access"
    assert hint == f"This token works in {us.id} alone; {more}."
    assert told(us.bob, "GET", f"/workspaces/{second}/members")[2].startswith("You do not belong to that workspace.")


def test_who_joins_with_a_narrow_token_is_told_that_another_works_there(home: House, us: Team) -> None:
    us.alice.post(f"{us.path}/invites", json={"email": us.charlie.email})
    person = narrowed(home, us.charlie, "team.write")
    answer = person.post(f"{us.path}/join")
    assert "# note: this token works in one workspace; one with full access makes a token for this one" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/links", {"path": "/contacts"}),
        ("POST", "/views", {"name": "mine", "path": "/deals"}),
        ("POST", "/undo/op_aaaaaaaa", None),
        ("POST", "/duplicates/dismiss", {"a": "c_aaaaaaaa", "b": "c_aaaaaaab"}),
    ],
)
def test_a_token_that_proposes_is_told_of_an_access_that_is_enough(
    home: House, us: Team, method: str, path: str, body: Any
) -> None:
    person = narrowed(home, us.alice, "propose")
    code, scope, hint = told(person, method, path, body)
    assert (code, scope) == ("scope_required", "write")
    assert hint.startswith("A token that proposes reads, and proposes what writes records and activities, no more.")
    assert "Ask the user for a token with access write (" in hint
    arguments = {"method": method, "path": path, **({} if body is None else {"body": body})}
    answer = person.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments}))
    assert "This needs access write; the token has access propose." in answer.text
    enough = narrowed(home, us.alice, "write").send_it(method, path, body, headers=JSON)
    assert error_of(enough)[1] != "scope_required"


def test_a_view_of_one_list_needs_the_write_of_its_records_alone(home: House, us: Team) -> None:
    person = narrowed(home, us.alice, "deals.read")
    body = {"name": "mine", "path": "/deals"}
    assert told(person, "POST", "/views", body)[1] == "deals.write"
    assert told(person, "POST", "/views", body | {"path": "/nowhere"})[1] == "write"
    assert new(narrowed(home, us.alice, "deals.read deals.write"), "/views", **body)
