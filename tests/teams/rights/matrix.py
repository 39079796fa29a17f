"""Every route with every id in it, generated from the table; and a world in which nothing of others may be seen.

A route that is new is tried without a line here; a place whose meaning is not known makes a test fail.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from attack.places import NOWHERE, PLACEHOLDER, meanings
from crmkit import ids
from crmkit.core.people.tokens.given import TOKEN
from crmkit.model.access import PROPOSE, Access
from crmkit.model.configuration.pipeline import Stages
from crmkit.model.declared.parts import KeyName
from crmkit.model.events.types import Receiver
from crmkit.model.expressions.field import Formula
from crmkit.model.fields import Choice, Email, FieldType, Link, LinkToAny, LongText, Text, Timezone
from crmkit.model.form import Form
from crmkit.model.paths.request import RequestPath
from crmkit.model.paths.views import ViewName
from crmkit.model.record import Kind
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.web.app import routes
from crmkit.web.route import ANY, Route
from tests.core.jobs.kinds import actor_of, add
from tests.house import House, Person
from tests.kinds import ACTIVITY, CONTACT, KINDS, NAMED, PREFIXES, REGISTRY
from tests.teams.office import Books, blotted, enter, erased, error_of, holding, new, stepped, working_in

CANARY = "zebracanary"
NEVER = "2100-01-01T00:00:00Z"

# what a declared query parameter takes: prefixes of ids, or nothing that is an id
PARAMETERS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(ACTIVITY.filters, ()),
    **{kind.activity_link: (kind.prefix,) for kind in KINDS if kind.is_logged},
    **{kind.name: (kind.prefix,) for kind in KINDS},
    "id": (ACTIVITY.prefix,),  # of the lists of activities
    "target": tuple(PREFIXES),
    **dict.fromkeys(["q", "search"], tuple(PREFIXES)),  # words, among them ids
    **dict.fromkeys(
        ["confirm", "code", "merge", "atomic", "types", "days", "limit", "cursor", "sort", "fields", "format"], ()
    ),
    **dict.fromkeys(["as_of", "kinds", "wait", "timezone", "sum", "avg", "min", "max"], ()),
    **dict.fromkeys(["by", "created_by", "action", "since", "until", "kind", "on_behalf_of", "source_id", "owner"], ()),
    **dict.fromkeys(["explain", "max_tokens", "period", "from", "to", "keep_made", "erase"], ()),
    **dict.fromkeys(["mode", "unknown", "dates", "map.COLUMN", "start"], ()),  # of an import
    "state": (),  # of a proposal or a delivery
}


@dataclass(frozen=True)
class Place:
    """One id in one request: `path` has {} for it and {ws} and the like for the others, which are the caller's own."""

    method: str
    path: str
    prefix: str
    body: Any = None
    where: str = "path"


def forms(route: Route) -> Form | None:
    return route.form or route.kind


def samples(type_: FieldType) -> list[Any]:
    """Return values that a required field takes."""
    if isinstance(type_, Choice):
        return list(type_.choices)
    if isinstance(type_, Timezone):
        return ["UTC"]
    if isinstance(type_, Email):
        return ["newcomer@example.com"]
    if isinstance(type_, Stages):
        return [[{"name": "mine"}]]
    if isinstance(type_, Link):
        return [f"{{{type_.prefix}}}"]  # one of the caller's own, see filled
    if isinstance(type_, LinkToAny):
        return [f"{{{prefix}}}" for prefix in type_.among]
    if isinstance(type_, ViewName):
        return ["mine"]
    if isinstance(type_, Receiver):
        return [NOWHERE]
    if isinstance(type_, RequestPath):
        return ["/contacts?stage=lead"]
    if isinstance(type_, Formula):
        return ["1"]
    assert isinstance(type_, Text | LongText | KeyName), f"no sample of {type_}"
    return ["Mine"]


def bodies(form: Form | None) -> list[dict[str, Any]]:
    """Return bodies with every required field; of a body that is no record, with a zone and each choice too."""
    found: list[dict[str, Any]] = [{}]
    for one in form.fields if form else ():
        if one.required or (isinstance(one.type, Choice | Timezone) and not isinstance(form, Kind)):
            is_one = isinstance(form, Kind) or form is TOKEN  # a token that was narrowed has no more to give
            values = samples(one.type)[:1] if is_one else samples(one.type)
            found = [{**body, one.name: value} for body in found for value in values]
    return found


