"""One workspace never sees, changes or even notices another: every route, every id in it, generated from the table.

A route that is new is tried without a line here; a place whose meaning is not known makes a test fail.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from litestar import get
from litestar.handlers import HTTPRouteHandler

from crmkit import ids
from crmkit.model.fields import Choice, Email, FieldType, Link, LongText, Text
from crmkit.model.form import Form
from crmkit.model.record import Kind
from crmkit.records import ACTIVITY, AUDIT, KINDS
from crmkit.web.app import routes
from crmkit.web.gate import ANY, PUBLIC, QUERY
from tests.house import House, Person
from tests.teams.office import Books, Team, address, blotted, enter, erased, error_of, new, stepped, team, working_in

CANARY = "zebracanary"
PLACEHOLDER = re.compile(r"\{(\w+):(\w+)\}")

# what an id in a path names, by the word before it
NOUNS = {kind.plural: kind.prefix for kind in (*KINDS, ACTIVITY, AUDIT)} | {
    "workspaces": "ws",
    "members": "u",
    "invites": "inv",
    "tokens": "tok",
}
# what a declared query parameter takes: prefixes of ids, or nothing that is an id
PARAMETERS: dict[str, tuple[str, ...]] = {
    "contact": ("c",),
    "company": ("co",),
    "deal": ("d",),
    "target": tuple(ids.PREFIXES),
    "q": tuple(ids.PREFIXES),  # words, among them ids
    **dict.fromkeys(["confirm", "code", "types", "days", "limit", "cursor", "fields", "format"], ()),
    **dict.fromkeys(["by", "action", "since", "until", "kind", "on_behalf_of"], ()),
}


@dataclass(frozen=True)
class Place:
    """One id in one request: `path` has {} for it and {ws} and the like for the others, which are the caller's own."""

    method: str
    path: str
    prefix: str
    body: Any = None
    where: str = "path"


def forms(handler: HTTPRouteHandler) -> Form | None:
    return handler.opt.get("form") or handler.opt.get("kind")


def samples(type_: FieldType) -> list[Any]:
    """Return values that a required field takes."""
    if isinstance(type_, Choice):
        return list(type_.among)
    if isinstance(type_, Email):
        return ["newcomer@example.com"]
    assert isinstance(type_, Text | LongText), f"no sample of {type_}"
    return ["Mine"]


def bodies(form: Form | None) -> list[dict[str, Any]]:
    """Return bodies with every required field, one for each choice that a field has."""
    found: list[dict[str, Any]] = [{}]
    for one in form.fields if form else ():
        if one.required or (isinstance(one.type, Choice) and not isinstance(form, Kind)):
            found = [{**body, one.name: value} for body in found for value in samples(one.type)]
    return found


def methods(handler: HTTPRouteHandler) -> list[str]:
    return sorted(handler.http_methods - {"OPTIONS"})


def meaning(path: str, at: int) -> str:
    """Return the prefix of the id that stands at this place of a path."""
    word = path[:at].rstrip("/").rpartition("/")[2]
    assert word in NOUNS, f"nobody knows what an id after /{word}/ names, in {path}: add it to NOUNS"
    return NOUNS[word]


def own(path: str) -> str:
    """Return the path with the prefix of what it names for every placeholder."""
    return PLACEHOLDER.sub(lambda found: f"{{{meaning(path, found.start())}}}", path)


def path_places(handlers: list[HTTPRouteHandler]) -> Iterator[Place]:
    for handler in handlers:
        for path in sorted(handler.paths):
            for found in PLACEHOLDER.finditer(path):
                assert found.group(2) == "str", f"{path} has a placeholder of another type"
                aimed = own(path[: found.start()]) + "{}" + own_rest(path, found.end())
                for method in methods(handler):
                    for body in bodies(forms(handler)) if method in ("POST", "PATCH", "PUT") else [None]:
                        yield Place(method, aimed, meaning(path, found.start()), body)


def own_rest(path: str, start: int) -> str:
    return own(path)[len(own(path[:start])) :]


def body_places(handlers: list[HTTPRouteHandler]) -> Iterator[Place]:
    """Yield every field of every body that takes an id (or shows one), on create, on merge and on change."""
    for handler in handlers:
        form = forms(handler)
        for path in sorted(handler.paths):
            for method in (method for method in methods(handler) if method in ("POST", "PATCH", "PUT")):
                for one in (one for one in (form.fields if form else ()) if isinstance(one.type, Link)):
                    for body in bodies(form):
                        yield Place(method, own(path), one.type.prefix, {**body, one.name: "{}"}, "body")
                        merged = {"email": "mine@example.com", "domain": "mine.example.com"}.items()
                        known = {name: value for name, value in merged if name in form.by_name} if form else {}
                        if method == "POST" and known:
                            yield Place(method, own(path), one.type.prefix, {**known, one.name: "{}"}, "body")


