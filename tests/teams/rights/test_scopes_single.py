"""A token of one scope that reads: no answer has anything of a kind that it does not open."""

from collections.abc import Iterator

import pytest

from crmkit.model.fields import Identifier, LongText, Text
from crmkit.model.record import Kind
from crmkit.web.route import Route
from tests.house import House, Person
from tests.kinds import ACTIVITY, COMPANY, CONTACT, KINDS, LOGGED, NAMED, REGISTRY
from tests.teams.office import JSON, Team, new, team
from tests.teams.rights.matrix import NOUNS, guarded, own
from tests.teams.rights.narrow import filled, furnished, narrowed

DAY = "2026-06-10"
MARKED = (*KINDS, ACTIVITY)
REASON = "zqreason"  # why somebody is a member of a campaign
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


def hidden(area: str) -> dict[str, str]:
    """Return the words that a token which reads an area alone is not shown, and of which kind they are.

    The title of a record that another one links to is a field of that one; figures name campaigns.
    """
    if area in TELL_ALL:
        return {}
    open_ = [kind for kind in MARKED if kind.area == area]
    titled = [link.to for kind in open_ for link in REGISTRY.links[kind]]
    titled += [REGISTRY.whole.to] if area == "analytics" else []
    words = {mark(kind): kind.name for kind in MARKED if kind not in open_}
    words |= {mark(kind, "title"): kind.name for kind in NAMED if kind not in (*open_, *titled)}
    return words | ({} if area == REGISTRY.whole.to.area else {REASON: "membership"})


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
    assert mark(COMPANY) in us.alice.get(f"{path}?format=json").text
    assert mark(COMPANY, "title") in shown
    assert ids["c"] in shown
    assert shown.count(REASON) == 2


def test_who_joins_is_answered_by_the_handle_alone(home: House, us: Team, ids: dict[str, str]) -> None:
    clerk = narrowed(home, us.alice, "campaigns.read campaigns.write")
    email = "jane@acme.example"
    new(us.alice, "/contacts", name=mark(CONTACT), email=email)
    for headers in ({}, JSON):
        added = clerk.post(f"/campaigns/{ids['ca']}/members", json={"id": email, "reason": REASON}, headers=headers)
        assert added.is_success
        assert "contact/" in added.text
        assert mark(CONTACT) not in added.text
        assert email not in added.text
