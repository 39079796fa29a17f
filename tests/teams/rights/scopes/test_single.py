"""A token of few scopes: no answer to a read or a write has anything of a kind that they do not open."""

from collections.abc import Iterator

import httpx
import pytest

from attack.places import NOUNS
from crmkit.model.fields import Identifier, LongText, Text
from crmkit.model.record import Kind
from crmkit.web.route import ANY, Route
from tests.house import House, Person
from tests.kinds import ACTIVITY, COMPANY, CONTACT, KINDS, LOGGED, NAMED, REGISTRY
from tests.teams.office import JSON, Team, new, team
from tests.teams.rights import matrix
from tests.teams.rights.matrix import guarded, own
from tests.teams.rights.requests import aimed, others, requests
from tests.teams.rights.scopes.narrow import filled, furnished, narrowed

DAY = "2026-06-10"
MARKED = (*KINDS, ACTIVITY)
REASON = "zqreason"  # why somebody is a member of a campaign
WRITES = [route for route in guarded() if route.writes and route.area in {kind.area for kind in MARKED}]
TELL_ALL = ("audit",)  # the log has what was changed of every kind
MORE = (
    "/changes?since=2020-01-01",
    "/changes?since=2020-01-01&kinds=memberships",
    "/brief?since=2020-01-01",
    "/search?q=zq",
    "/reminders?days=3650",
    "/reminders?days=3650&fields=notes,title",
    "/campaigns/{ca}/members?fields=notes,email,domain,reason",
    "/campaigns/{ca}/members?kind=contact&max_tokens=1000",
)


def mark(kind: Kind, part: str = "own") -> str:
    """Return the word that a record of a kind has in its title, or in its other texts."""
    return f"zq{kind.name}{part}"


def told_of(kind: Kind) -> dict[str, str]:
    """Return a body with the marks of a kind in all its texts."""
    texts = [name for name, field in kind.writable.items() if type(field.type) in (Text, LongText, Identifier)]
    values = {name: f"{mark(kind)} {name}" for name in texts if name != "stage"}
    values |= {name: DAY for name in ("follow_up_at", "due_at") if name in kind.writable}
    return values | ({kind.title.name: mark(kind, "title")} if kind.has_title else {})


def marked(person: Person) -> dict[str, str]:
    """Fill a workspace with a record of each kind, linked to each other as far as may be; return the ids by prefix."""
    ids = furnished(person)
    made: dict[str, str] = {}
    for kind in REGISTRY.linking_first[::-1]:
        if kind not in KINDS:
            continue
        links = {link.link: made[link.to.prefix] for link in REGISTRY.links[kind] if link.to.prefix in made}
        links = {name: id for name, id in links.items() if name in kind.writable}
        unique = {"platform": "meta"} if "platform" in kind.writable else {}
        made[kind.prefix] = new(person, kind.path, **told_of(kind) | links | unique)
    for kind in LOGGED:
        body = {name: text for name, text in told_of(ACTIVITY).items() if name != "source_id"}
        made[ACTIVITY.prefix] = new(person, f"{kind.path}/{made[kind.prefix]}/activities", **body)
    for link in REGISTRY.members:
        members = f"{REGISTRY.whole.to.path}/{made[REGISTRY.whole.to.prefix]}/members"
        new(person, members, id=made[link.to.prefix], reason=REASON)
    return ids | made


@pytest.fixture(scope="module")
def us(home: House) -> Team:
    return team(home)


@pytest.fixture(scope="module")
def ids(us: Team) -> dict[str, str]:
    return marked(us.alice)


def paths(ids: dict[str, str]) -> Iterator[tuple[Route | None, str]]:
    known = {**dict.fromkeys(NOUNS.values(), "x_1"), **ids}
    for route in guarded():
        if "GET" in route.methods:
            yield from ((route, filled(own(path), known)) for path in route.paths)
    yield from ((None, filled(path, known)) for path in MORE)