def query_places(handlers: list[HTTPRouteHandler]) -> Iterator[Place]:
    for handler in handlers:
        declared = handler.opt.get(QUERY, ())
        for path in sorted(handler.paths):
            for method in methods(handler):
                for name, prefix, operator in parameters(handler, declared):
                    yield Place(method, f"{own(path)}?{name}={operator}{{}}", prefix, None, "query")


def parameters(handler: HTTPRouteHandler, declared: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    if declared == ANY:
        for one in handler.opt["kind"].fields:
            if isinstance(one.type, Link):
                yield from ((one.name, one.type.prefix, f"{o}:") for o in one.type.operators if o not in ("is", "not"))
                yield one.name, one.type.prefix, ""
        yield from (("search", prefix, "") for prefix in ids.PREFIXES)
        return
    for name in declared:
        assert name in PARAMETERS, f"nobody knows whether ?{name}= takes an id: add it to PARAMETERS"
        yield from ((name, prefix, "") for prefix in PARAMETERS[name])
        yield from ((name, prefix, f"{ids.PREFIXES[prefix]}/") for prefix in PARAMETERS[name])


def guarded() -> list[HTTPRouteHandler]:
    return [handler for handler in routes() if not handler.opt.get(PUBLIC)]


@dataclass
class Stand:
    """Someone with a whole workspace: `ids` holds one of each kind, `gone` those that were deleted."""

    person: Person
    workspace: str
    ids: dict[str, str] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)


def furnish(home: House, person: Person, workspace: str, word: str, tag: str) -> Stand:
    """Fill a workspace with one of everything, and one of everything that is gone again."""
    stand = Stand(person, workspace)
    for ids_ in (stand.gone, stand.ids):
        state = "gone" if ids_ is stand.gone else "live"
        ids_["co"] = new(person, "/companies", name=f"{word} Corp", domain=f"{state}.{tag}.example.com")
        ids_["c"] = new(person, "/contacts", name=f"{word} Jane", email=f"{state}@{tag}.example.com", notes=word)
        ids_["d"] = new(person, "/deals", title=f"{word} deal", contact_id=ids_["c"], notes=word)
        ids_["a"] = new(person, f"/contacts/{ids_['c']}/activities", body=f"{word} call")
        ids_["inv"] = new(person, f"/workspaces/{workspace}/invites", email=f"{state}@{word}{tag}.example.com")
        minted = person.post(f"/workspaces/{workspace}/tokens", json={"token_name": f"{word}{state}"})
        assert minted.status_code == 201
        listed = person.json_of("GET", "/tokens")["items"]
        ids_["tok"] = next(item["id"] for item in listed if item["name"] == f"{word}{state}")
        other = f"{state}member@{tag}.example.com"
        assert person.post(f"/workspaces/{workspace}/invites", json={"email": other}).status_code == 201
        ids_["u"] = working_in(enter(home, other), workspace).json_of("GET", "/whoami")["user"]
        ids_["ws"] = new(person, "/workspaces", name=f"{word} {state}") if state == "gone" else workspace
        ids_["au"] = person.json_of("GET", "/audit?limit=1")["items"][0]["id"]
    erased(person, f"/deals/{stand.gone['d']}")
    assert person.delete(f"/activities/{stand.gone['a']}").status_code == 200
    erased(person, f"/contacts/{stand.gone['c']}")
    erased(person, f"/companies/{stand.gone['co']}")
    assert person.delete(f"/workspaces/{workspace}/invites/{stand.gone['inv']}").status_code == 200
    assert person.delete(f"/workspaces/{workspace}/members/{stand.gone['u']}").status_code == 200
    assert person.delete(f"/tokens/{stand.gone['tok']}").status_code == 200
    assert stepped(home, person, "DELETE", f"/workspaces/{stand.gone['ws']}").status_code == 200
    return stand


