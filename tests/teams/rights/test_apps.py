"""A connected app stays in the workspace that its user chose, and asks a code for what gives access or takes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crmkit import ids
from crmkit.mcp import endpoint as mcp
from crmkit.web.route import CODE, FREE
from tests.house import House, Person, settings_of
from tests.kinds import REGISTRY
from tests.teams.office import (
    JSON,
    Books,
    address,
    asked,
    enter,
    error_of,
    new,
    office,
    person_of,
    stepped,
    working_in,
)
from tests.teams.rights.matrix import (
    Place,
    Stand,
    World,
    filled,
    furnish,
    guarded,
    named,
    path_places,
)
from tests.teams.rights.requests import aimed, others, requests
from tests.web.connecting import App, rpc

ROUTES = [*guarded(), *mcp.routes(settings_of())]
WRITES = ("POST", "PATCH", "PUT", "DELETE")


def by_tool(person: Person, method: str, path: str, body: Any = None) -> str:
    """Return the text of an answer that an app gets over MCP."""
    arguments = {"method": method, "path": path, **({} if body is None else {"body": body})}
    answer = person.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments}))
    text: str = answer.json()["result"]["content"][0]["text"]
    return text


@dataclass
class Street:
    """Erin owns two workspaces; her app was let into one of them, `here`, and the other is `there`.

    An invite waits that leads her to a third.
    """

    home: House
    app: Person
    here: Stand
    there: Stand
    invited: str
    world: World


@pytest.fixture(scope="module")
def street(home: House) -> Iterator[Street]:
    erin = enter(home, address("erin"))
    here = erin.json_of("GET", "/whoami")["workspace"]
    there = new(erin, "/workspaces", name="There")
    victim = furnish(home, working_in(erin, there), there, "zebracanary", "there")
    stand = furnish(home, erin, here, "here", "here")
    for each in (stand, victim):  # so that she may leave
        role = f"/workspaces/{each.workspace}/members/{each.ids['u']}/role"
        assert stepped(home, erin, "POST", role, {"role": "admin"}).status_code == 200
    dave = enter(home, address("dave"))
    invited = dave.json_of("GET", "/whoami")["workspace"]
    new(dave, f"/workspaces/{invited}/invites", email=erin.email)
    app = person_of(home.url, App(home).token(erin.email, here), erin.email)
    stand.person = app
    with Books(home.folder) as books:
        yield Street(home, app, stand, victim, invited, World(home, books, victim, stand, stand))


def test_every_write_other_than_of_records_asks_an_app_for_a_code_but_what_is_set_up_in_its_workspace() -> None:
    writes = {f"{route.methods[0]} {route.paths[0]}": route for route in ROUTES if route.verb != "read"}
    free = {name for name, route in writes.items() if route.consent == FREE and not route.kind}
    assert free == {
        *("PATCH /workspaces/{id}", "PUT /pipelines/contacts", "PUT /pipelines/deals"),
        "POST /undo/{operation_id}",  # of records, and of what is set up
        "POST /duplicates/dismiss",  # of two records
        *("POST /import", "PATCH /imports/{id}", "POST /imports/{id}/start", "DELETE /imports/{id}"),  # of records
        *("POST /links", "DELETE /links/{id}"),  # to what it reads, for an hour at most
        *(
            "POST /webhooks/{id}/test",
            "POST /webhooks/{id}/deliveries/{delivery_id}/redeliver",
        ),  # to an address that is set
        *(f"POST {kind.path}/{{id}}/score" for kind in REGISTRY.scored),  # what each write of them does
        "POST /scoring-rules/run",
        *("POST /proposals/{id}/approve", "POST /proposals/{id}/reject"),  # of records
    }
    for name, route in writes.items():
        may_ask = route.consent == CODE or "erase" in route.query  # which asks everybody for one
        assert ("code" in route.query) is may_ask, name


@pytest.mark.parametrize("place", list(path_places(guarded())), ids=named)
def test_what_is_in_another_workspace_of_its_user_does_not_exist_for_an_app(street: Street, place: Place) -> None:
    for accept in ("text/plain", "application/json"):
        unknown = street.world.tried(street.here, place, ids.mint(place.prefix), accept)
        for foreign in (street.there.ids, street.there.gone):
            assert street.world.tried(street.here, place, foreign[place.prefix], accept) == unknown
    if place.method == "HEAD":
        return
    before, letters = street.world.digest(), len(street.home.letterbox.letters)
    path = aimed(place.path, street.here.ids)
    told = {
        by_tool(street.app, place.method, path.replace("{}", id), filled(place.body, street.here.ids)).replace(id, "ID")
        for id in (ids.mint(place.prefix), street.there.ids[place.prefix], street.there.gone[place.prefix])
    }
    assert len(told) == 1, told
    assert told.pop().startswith("ERROR not_")
    assert (street.world.digest(), len(street.home.letterbox.letters)) == (before, letters)


@pytest.mark.parametrize(
    ("method", "path", "body", "rule"),
    [(*request, route.consent) for route in guarded() for request in requests(route)],
    ids=str,
)
def test_in_its_own_workspace_an_app_writes_records_freely_and_needs_a_code_for_the_rest(
    street: Street, method: str, path: str, body: Any, rule: str
) -> None:
    made = {**street.here.ids, "a": new(street.app, f"/contacts/{street.here.ids['c']}/activities", body="spare")}
    if path.endswith("/join"):
        made["ws"] = street.invited
    made |= others(street.app, body)
    path = aimed(path, made) + ("?q=jane" if path == "/search" else "")
    body = filled(body, made)
    if rule == FREE:
        if method == "DELETE" and path.startswith("/campaigns/"):
            street.app.post(f"/campaigns/{made['ca']}/members", json={"id": path.rpartition("/")[2]})
        answer = street.app.send_it(method, path, body, headers=JSON)
        closed = (409, "proposal_closed")  # by the request before
        refused = [(409, "confirmation_required"), (409, "already_exists"), closed]  # not for want of a code
        assert answer.status_code in (200, 201, 202) or error_of(answer) in refused, answer.text
        return
    before, letters = standing(street), street.home.letterbox.letters
    assert asked(street.home, street.app, method, path, body)
    count = len(letters)
    assert by_tool(street.app, method, path, body).startswith("ERROR escalation_required\n")
    assert [letter.to for letter in letters[count:]] == [street.app.email]
    assert standing(street) == before


def standing(street: Street) -> dict[str, list[Any]]:
    """Return who may do what, and what the workspaces are called."""
    with Books(street.home.folder) as books:
        tables = ("workspaces", "users", "memberships", "invites", "audit")
        tokens = [{**row, "last_used_at": ""} for row in books.rows("tokens")]
        return {"tokens": tokens, **{table: list(books.rows(table)) for table in tables}}


def test_the_lists_of_an_app_show_only_its_own_workspace(street: Street) -> None:
    (place,) = street.app.json_of("GET", "/workspaces")["items"]
    assert (place["id"], place["current"]) == (street.here.workspace, True)
    listed = street.app.json_of("GET", "/tokens")["items"]
    assert {token["workspace_id"] for token in listed} == {street.here.workspace}
    assert [token["name"] for token in listed if token["current"]] == ["Claude"]
    assert "workspace_id=" + street.there.workspace not in by_tool(street.app, "GET", "/tokens")


def test_an_app_needs_a_code_to_give_access_and_loses_its_own_with_its_token(home: House) -> None:
    alice = enter(home, address("alice"))
    a, b = alice.json_of("GET", "/whoami")["workspace"], new(alice, "/workspaces", name="B")
    bob = address("bob")
    new(alice, f"/workspaces/{b}/invites", email=bob)
    bobs = working_in(enter(home, bob), b).json_of("GET", "/whoami")["user"]
    app = person_of(home.url, App(home).token(alice.email, a), alice.email)
    evil, letters = {"email": address("evil")}, len(home.letterbox.letters)
    for method, path, body in (
        ("POST", f"/workspaces/{b}/invites", evil),
        ("POST", f"/workspaces/{b}/tokens", {}),
        ("GET", f"/workspaces/{b}/members", None),
        ("PATCH", f"/workspaces/{b}", {"name": "Mine"}),
        ("DELETE", f"/workspaces/{b}/members/{bobs}", None),
    ):
        assert error_of(app.send_it(method, path, body)) == (403, "not_a_member")
    there = working_in(alice, b)
    for token in alice.json_of("GET", "/tokens")["items"]:
        if token["workspace_id"] == b:
            assert error_of(app.delete(f"/tokens/{token['id']}")) == (404, "not_found")
    assert len(home.letterbox.letters) == letters
    session = next(token["id"] for token in alice.json_of("GET", "/tokens")["items"] if token["current"])
    for method, path, body in (
        ("POST", f"/workspaces/{a}/invites", evil),
        ("POST", f"/workspaces/{a}/tokens", {}),
        ("POST", "/workspaces", {"name": "C"}),
        ("DELETE", f"/tokens/{session}", None),
    ):
        assert asked(home, app, method, path, body)
        assert error_of(app.send_it(method, f"{path}?code=000000x", body)) == (403, "invalid_code")
    assert app.patch(f"/workspaces/{a}", json={"name": "Renamed"}).status_code == 200
    assert {there.get("/whoami").status_code, alice.get("/whoami").status_code} == {200}
    connected = next(token["id"] for token in alice.json_of("GET", "/tokens")["items"] if token["name"] == "Claude")
    assert alice.delete(f"/tokens/{connected}").status_code == 200
    assert error_of(app.get("/contacts")) == (401, "invalid_token")
    with Books(home.folder) as books:
        assert not [row for row in books.rows("invites") if row["email"] == evil["email"]]


def test_with_the_code_an_app_does_what_its_user_may(home: House) -> None:
    alice, guest = enter(home, address("alice")), address("guest")
    a = alice.json_of("GET", "/whoami")["workspace"]
    app = person_of(home.url, App(home).token(alice.email, a), alice.email)
    invite = stepped(home, app, "POST", f"/workspaces/{a}/invites", {"email": guest})
    assert invite.status_code == 201
    assert stepped(home, app, "DELETE", f"/workspaces/{a}/invites/{invite.json()['id']}").status_code == 200
    opened = asked(home, app, "POST", "/workspaces", {"name": "New"})
    answer = app.post(f"/workspaces?code={opened}", json={"name": "New"})
    assert answer.status_code == 201
    assert "an app works in one workspace" in answer.text
    session = next(token["id"] for token in app.json_of("GET", "/tokens")["items"] if not token["current"])
    code = asked(home, app, "DELETE", f"/tokens/{session}")
    assert by_tool(app, "DELETE", f"/tokens/{session}?code={code}") == f"OK revoked token/{session}\n"
    assert error_of(alice.get("/whoami")) == (401, "invalid_token")


def test_a_token_that_an_app_makes_works_only_in_the_workspace_of_the_app(home: House) -> None:
    alice = enter(home, address("alice"))
    a, b = alice.json_of("GET", "/whoami")["workspace"], new(alice, "/workspaces", name="B")
    app = person_of(home.url, App(home).token(alice.email, a), alice.email)
    made = stepped(home, app, "POST", f"/workspaces/{a}/tokens", {"token_name": "further"})
    assert made.status_code == 201
    further = person_of(home.url, made.json()["token"], alice.email)
    assert further.get("/contacts").status_code == 200
    assert error_of(further.get(f"/workspaces/{b}/members")) == (403, "not_a_member")
    assert asked(home, further, "POST", f"/workspaces/{a}/invites", {"email": address("evil")})


def test_wrong_codes_of_an_app_do_not_use_up_the_tries_of_its_user(tmp_path: Path) -> None:
    with office(tmp_path / "data", {"CRMKIT_LIMITS_SIGNIN_PER_HOUR": "5"}) as home:
        alice = enter(home, address("alice"))
        app = person_of(home.url, App(home).token(alice.email), alice.email)
        code = asked(home, alice, "DELETE", "/me")
        for _ in range(2):
            assert asked(home, app, "DELETE", "/me")
            for _ in range(5):
                assert error_of(app.delete("/me?code=000000x")) == (403, "invalid_code")
        assert error_of(app.delete("/me")) == (429, "rate_limited")
        assert alice.delete(f"/me?code={code}").status_code == 200  # her own code, mailed before all that


def test_an_app_ends_its_own_token_without_a_code(home: House) -> None:
    alice = enter(home, address("alice"))
    app = person_of(home.url, App(home).token(alice.email), alice.email)
    (mine,) = (token["id"] for token in app.json_of("GET", "/tokens")["items"] if token["current"])
    assert app.delete(f"/tokens/token%2F{mine}").status_code == 200
    assert error_of(app.get("/whoami")) == (401, "invalid_token")
    assert alice.get("/whoami").status_code == 200


def test_an_app_that_ends_the_account_of_its_user_is_told_of_no_other_workspace(home: House) -> None:
    alice = enter(home, address("alice"))
    here = alice.json_of("GET", "/whoami")["workspace"]
    others = [new(alice, "/workspaces", name=name) for name in ("B", "C")]
    app = person_of(home.url, App(home).token(alice.email, here), alice.email)
    answer = app.delete("/me", headers=JSON)
    assert error_of(answer) == (403, "escalation_required")
    assert f"with all data of {here}, 2 other workspaces that this app does not see." in answer.json()["hint"]
    letter = home.letterbox.letters[-1].body
    assert all(id in letter and id not in answer.text for id in others)
    assert stepped(home, app, "DELETE", "/me").json()["workspaces"] == [here]


def test_an_app_is_not_told_in_which_other_workspace_its_user_is_the_only_admin(home: House) -> None:
    alice, bob = enter(home, address("alice")), enter(home, address("bob"))
    here = alice.json_of("GET", "/whoami")["workspace"]
    shared = new(alice, "/workspaces", name="Shared")
    inside = working_in(alice, shared)
    new(inside, f"/workspaces/{shared}/invites", email=bob.email)
    assert bob.post(f"/workspaces/{shared}/join").status_code == 200
    answer = person_of(home.url, App(home).token(alice.email, here), alice.email).delete("/me")
    assert error_of(answer) == (409, "last_admin")
    assert shared not in answer.text


def test_an_app_changes_the_time_zone_of_its_user_only_with_the_mailed_code(home: House) -> None:
    alice = enter(home, address("alice"))
    app = person_of(home.url, App(home).token(alice.email), alice.email)
    zone = {"timezone": "Asia/Tokyo"}
    assert error_of(app.patch("/me", json=zone)) == (403, "escalation_required")
    assert alice.json_of("GET", "/whoami")["timezone"] == "UTC"
    code = asked(home, app, "PATCH", "/me", zone)
    assert error_of(app.patch(f"/me?code={code}", json={"timezone": "Asia/Seoul"})) == (403, "invalid_code")
    assert app.patch(f"/me?code={code}", json=zone).status_code == 200
    assert alice.json_of("GET", "/whoami")["timezone"] == "Asia/Tokyo"
    assert alice.patch("/me", json={"timezone": None}).status_code == 200