def filled(body: Any, own_ids: Mapping[str, str], id: str = "") -> Any:
    """Return a body with `id` in place of {}, and the caller's own ids in place of {c} and the like."""
    known = {"{}": id, **{f"{{{prefix}}}": own for prefix, own in own_ids.items()}}
    return body and {name: known.get(str(value), value) for name, value in body.items()}


def meaning(path: str, at: int) -> str:
    """Return the first of those prefixes."""
    return meanings(path, at)[0]


def own(path: str) -> str:
    """Return the path with the prefix of what it names for every placeholder."""
    return PLACEHOLDER.sub(lambda found: f"{{{meaning(path, found.start())}}}", path)


def unknown(path: str) -> str:
    """Return the path with an id that nothing has at every placeholder."""
    return PLACEHOLDER.sub(lambda found: ids.mint(found[1]), own(path))


def path_places(routes: list[Route]) -> Iterator[Place]:
    for route in routes:
        for path in route.paths:
            for found in PLACEHOLDER.finditer(path):
                aimed = own(path[: found.start()]) + "{}" + own_rest(path, found.end())
                for method in route.methods:
                    for body in bodies(forms(route)) if method in ("POST", "PATCH", "PUT") else [None]:
                        for prefix in meanings(path, found.start()):
                            yield Place(method, aimed, prefix, body)


def own_rest(path: str, start: int) -> str:
    return own(path)[len(own(path[:start])) :]


def body_places(routes: list[Route]) -> Iterator[Place]:
    """Yield every field of every body that takes an id (or shows one), on create, on merge and on change."""
    for route in routes:
        form = forms(route)
        for path in route.paths:
            for method in (method for method in route.methods if method in ("POST", "PATCH", "PUT")):
                place = f"{own(path)}?atomic=1" if route.is_batch else own(path)  # so that one object is refused alone
                for name, prefix in linking(form, is_new=method == "POST"):
                    for body in bodies(form):
                        all_of = f"?id=in:{{{form.prefix}}}" if is_by_filter(route, method) else ""
                        yield Place(method, f"{place}{all_of}", prefix, {**body, name: "{}"}, "body")
                        merged = {"email": "mine@example.com", "domain": "mine.example.com"}.items()
                        known = {name: value for name, value in merged if name in form.by_name} if form else {}
                        if method == "POST" and known:
                            yield Place(method, place, prefix, {**known, name: "{}"}, "body")


def linking(form: Form | None, is_new: bool) -> Iterator[tuple[str, str]]:
    """Yield (name, prefix) of what takes an id in a body, or shows one."""
    joins = form.joins if isinstance(form, Kind) and is_new else ()
    for one in (*(form.fields if form else ()), *joins):
        if isinstance(one.type, Link):
            yield one.name, one.type.prefix
        elif isinstance(one.type, LinkToAny):
            yield from ((one.name, prefix) for prefix in one.type.among)


def query_places(routes: list[Route]) -> Iterator[Place]:
    for route in routes:
        for path in route.paths:
            for method in route.methods:
                for name, prefix, operator in parameters(route):
                    body = change_of(route.kind) if route.kind and is_by_filter(route, method) else None
                    yield Place(method, f"{own(path)}?{name}={operator}{{}}", prefix, body, "query")


def is_by_filter(route: Route, method: str) -> bool:
    """Tell whether a route changes all records that filters find."""
    return method == "PATCH" and route.kind is not None and not any("{" in path for path in route.paths)


def change_of(kind: Kind) -> dict[str, Any]:
    """Return the body of a change that any record of a kind takes."""
    texts = (name for name, one in kind.writable.items() if isinstance(one.type, Text | LongText))
    return {next(name for name in texts if name in kind.changes.writable): "Mine"}