@dataclass
class World:
    """Alice's workspace is the victim; the attackers are Charlie, a stranger, and Dora, who belongs to both."""

    home: House
    books: Books
    victim: Stand
    charlie: Stand
    dora: Stand
    tally: Counter[str] = field(default_factory=Counter)
    _seen: tuple[int, str] = (0, "")

    def mine(self) -> dict[str, int]:
        stands = (self.charlie, self.dora)
        return {stand.workspace: self.books.number(stand.workspace) for stand in stands}

    def digest(self) -> str:
        """Return the hash of all rows that are not an attacker's own."""
        version = self.books.version()
        if version != self._seen[0]:
            emails = (self.charlie.person.email, self.dora.person.email)
            self._seen = version, self.books.digest(self._mine, emails)
            self.tally["hashes"] += 1
        return self._seen[1]

    def __post_init__(self) -> None:
        self._mine = self.mine()
        self.books.settled(self.victim.person)

    def tried(self, stand: Stand, place: Place, id: str, accept: str, *, unseen: bool = True) -> Any:
        """Return an answer to the attacker with the ids in it blotted out; nothing of the victim's is in it, nor
        was anything of hers changed by it."""
        before, letters = self.digest(), len(self.home.letterbox.letters)
        path = place.path.replace("{}", id)
        for prefix, own_id in stand.ids.items():
            path = path.replace(f"{{{prefix}}}", own_id)
        body = place.body
        if place.where == "body":
            body = {name: id if value == "{}" else value for name, value in body.items()}
        answer = stand.person.send_it(place.method, path, body, headers={"Accept": accept})
        self.tally["requests"] += 1
        told = f"{place.method} {path} {body} -> {answer.status_code} {answer.text}"
        if unseen:
            assert CANARY not in answer.text.lower(), told
        if place.where == "path":
            assert answer.status_code in (403, 404), told
        elif place.where == "body":
            assert answer.status_code == 400, told
        else:
            assert answer.status_code in (200, 400), told
        assert self.digest() == before, told
        assert len(self.home.letterbox.letters) == letters, told
        return blotted(answer, id, stand.workspace)


@pytest.fixture(scope="module")
def world(home: House) -> Iterator[World]:
    us: Team = team(home)
    victim = furnish(home, us.alice, us.id, CANARY, "victim")
    place = us.charlie.json_of("GET", "/whoami")["workspace"]
    charlie = furnish(home, us.charlie, place, "charlie", "charlie")
    dora_there = us.joins("dora")
    place = new(dora_there, "/workspaces", name="Dora's")
    dora = furnish(home, working_in(dora_there, place), place, "dora", "dora")
    for stand in (charlie, dora):
        new(stand.person, "/contacts", name="Mine", email="mine@example.com")
        new(stand.person, "/companies", name="Mine", domain="mine.example.com")
    with Books(home.folder) as books:
        yield World(home, books, victim, charlie, dora)


PLACES = [*path_places(guarded()), *body_places(guarded()), *query_places(guarded())]


def named(place: Place) -> str:
    return f"{place.method} {place.path} {place.prefix} {place.body or ''}"


@pytest.mark.parametrize("place", PLACES, ids=named)
def test_the_id_of_another_workspace_is_told_apart_from_one_that_never_existed(world: World, place: Place) -> None:
    for stand in (world.charlie, world.dora):
        if stand is world.dora and place.where == "path" and place.prefix in ("ws", "tok"):
            continue  # she belongs there: those are hers to use
        for accept in ("text/plain", "application/json"):
            unknown = world.tried(stand, place, ids.mint(place.prefix), accept)
            for foreign in (world.victim.ids, world.victim.gone):
                assert world.tried(stand, place, foreign[place.prefix], accept) == unknown
                world.tally["pairs"] += 1


@pytest.mark.parametrize("place", PLACES, ids=named)
def test_an_id_of_the_wrong_kind_tells_whose_it_is(world: World, place: Place) -> None:
    for prefix in (prefix for prefix in ids.PREFIXES if prefix != place.prefix):
        unknown = world.tried(world.charlie, place, ids.mint(prefix), "application/json")
        assert world.tried(world.charlie, place, world.victim.ids[prefix], "application/json") == unknown
        world.tally["pairs"] += 1
        if place.where == "path":
            assert unknown[0] == 404


@pytest.mark.parametrize("place", [place for place in PLACES if place.where == "path"], ids=named)
def test_a_deleted_id_of_ones_own_still_leads_somewhere(world: World, place: Place) -> None:
    status, _, content = world.tried(world.charlie, place, world.charlie.gone[place.prefix], "application/json")
    assert status in (403, 404)
    if place.prefix in ("c", "co", "d", "a") and place.method != "HEAD":
        assert b" was deleted at 2026-" in content


