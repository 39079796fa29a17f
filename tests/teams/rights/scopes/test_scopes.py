"""Every route with every access there is: allowed is exactly what the route says it needs, over HTTP and over MCP."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from crmkit import ids
from crmkit.core.people.tokens.given import TOKEN
from crmkit.model.access import FULL, PROPOSE, VERBS, WORDS, WRITE, Access
from crmkit.web.route import Route
from tests.house import House, Person
from tests.kinds import REGISTRY
from tests.teams.office import JSON, Books, address, blotted, enter, error_of, office, person_of
from tests.teams.rights.matrix import Stand, filled, forms, furnish, guarded
from tests.teams.rights.requests import aimed, requests
from tests.web.connecting import rpc

SINGLE = [f"{area}.{verb}" for area in ("*", *REGISTRY.areas) for verb in VERBS]
DECLARED = [route for route in guarded() if route.needs]


@dataclass
class Ring:
    """Alice's workspace with one of everything, and a token of hers for each access."""

    home: House
    books: Books
    stand: Stand
    keys: dict[str, Person]
    _seen: tuple[int, str] = (0, "")

    def digest(self) -> str:
        """Return the hash of all rows of all tables."""
        version = self.books.version()
        if version != self._seen[0]:
            self._seen = version, self.books.digest({})
        return self._seen[1]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ring]:
    with office(tmp_path_factory.mktemp("scopes") / "data", {"CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0"}) as home:
        alice = enter(home, address("alice"))
        workspace = alice.json_of("GET", "/whoami")["workspace"]
        stand = furnish(home, alice, workspace, "ring", "ring")
        keys = {words: key(alice, workspace, words) for words in (*WORDS, *SINGLE)}
        home.rested()
        with Books(home.folder) as books:
            books.settled(alice)
            yield Ring(home, books, stand, keys)


def key(person: Person, workspace: str, words: str) -> Person:
    body = {"access": words} if words in WORDS else {"scopes": [words]}
    made = person.post(f"/workspaces/{workspace}/tokens", json=body, headers=JSON)
    return person_of(str(person.base_url), made.json()["token"], person.email)


def sent(route: Route, stand: Stand) -> Iterator[tuple[str, str, str, Any]]:
    """Yield (method, path, the path with ids that nothing has, body) of one request to each path and method."""
    unknown = {prefix: ids.mint(prefix) for prefix in stand.ids}
    seen = set()
    for method, path, body in requests(route):
        if (method, path) not in seen:
            seen.add((method, path))
            own = {} if forms(route) is TOKEN else filled(body, stand.ids)
            yield method, aimed(path, stand.ids), aimed(path, unknown), own


def wants(access: Access, route: Route) -> str | None:
    """Return the scope that the refusal names, None where the route is open, or what it does may be proposed."""
    if access.proposes and route.may_be_proposed:
        return None
    return next((scope for scope in route.needs if not access.allows(scope)), None)


@pytest.mark.slow
@pytest.mark.parametrize("route", DECLARED, ids=lambda route: f"{route.methods[0]} {route.paths[0]}")
def test_a_route_is_open_to_exactly_those_tokens_that_have_the_scopes_it_needs(ring: Ring, route: Route) -> None:
    before, letters = ring.digest(), len(ring.home.letterbox.letters)
    alice = ring.stand.person
    for method, path, unknown, body in sent(route, ring.stand):
        tried = f"{path}{'&' if '?' in path else '?'}dry_run=1" if route.writes else path
        done = alice.send_it(method, tried, body, headers=JSON)
        for words, person in ring.keys.items():
            missing = wants(Access(words), route)
            if method == "HEAD":  # is answered as a GET is, without the body
                got = person.get(path, headers=JSON).status_code
                assert person.head(path).status_code == got == (403 if missing else got)
            elif missing is None:
                answer = person.send_it(method, tried, body, headers=JSON)
                if error_of(answer)[1] == "scope_required":  # for what else the body asks for
                    assert answer.json()["scope"] not in route.needs, answer.text
                else:
                    assert answer.status_code == done.status_code, answer.text
            else:
                answer = person.send_it(method, path, body, headers=JSON)
                assert error_of(answer) == (403, "scope_required"), (words, answer.text)
                assert answer.json()["scope"] == missing
                if words in WORDS and unknown != path:
                    assert blotted(person.send_it(method, unknown, body, headers=JSON)) == blotted(answer)
    assert ring.digest() == before
    assert len(ring.home.letterbox.letters) == letters