def parameters(route: Route) -> Iterator[tuple[str, str, str]]:
    if route.query == ANY:
        kind = CONTACT if route.name == "get_view" else route.kind  # whose list the views of the matrix keep
        assert kind, f"nobody knows what {route.paths} takes in its query"
        for name, one in {**kind.by_name, **kind.joined}.items():
            if isinstance(one.type, Link):
                yield from ((name, one.type.prefix, f"{o}:") for o in one.type.operators if o not in ("is", "not"))
                yield name, one.type.prefix, ""
        yield from (("search", prefix, "") for prefix in PREFIXES)
        return
    for name in route.parameters:
        assert name in PARAMETERS, f"nobody knows whether ?{name}= takes an id: add it to PARAMETERS"
        yield from ((name, prefix, "") for prefix in PARAMETERS[name])
        yield from ((name, prefix, f"{PREFIXES[prefix]}/") for prefix in PARAMETERS[name])


def guarded() -> list[Route]:
    return [route for route in routes(REGISTRY) if not route.public]


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
        for kind in (kind for kind in NAMED if kind.prefix not in ids_):
            ids_[kind.prefix] = new(person, f"/{kind.plural}", **{kind.title.name: f"{word} {kind.name}"})
        ids_["cv"] = new(person, "/conversions", contact_id=ids_["c"], platform="meta", failure=word)
        for prefix in ("co", "c"):
            new(person, f"/campaigns/{ids_['ca']}/members", id=ids_[prefix], reason=word)
        joined = person.json_of("GET", "/audit?action=membership.create&limit=1")["items"][0]
        ids_["cm"] = joined["target"].removeprefix("membership/")
        twin = new(person, "/contacts", name=f"{word} Jane", phone="+49 30 1234567")
        assert person.post("/duplicates/dismiss", json={"a": ids_["c"], "b": twin}).status_code == 200
        dismissed = person.json_of("GET", "/audit?action=dismissal.create&limit=1")["items"][0]
        ids_["di"] = dismissed["target"].removeprefix("dismissal/")
        key = "Mine" if state == "live" else word  # as in samples: a field keeps its key
        ids_["f"] = new(person, "/fields", kind="contact", key=key, type="text", about=word)
        ids_["v"] = new(person, "/views", name=f"{word}-{state}", path=f"/contacts?search={word}")
        ids_["sr"] = new(person, "/scoring-rules", name=word, expression=f'stage == "{word}"', weight=0)
        ids_["wh"], ids_["dl"] = listener(person, word)
        ids_["a"] = new(person, f"/contacts/{ids_['c']}/activities", body=f"{word} call")
        ids_["inv"] = new(person, f"/workspaces/{workspace}/invites", email=f"{state}@{word}{tag}.example.com")
        minted = person.post(f"/workspaces/{workspace}/tokens", json={"token_name": f"{word}{state}"})
        assert minted.status_code == 201
        ids_["ln"] = new(person, "/links", path=f"/contacts?search={word}")
        listed = person.json_of("GET", "/tokens")["items"]
        ids_["tok"] = next(item["id"] for item in listed if item["name"] == f"{word}{state}")
        other = f"{state}member@{tag}.example.com"
        assert person.post(f"/workspaces/{workspace}/invites", json={"email": other}).status_code == 201
        ids_["u"] = working_in(enter(home, other), workspace).json_of("GET", "/whoami")["user"]
        ids_["ws"] = new(person, "/workspaces", name=f"{word} {state}") if state == "gone" else workspace
        ids_["au"] = person.json_of("GET", "/audit?limit=1")["items"][0]["id"]
        new(person, "/tasks", title=f"{word} spare")
        ids_["op"] = home.do(newest_operation(home, workspace)) if state == "live" else ids.mint("op")
        ids_["jb"] = add_job(home, person, word, is_gone=state == "gone")
        ids_["imp"] = planned_import(person, word) if state == "live" else ids.mint("imp")
        ids_["pr"] = proposed(home, person, workspace, word) if state == "live" else ids.mint("pr")
    assert person.delete(f"/activities/{stand.gone['a']}").status_code == 200
    assert person.delete(f"/fields/{stand.gone['f']}").status_code == 200
    assert person.delete(f"/views/{stand.gone['v']}").status_code == 200
    assert person.delete(f"/scoring-rules/{stand.gone['sr']}").status_code == 200
    assert person.delete(f"/webhooks/{stand.gone['wh']}").status_code == 200
    for kind in (kind for kind in REGISTRY.linking_first if kind in KINDS):
        erased(person, f"/{kind.plural}/{stand.gone[kind.prefix]}")
    assert person.delete(f"/workspaces/{workspace}/invites/{stand.gone['inv']}").status_code == 200
    assert person.delete(f"/workspaces/{workspace}/members/{stand.gone['u']}").status_code == 200
    assert person.delete(f"/tokens/{stand.gone['tok']}").status_code == 200
    assert person.delete(f"/links/{stand.gone['ln']}").status_code == 200
    assert stepped(home, person, "DELETE", f"/workspaces/{stand.gone['ws']}").status_code == 200
    return stand