@pytest.mark.parametrize("place", [place for place in PLACES if place.where == "path"], ids=named)
def test_a_request_of_the_matrix_is_refused_for_another_reason(home: House, world: World, place: Place) -> None:
    """The same request with an id of one's own is done, or asks for its second step: so the id was what was wrong."""
    charlie = world.charlie.person
    workspace = new(charlie, "/workspaces", name="Short-lived") if "/workspaces" in place.path else ""
    made = dict(world.charlie.ids)
    if workspace:
        made["ws"] = workspace
        made["inv"] = new(charlie, f"/workspaces/{workspace}/invites", email=address("guest"))
        guest = address("guest")
        charlie.post(f"/workspaces/{workspace}/invites", json={"email": guest})
        made["u"] = working_in(enter(home, guest), workspace).json_of("GET", "/whoami")["user"]
    elif place.prefix == "tok":
        assert charlie.post(f"/workspaces/{made['ws']}/tokens", json={"token_name": "spare"}).status_code == 201
        listed = charlie.json_of("GET", "/tokens")["items"]
        made["tok"] = next(item["id"] for item in listed if item["name"] == "spare")
    elif place.prefix == "a":
        made["a"] = new(charlie, f"/contacts/{made['c']}/activities", body="spare")
    path = place.path.replace("{}", made[place.prefix])
    for prefix, id in made.items():
        path = path.replace(f"{{{prefix}}}", id)
    answer = charlie.send_it(place.method, path, place.body, headers={"Accept": "application/json"})
    done = answer.status_code in (200, 201)
    assert done or error_of(answer)[1] in ("confirmation_required", "escalation_required"), answer.text


@pytest.mark.parametrize("text", [CANARY, CANARY[:5], CANARY.upper(), "zebracanray", "zebracanary Corp"])
def test_a_search_finds_words_of_another_workspace(world: World, text: str) -> None:
    for stand in (world.charlie, world.dora):
        for path in ("/search?q=", *(f"/{kind.plural}?search=" for kind in KINDS)):
            assert CANARY not in stand.person.get(f"{path}{text}").text.replace(text, "").lower()
            shown = stand.person.json_of("GET", f"{path}{text}")
            assert not any(shown.get(name) for name in ("items", *(kind.plural for kind in KINDS))), shown
    found = world.victim.person.json_of("GET", f"/search?q={text}")
    assert len(found["contacts"]) >= 1 or text == "zebracanary Corp"
    assert len(found["companies"]) == 1


def test_a_cursor_of_another_workspace_opens_its_list(world: World) -> None:
    for stand in (world.victim, world.charlie):
        for number in range(3):
            new(stand.person, "/contacts", name=f"Page {number}")
    world.books.settled(world.victim.person)
    for path in ("/contacts?limit=1", "/audit?limit=1", "/contacts?limit=1&sort=name"):
        cursor = world.victim.person.json_of("GET", path)["next_cursor"]
        assert cursor
        for stand in (world.charlie, world.dora):
            assert stand.person.json_of("GET", f"{path}&cursor={cursor}")["error"] == "invalid_cursor"
            assert world.victim.person.get(f"{path}&cursor={cursor}").status_code == 200


def test_an_email_or_a_domain_of_another_workspace_is_taken(world: World) -> None:
    before = world.victim.person.json_of("GET", f"/contacts/{world.victim.ids['c']}")
    email = before["email"]
    theirs = world.charlie.person.post("/contacts", json={"name": "Mine", "email": email}, headers={"Accept": "*/*"})
    assert theirs.status_code == 201
    assert CANARY not in theirs.text
    domain = world.victim.person.json_of("GET", f"/companies/{world.victim.ids['co']}")["domain"]
    assert world.dora.person.post("/companies", json={"name": "Mine", "domain": domain}).status_code == 201
    assert world.victim.person.json_of("GET", f"/contacts/{world.victim.ids['c']}") == before


def test_the_matrix_is_small(world: World) -> None:
    """What was tried, for whoever reads the run; the floor under the figures keeps a broken generator from passing."""
    print(f"\nplaces {len(PLACES)}, {dict(world.tally)}")
    assert Counter(place.where for place in PLACES).keys() == {"path", "body", "query"}
    assert len({(place.method, place.path) for place in PLACES if place.where == "path"}) >= 35
    assert {place.prefix for place in PLACES} == set(ids.PREFIXES)


@pytest.mark.parametrize("path", ["/widgets/{id:str}", "/contacts/{id:str}/merge/{other:str}"])
def test_a_route_whose_ids_nobody_knows_is_passed_over(path: str) -> None:
    @get(path)
    async def unknown(id: str) -> None: ...

    with pytest.raises(AssertionError, match="nobody knows what an id"):
        list(path_places([unknown]))


def test_a_query_parameter_that_nobody_knows_is_passed_over() -> None:
    @get("/contacts/{id:str}/related", opt={QUERY: ("widget",)})
    async def unknown(id: str) -> None: ...

    with pytest.raises(AssertionError, match="takes an id"):
        list(query_places([unknown]))


def test_a_new_route_is_not_tried() -> None:
    @get("/deals/{id:str}/history", opt={QUERY: ("contact",)})
    async def fresh(id: str) -> None: ...

    assert [(p.method, p.path, p.prefix) for p in path_places([fresh])] == [("GET", "/deals/{}/history", "d")]
    assert [p.path for p in query_places([fresh])] == [
        "/deals/{d}/history?contact={}",
        "/deals/{d}/history?contact=contact/{}",
    ]
