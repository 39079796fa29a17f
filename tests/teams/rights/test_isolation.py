"""One workspace never sees, changes or even notices another, over every route and every id in it (see matrix.py)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from attack.places import Unknown
from crmkit import ids
from crmkit.render.answers import Answer
from crmkit.web.call import HttpCall
from crmkit.web.route import read
from tests.house import House
from tests.kinds import KINDS, PREFIXES
from tests.teams.office import Books, Team, address, enter, error_of, new, team, working_in
from tests.teams.rights.matrix import (
    CANARY,
    Place,
    World,
    body_places,
    filled,
    furnish,
    guarded,
    named,
    path_places,
    planned_import,
    proposed,
    query_places,
)


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


def spots(places: Iterable[Place]) -> list[tuple[Place, set[str]]]:
    """Return each place once, whatever may stand there, with the prefixes of the ids that may."""
    found: dict[str, tuple[Place, set[str]]] = {}
    for place in places:
        found.setdefault(named(replace(place, prefix="")), (place, set()))[1].add(place.prefix)
    return list(found.values())


PLACES = [*path_places(guarded()), *body_places(guarded()), *query_places(guarded())]
SPOTS = [pytest.param(place, prefixes, id=named(place)) for place, prefixes in spots(PLACES)]


@pytest.mark.slow
@pytest.mark.parametrize(("spot", "prefixes"), SPOTS)
def test_an_id_of_another_workspace_is_answered_like_one_that_never_existed(
    world: World, spot: Place, prefixes: set[str]
) -> None:
    for place in (replace(spot, prefix=prefix) for prefix in sorted(prefixes)):
        for stand in (world.charlie, world.dora):
            if stand is world.dora and place.where == "path" and place.prefix in ("ws", "tok"):
                continue  # she belongs there: those are hers to use
            for accept in ("text/plain", "application/json"):
                unknown = world.tried(stand, place, ids.mint(place.prefix), accept)
                for foreign in (world.victim.ids, world.victim.gone):
                    assert world.tried(stand, place, foreign[place.prefix], accept) == unknown, place.prefix
                    world.tally["pairs"] += 1


@pytest.mark.slow
@pytest.mark.parametrize(("spot", "prefixes"), [spot for spot in SPOTS if spot.values[1] != set(PREFIXES)])
def test_an_id_of_the_wrong_kind_does_not_tell_whose_it_is(world: World, spot: Place, prefixes: set[str]) -> None:
    for prefix in (prefix for prefix in PREFIXES if prefix not in prefixes):
        unknown = world.tried(world.charlie, spot, ids.mint(prefix), "application/json")
        assert world.tried(world.charlie, spot, world.victim.ids[prefix], "application/json") == unknown, prefix
        world.tally["pairs"] += 1
        if spot.where == "path":
            assert unknown[0] == 404


@pytest.mark.parametrize("place", [place for place in PLACES if place.where == "path"], ids=named)
def test_a_deleted_id_of_ones_own_is_refused_as_deleted_but_for_its_log(world: World, place: Place) -> None:
    gone, is_log = world.charlie.gone[place.prefix], place.path.endswith(("/history", "/blame"))
    answers = (200,) if is_log else (403, 404)
    _, _, content = world.tried(world.charlie, place, gone, "application/json", answers=answers)
    if is_log:
        return
    if place.prefix in ("c", "co", "d", "a") and place.method != "HEAD":
        assert b" was deleted at 2026-" in content


@pytest.mark.parametrize("place", [place for place in PLACES if place.where == "path"], ids=named)
def test_a_request_of_the_matrix_with_ones_own_id_is_done_or_asks_for_its_second_step(
    home: House, world: World, place: Place
) -> None:
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
    elif place.prefix == "imp":
        made["imp"] = planned_import(charlie, "spare")
    elif place.prefix == "pr":
        made["pr"] = proposed(home, charlie, made["ws"], "spare")
    path = place.path.replace("{}", made[place.prefix])
    for prefix, id in made.items():
        path = path.replace(f"{{{prefix}}}", id)
    if path.endswith("/merge"):
        made[place.prefix] = new(charlie, path.removesuffix(f"/{made[place.prefix]}/merge"), name="spare")
    if place.method == "DELETE" and path.startswith("/campaigns/"):
        charlie.post(f"/campaigns/{made['ca']}/members", json={"id": path.rpartition("/")[2]})
    body = filled(place.body, made)
    answer = charlie.send_it(place.method, path, body, headers={"Accept": "application/json"})
    done = answer.status_code in (200, 201, 202)
    assert done or error_of(answer)[1] in ("confirmation_required", "escalation_required"), answer.text


@pytest.mark.parametrize("text", [CANARY, CANARY[:5], CANARY.upper(), "zebracanray", "zebracanary Corp"])
def test_a_search_finds_no_words_of_another_workspace(world: World, text: str) -> None:
    for stand in (world.charlie, world.dora):
        for path in ("/search?q=", *(f"/{kind.plural}?search=" for kind in KINDS)):
            assert CANARY not in stand.person.get(f"{path}{text}").text.replace(text, "").lower()
            shown = stand.person.json_of("GET", f"{path}{text}")
            assert not any(shown.get(name) for name in ("items", *(kind.plural for kind in KINDS))), shown
    found = world.victim.person.json_of("GET", f"/search?q={text}")
    assert len(found["contacts"]) >= 1 or text == "zebracanary Corp"
    assert len(found["companies"]) == 1


def test_a_cursor_of_another_workspace_is_refused(world: World) -> None:
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


def test_an_email_or_a_domain_of_another_workspace_is_free_to_use(world: World) -> None:
    before = world.victim.person.json_of("GET", f"/contacts/{world.victim.ids['c']}")
    email = before["email"]
    theirs = world.charlie.person.post("/contacts", json={"name": "Mine", "email": email}, headers={"Accept": "*/*"})
    assert theirs.status_code == 201
    assert CANARY not in theirs.text
    domain = world.victim.person.json_of("GET", f"/companies/{world.victim.ids['co']}")["domain"]
    assert world.dora.person.post("/companies", json={"name": "Mine", "domain": domain}).status_code == 201
    assert world.victim.person.json_of("GET", f"/contacts/{world.victim.ids['c']}") == before


def test_the_matrix_has_ids_of_every_kind_in_paths_bodies_and_queries(world: World) -> None:
    """What was tried, for whoever reads the run; the floor under the figures keeps a broken generator from passing."""
    print(f"\nplaces {len(PLACES)}, {dict(world.tally)}")
    assert Counter(place.where for place in PLACES).keys() == {"path", "body", "query"}
    assert len({(place.method, place.path) for place in PLACES if place.where == "path"}) >= 35
    assert {place.prefix for place in PLACES} == set(PREFIXES)


@pytest.mark.parametrize("path", ["/widgets/{id}", "/contacts/merge/{id}"])
def test_a_route_with_an_id_that_the_matrix_does_not_know_fails(path: str) -> None:
    @read(path, area="*")
    async def unknown(call: HttpCall, id: str) -> Answer:
        raise NotImplementedError

    with pytest.raises(Unknown, match="what an id after"):
        list(path_places([unknown]))


def test_a_query_parameter_that_the_matrix_does_not_know_fails() -> None:
    @read("/contacts/{id}/related", area="*", query=("widget",))
    async def unknown(call: HttpCall, id: str) -> Answer:
        raise NotImplementedError

    with pytest.raises(AssertionError, match="takes an id"):
        list(query_places([unknown]))


def test_a_new_route_is_in_the_matrix_without_a_line_of_its_own() -> None:
    @read("/deals/{id}/history", area="*", query=("contact",))
    async def fresh(call: HttpCall, id: str) -> Answer:
        raise NotImplementedError

    assert [(p.method, p.path, p.prefix) for p in path_places([fresh])] == [
        ("GET", "/deals/{}/history", "d"),
        ("HEAD", "/deals/{}/history", "d"),
    ]
    assert [p.path for p in query_places([fresh]) if p.method == "GET"] == [
        "/deals/{d}/history?contact={}",
        "/deals/{d}/history?contact=contact/{}",
    ]
