"""The routes of all faces: one workspace never sees another, and a token opens just what a route says it needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from msgspec.structs import replace

from crmkit import ids
from crmkit.faces.konektor.words import SCOPES
from crmkit.model.access import WORDS, Access
from crmkit.web.route import Route
from tests.faces.requests import GUARDED, ON, furnished, meant, request_of
from tests.house import House, Person
from tests.teams.office import Books, Team, address, enter, office, team
from tests.teams.rights.matrix import CANARY, Place, World, furnish
from tests.teams.rights.scopes.test_scopes import SINGLE, key, wants

LIMITS = {"CRMKIT_LIMITS_CONNECTIONS_PER_CLIENT": "0"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("faces") / "data", ON | LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def world(home: House) -> Iterator[World]:
    us: Team = team(home)
    victim = furnish(home, us.alice, us.id, CANARY, "victim")
    victim.ids = furnished(us.alice, victim.ids)
    charlie = furnish(home, us.charlie, us.charlie.json_of("GET", "/whoami")["workspace"], "charlie", "charlie")
    charlie.ids = furnished(us.charlie, charlie.ids)
    home.rested()
    with Books(home.folder) as books:
        yield World(home, books, victim, charlie, charlie)


@dataclass(frozen=True)
class Spot:
    """One id in the path of a request: which placeholder of the route, the prefix of ours, how the face has it."""

    route: Route
    method: str
    name: str
    prefix: str
    shown: Callable[[str], str]

    def __str__(self) -> str:
        return f"{self.method} {self.route.paths[0]} {self.name}"


def spots(routes: list[Route]) -> list[Spot]:
    return [Spot(each, method, *place) for each in routes for method in each.listed_methods for place in meant(each)]


SPOTS = spots(GUARDED)


def place_of(world: World, spot: Spot) -> Place:
    """Return a request of the attacker with {} in place of one id and his own in place of the others."""
    path = spot.route.paths[0].replace(f"{{{spot.name}}}", "{}")
    _, aimed, body = request_of(replace(spot.route, paths=(path,)), world.charlie.ids)
    return Place(spot.method, aimed, spot.prefix, body)


@pytest.mark.parametrize("spot", SPOTS, ids=str)
def test_an_id_of_another_workspace_is_answered_like_one_that_never_existed(world: World, spot: Spot) -> None:
    place = place_of(world, spot)

    def tried(own: str) -> object:
        return world.tried(world.charlie, place, spot.shown(own), "text/plain", answers=(404,), also=(own,))

    unknown = tried(ids.mint(spot.prefix))
    for foreign in (world.victim.ids, world.victim.gone):
        assert tried(foreign[spot.prefix]) == unknown
    if spot.prefix != "c" or spot.name == "id":  # the id of an attribute is made of that of its lead
        wrong = next(prefix for prefix in ("d", "t") if prefix != spot.prefix)
        assert tried(ids.mint(wrong))[0] == 404  # type: ignore[index]


def test_bodies_and_lists_reach_no_other_workspace(world: World) -> None:
    """An id in a body is one of leads; what is answered with 207 or 404 tells of a foreign one what it does of none."""
    naming = [each for each in GUARDED if "ids" in str(request_of(each, world.charlie.ids)[2])]
    assert {each.name for each in naming} == {"klozeo_change_leads", "klozeo_delete_leads"}
    before = world.digest()
    for each in naming:
        answers = []
        for id in (ids.mint("c"), world.victim.ids["c"], world.victim.gone["c"]):
            method, path, body = request_of(each, {**world.charlie.ids, "c": id})
            answer = world.charlie.person.send_it(method, path, body)
            assert (answer.status_code, answer.json()["failed"]) == (207, 1)
            answers.append(answer.text.replace(body["ids"][0], "ID").replace(id, "ID"))
        assert len(set(answers)) == 1, answers
    for each in (each for each in GUARDED if each.verb == "read"):
        method, path, _ = request_of(each, world.charlie.ids)
        answer = world.charlie.person.send_it(method, path)
        assert answer.status_code == 200, answer.text
        assert CANARY not in answer.text.lower()
    assert world.digest() == before


def test_the_request_with_ones_own_id_is_done(world: World) -> None:
    """So the id was what was wrong. Leads are deleted last, of several routes by the first."""
    removing = [each for each in GUARDED if each.verb == "delete"]
    others = [each for each in GUARDED if each not in removing]
    for each in (*others, *sorted(removing, key=lambda route: route.paths[0], reverse=True)):
        method, path, body = request_of(each, world.victim.ids)
        answer = world.victim.person.send_it(method, path, body)
        assert answer.status_code in (200, 201, 204, 207), (each.name, answer.text)


@pytest.fixture(scope="module")
def keys(home: House) -> tuple[Person, dict[str, str], dict[str, Person]]:
    """Somebody with one of everything, its ids, and a token for each access."""
    person = enter(home, address("ring"))
    workspace = person.json_of("GET", "/whoami")["workspace"]
    own = furnished(person, furnish(home, person, workspace, "ring", "ring").ids)
    return person, own, {words: key(person, workspace, words) for words in (*WORDS, *SINGLE)}


# how the faces say that a scope is missing
REFUSED = ("is missing: ask for an API key with this scope", "Ask for one whose token has")


def is_named(scope: str, text: str) -> bool:
    """Tell whether a refusal names a scope, as Konektor calls it or as ours."""
    theirs = [word for word, ours in SCOPES.items() if scope in ours]
    return any(word in text for word in REFUSED) and any(word in text for word in (scope, *theirs))


@pytest.mark.parametrize("of", GUARDED, ids=lambda each: each.name)
def test_a_route_is_open_to_exactly_those_tokens_that_have_the_scopes_it_needs(
    home: House, keys: tuple[Person, dict[str, str], dict[str, Person]], of: Route
) -> None:
    person, own, held = keys
    assert of.needs
    _, path, body = request_of(of, own)
    tried = f"{path}{'&' if '?' in path else '?'}dry_run=1" if of.writes else path
    for method in of.listed_methods:
        done = person.send_it(method, tried, body).status_code
        assert done < 300
        for words, each in held.items():
            missing = wants(Access(words), of)
            answer = each.send_it(method, tried if missing is None else path, body)
            if missing is not None:
                assert answer.status_code == 403, (words, answer.text)
                assert is_named(missing, answer.text), answer.text
            elif answer.status_code != done:  # for what else the body asks for
                assert answer.status_code in (202, 403), (words, answer.text)
                assert not any(is_named(need, answer.text) for need in of.needs), answer.text


def test_a_route_with_an_id_that_nobody_knows_fails() -> None:
    unknown = replace(SPOTS[0].route, paths=("/api/v1/widgets/{id}",))
    with pytest.raises(AssertionError, match="nobody knows what an id"):
        spots([unknown])
