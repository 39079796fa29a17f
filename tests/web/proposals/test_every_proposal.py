"""Every write of the route table by a token that proposes: what may be proposed waits as it is shown, no other does."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from crmkit.model.access import PROPOSE, Access
from crmkit.web.route import Route
from tests.house import House, Person
from tests.teams.office import JSON, address, enter, error_of, holding
from tests.teams.rights.matrix import Stand, filled, furnish, guarded
from tests.teams.rights.requests import aimed, others, requests
from tests.web.proposals.conftest import Firm

WRITES = [route for route in guarded() if route.writes]
PROPOSED = [route for route in WRITES if route.may_be_proposed]
# where what the matrix has would change nothing
MORE = {"add_campaign_member": {"reason": "another"}, "change_conversion": {"failure": "another"}}


@pytest.fixture(scope="module")
def stand(home: House) -> Stand:
    """Somebody with one of everything."""
    person = enter(home, address("walker"))
    return furnish(home, person, person.json_of("GET", "/whoami")["workspace"], "walk", "walk")


@pytest.fixture(scope="module")
def bot(home: House, stand: Stand) -> Person:
    return holding(home, stand.person, stand.workspace, Access(PROPOSE))


def test_only_writes_of_records_and_activities_may_be_proposed() -> None:
    assert {route.paths[0].split("/")[1] for route in PROPOSED} == {
        *("contacts", "companies", "deals", "tasks", "tickets", "campaigns", "conversions", "activities")
    }


@pytest.mark.parametrize("route", [each for each in WRITES if not each.may_be_proposed], ids=lambda route: route.name)
def test_nothing_else_is_done(stand: Stand, bot: Person, firm: Firm, hashed: Callable[[], str], route: Route) -> None:
    for method, path, body in requests(route):
        before = hashed()
        for query in ("", "?dry_run=1"):
            answer = bot.send_it(method, aimed(path, stand.ids) + query, filled(body, stand.ids))
            assert error_of(answer) == (403, "scope_required"), f"{method} {path} {answer.text}"
        assert hashed() == before


@pytest.mark.parametrize("route", PROPOSED, ids=lambda route: route.name)
def test_what_is_approved_is_what_was_shown(home: House, stand: Stand, bot: Person, route: Route) -> None:
    person = stand.person
    for method, path, body in requests(route):
        ids = {**stand.ids, **others(person, body)}
        sent = filled({**body, **MORE.get(route.name, {})} if body is not None else None, ids)
        before = entries(person)
        answer = bot.send_it(method, aimed(path, ids), sent, headers=JSON)
        assert answer.status_code == 202, answer.text
        waits = answer.json()
        assert waits["changes"]
        assert entries(person) == before
        home.clock.move(minutes=5)
        done = person.post(f"/proposals/{waits['id']}/approve", headers=JSON)
        assert done.status_code in (200, route.status), done.text
        now = entries(person)
        approval, *written = now[: now.index(before[0])]
        assert (approval["action"], approval["target"]) == ("proposal.approve", waits["handle"])
        for shown, entry in zip(waits["changes"], reversed(written), strict=True):
            changes = pairs(entry["changes"])
            assert shown["action"] == entry["action"]
            assert agrees(shown["target"].partition("/")[2], entry["target"].partition("/")[2])
            assert shown["changes"].keys() == changes.keys() - {"last_interaction_at"}
            for name, both in shown["changes"].items():
                assert all(map(agrees, both, changes[name])), f"{name}: {both} was shown, {changes[name]} written"
        assert person.post(f"/undo/{done.json()['operation']}").status_code == 200


def agrees(shown: Any, written: Any) -> bool:
    """Tell whether a value is the one that was shown, or one that the write itself gives."""
    return bool(shown == written or re.fullmatch("next|new[0-9]+", str(shown)))


def entries(person: Person) -> list[Any]:
    """Return the newest entries of the log."""
    found: list[Any] = person.json_of("GET", "/audit?limit=50")["items"]
    return found


def pairs(changes: Any) -> dict[str, list[Any]]:
    """Return [old, new] of each field of an entry."""
    if isinstance(changes, dict):
        return changes
    before, after = (part or {} for part in changes)
    return {name: [before.get(name), after.get(name)] for name in {**before, **after}}