@pytest.mark.slow
@pytest.mark.parametrize("route", DECLARED, ids=lambda route: f"{route.methods[0]} {route.paths[0]}")
def test_a_tool_reaches_exactly_what_its_token_opens(ring: Ring, route: Route) -> None:
    before = ring.digest()
    for method, path, unknown, body in sent(route, ring.stand):
        if method == "HEAD":
            continue
        for words in ("read", WRITE, PROPOSE, "contacts.read", "*.delete", *route.needs):
            missing = wants(Access(words), route)
            if missing is None and route.writes:
                continue
            told = {by_tool(ring.keys[words], method, each, body) for each in (path, unknown)}
            if missing is not None:
                (only,) = told
                assert only.startswith("ERROR scope_required\nHINT  "), only
                assert re.search(rf"This needs {re.escape(missing)}( \(full access\))?; the token has ", only)
            else:
                refused = [text for text in told if text.startswith("ERROR scope_required")]
                assert not any(f"This needs {scope};" in text for scope in route.needs for text in refused)
    assert ring.digest() == before


def by_tool(person: Person, method: str, path: str, body: Any) -> str:
    arguments = {"method": method, "path": path, **({} if body is None else {"body": body})}
    answer = person.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments}))
    text: str = answer.json()["result"]["content"][0]["text"]
    return "\n".join(line for line in text.splitlines() if not line.startswith("REQUEST"))


def test_every_scope_that_a_route_needs_can_be_given_and_every_area_opens_a_route() -> None:
    areas = {scope.partition(".")[0] for route in DECLARED for scope in route.needs} - {"*"}
    assert areas == set(REGISTRY.areas)


def test_the_access_write_leaves_out_what_takes_away_and_what_gives_power() -> None:
    for route in DECLARED:
        area, verb = route.area, route.verb
        takes_nothing = verb == "write" and all(scope.endswith(".read") for scope in route.needs[1:])
        is_open = verb == "read" or (takes_nothing and area not in ("team", "workspace", "scoring", "webhooks"))
        assert (wants(Access(WRITE), route) is None) is is_open, route.paths
        assert (wants(Access("read"), route) is None) is (verb == "read"), route.paths
        assert wants(Access(FULL), route) is None


def test_what_every_token_may_do_is_about_itself() -> None:
    own = {(method, route.paths[0]) for route in guarded() if route.area == "own" for method in route.listed_methods}
    about_itself = {("GET", "/whoami"), ("PATCH", "/tokens/{id}"), ("DELETE", "/tokens/{id}")}
    assert own == {*about_itself, ("POST", "/proposals/{id}/reject")}


def test_every_token_may_ask_who_it_is_rename_and_end_itself(ring: Ring) -> None:
    alice = ring.stand.person
    for words in (*WORDS, *SINGLE):
        before = {one["id"] for one in alice.json_of("GET", "/tokens")["items"]}
        person = key(alice, ring.stand.workspace, words)
        (mine,) = {one["id"] for one in alice.json_of("GET", "/tokens")["items"]} - before
        card = person.json_of("GET", "/whoami")
        assert (card["access"] or " ".join(card["scopes"])) == words
        assert person.json_of("PATCH", f"/tokens/{mine}", {"token_name": "mine"})["name"] == "mine"
        assert person.delete(f"/tokens/{mine}").status_code == 200
        assert error_of(person.get("/whoami")) == (401, "invalid_token")