def listener(person: Person, word: str) -> tuple[str, str]:
    """Return the ids of a webhook that is off, so that nothing is written for it later, and of what it was sent."""
    id = new(person, "/webhooks", url=f"{NOWHERE}/{word}", active=False)
    tried = person.post(f"/webhooks/{id}/test", headers={"Accept": "application/json"}).json()
    assert tried["state"] == "failed", tried
    return id, tried["id"]


async def newest_operation(home: House, workspace: str) -> str:
    """Return the id of the operation that the newest entry of the log is part of."""
    sql = "SELECT coalesce(op, seq) FROM audit WHERE workspace_id = ? ORDER BY seq DESC LIMIT 1"
    (first,) = await home.crm.database.read(None, lambda c: c.execute(sql, (workspace,)).fetchone())
    return audit.operation_id(workspace, first)


def proposed(home: House, person: Person, workspace: str, word: str) -> str:
    """Return the id of a proposal that waits."""
    bot = holding(home, person, workspace, Access(PROPOSE), word)
    answer = bot.post("/contacts", json={"name": f"{word} proposed"}, headers={"Accept": "application/json"})
    assert answer.status_code == 202, answer.text
    found: str = answer.json()["id"]
    return found


def planned_import(person: Person, word: str) -> str:
    """Return the id of an import that is planned, with a row that it refuses."""
    file = f"name,email\n{word},no address\n"
    answer = person.post("/import?kind=contacts", content=file, headers={"Accept": "application/json"})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def add_job(home: House, person: Person, word: str, is_gone: bool = False) -> str:
    """Return the id of somebody's job that waits, or is forgotten."""
    job = add(home, actor_of(home, person), "none", {"word": word}, NEVER)
    if is_gone:
        forgotten = partial(_forget, job.id)
        home.do(home.crm.database.write(forgotten, lanes=[job.workspace_id]))
    return job.id


def _forget(id: str, tx: Tx) -> None:
    tx.connection.execute("DELETE FROM jobs WHERE id = ?", (id,))


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

    def tried(
        self,
        stand: Stand,
        place: Place,
        id: str,
        accept: str,
        *,
        unseen: bool = True,
        answers: tuple[int, ...] = (403, 404),
        also: tuple[str, ...] = (),
    ) -> Any:
        """Return an answer to the attacker with the ids in it blotted out, those in `also` too; nothing of the victim's
        is in it, nor was anything of hers changed by it. With an id in the path its status is one of `answers`."""
        before, letters = self.digest(), len(self.home.letterbox.letters)
        path = place.path.replace("{}", id)
        for prefix, own_id in stand.ids.items():
            path = path.replace(f"{{{prefix}}}", own_id)
        body = filled(place.body, stand.ids, id)
        answer = stand.person.send_it(place.method, path, body, headers={"Accept": accept})
        self.tally["requests"] += 1
        told = f"{place.method} {path} {body} -> {answer.status_code} {answer.text}"
        if unseen:
            assert CANARY not in answer.text.lower(), told
        if place.where == "path":
            assert answer.status_code in answers, told
        elif place.where == "body":
            assert answer.status_code == 400, told
        else:
            assert answer.status_code in (200, 400) or error_of(answer)[1] == "confirmation_required", told
        assert self.digest() == before, told
        assert len(self.home.letterbox.letters) == letters, told
        return blotted(answer, id, *also, stand.workspace)


def named(place: Place) -> str:
    return f"{place.method} {place.path} {place.prefix} {place.body or ''}"