def hidden(*areas: str) -> list[str]:
    """Return the words that a token which reads these areas alone is not shown.

    The title of a record that another one links to is a field of that one; figures name campaigns.
    """
    if set(TELL_ALL) & {*areas}:
        return []
    open_ = [kind for kind in MARKED if kind.area in areas]
    titled = [link.to for kind in open_ for link in REGISTRY.links[kind]]
    titled += [REGISTRY.whole.to] if "analytics" in areas else []
    words = [mark(kind) for kind in MARKED if kind not in open_]
    words += [mark(kind, "title") for kind in NAMED if kind not in (*open_, *titled)]
    return words + ([] if REGISTRY.whole.to.area in areas else [REASON])


@pytest.mark.parametrize("area", REGISTRY.areas)
def test_no_get_shows_a_token_of_one_scope_anything_of_another_kind(
    home: House, us: Team, ids: dict[str, str], area: str
) -> None:
    reader, words = narrowed(home, us.alice, f"{area}.read"), hidden(area)
    wrong = []
    for route, path in paths(ids):
        formats = [each.name for each in route.formats] if route else ["text", "json"]
        for format in formats:
            answer = reader.get(f"{path}{'&' if '?' in path else '?'}format={format}")
            assert answer.status_code < 500, f"{path} {answer.text}"
            wrong += [f"{path} {format}: {word}" for word in words if word in answer.text.lower()]
            if answer.status_code == 403:
                break
    assert not wrong


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
def test_no_answer_to_a_write_shows_what_the_scopes_that_it_needs_do_not_read(
    home: House, us: Team, ids: dict[str, str], route: Route
) -> None:
    """Tried as a dry run, and as the first of two steps."""
    clerk = narrowed(home, us.alice, " ".join(route.needs))
    words = hidden(*(need.removesuffix(".read") for need in route.needs if need.endswith(".read")))
    for method, path, body in requests(route):
        known = ids | others(us.alice, body)
        asks = "confirm" in route.query or (route.query == ANY and method == "DELETE")
        for step in ("dry_run=1", "confirm=x") if asks else ("dry_run=1",):
            for headers in ({}, JSON):
                tried = f"{aimed(path, known)}{'&' if '?' in path else '?'}{step}"
                answer = clerk.send_it(method, tried, matrix.filled(body, known), headers=headers)
                assert answer.status_code in (200, 201, 403, 409), answer.text
                assert not [word for word in words if word in answer.text.lower()], answer.text


def test_each_mark_is_seen_by_a_token_that_reads_all(us: Team, ids: dict[str, str]) -> None:
    for kind in MARKED:
        shown = us.alice.text("GET", f"{kind.path}/{ids[kind.prefix]}?format=json")
        assert mark(kind) in shown
        assert not kind.has_title or mark(kind, "title") in shown


@pytest.mark.parametrize("format", ["text", "json", "csv"])
def test_members_of_a_closed_kind_are_handles_with_what_their_membership_says(
    home: House, us: Team, ids: dict[str, str], format: str
) -> None:
    reader, path = narrowed(home, us.alice, "campaigns.read companies.read"), f"/campaigns/{ids['ca']}/members"
    shown = reader.get(f"{path}?format={format}").text
    assert mark(CONTACT) not in shown
    link = reader.post("/links", json={"path": f"{path}?format={format}"}, headers=JSON).json()["url"]
    assert httpx.get(link).text == shown
    assert mark(COMPANY) in us.alice.get(f"{path}?format=json").text
    assert mark(COMPANY, "title") in shown
    assert ids["c"] in shown
    assert shown.count(REASON) == 2


def test_who_joins_is_answered_by_the_handle_alone(home: House, us: Team, ids: dict[str, str]) -> None:
    clerk = narrowed(home, us.alice, "campaigns.read campaigns.write")
    email = "jane@acme.example"
    id = new(us.alice, "/contacts", name=mark(CONTACT), email=email)
    for headers in ({}, JSON):
        added = clerk.post(f"/campaigns/{ids['ca']}/members", json={"id": id, "reason": REASON}, headers=headers)
        assert added.is_success
        assert "contact/" in added.text
        assert mark(CONTACT) not in added.text
        assert email not in added.text
