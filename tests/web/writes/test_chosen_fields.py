"""`fields=` on every route whose answer shows records, as the route table has them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crmkit.web.route import Route
from tests.house import House
from tests.kinds import LOGGED
from tests.teams.office import JSON, address, enter, new
from tests.teams.rights.matrix import NOWHERE, Stand, filled, furnish, guarded
from tests.teams.rights.requests import aimed, others, requests
from tests.web.writes.test_every_write import BODIES, has_two_steps, second_step, with_parameter

SHOWING = [route for route in guarded() if route.takes_fields]
WRITES = [route for route in SHOWING if route.writes]
TOLD = {"operation", "remarks", "notes", "potential_duplicate"}  # beside what an answer shows of a record
SWITCHED_OFF = {"save_webhook": {"url": NOWHERE, "active": False}}  # else it writes while others are looked at
NEEDED = {"everywhere": "?q=jane"}  # what a request must send


@pytest.fixture(scope="module")
def stand(home: House) -> Stand:
    """Somebody with one of everything."""
    person = enter(home, address("alice"))
    stand = furnish(home, person, person.json_of("GET", "/whoami")["workspace"], "chosen", "chosen")
    for kind in LOGGED:
        new(person, f"/{kind.plural}/{stand.ids[kind.prefix]}/activities", body="on each")
    person.patch(f"/contacts/{stand.ids['c']}", json={"follow_up_at": "2026-06-01"})
    return stand


def request_of(route: Route, stand: Stand) -> tuple[str, str, Any]:
    method, path, body = next(requests(route))
    body = SWITCHED_OFF.get(route.name) or BODIES.get(route.name) or body
    ids = {**stand.ids, **others(stand.person, body)}
    return method, aimed(path, ids) + NEEDED.get(route.name, ""), filled(body, ids)


def common(route: Route) -> str:
    """Return a field that all records in the answers of a route have."""
    return next(name for name in ("created_at", "at") if all(name in kind.by_name for kind in route.shown))


def records_in(found: Any, nouns: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield every record of these kinds in some JSON."""
    if isinstance(found, dict):
        if str(found.get("handle")).partition("/")[0] in nouns:
            yield found
        for inner in found.values():
            yield from records_in(inner, nouns)
    elif isinstance(found, list):
        for inner in found:
            yield from records_in(inner, nouns)


def test_all_routes_of_kinds_take_fields_but_batches_counts_and_writes_by_filter() -> None:
    of_kinds = {route.name for route in guarded() if route.kind and not route.is_batch and not is_by_filter(route)}
    of_kinds -= {name for name in of_kinds if name.startswith("count_")}
    assert {route.name for route in SHOWING} == of_kinds | {"everywhere", "due", "brief"}


def shows_when_done(route: Route) -> bool:
    """Tell whether the answer shows records not only where the request is refused: a merge does, a delete does not."""
    return route.verb != "delete" or route.form is not None


@pytest.mark.slow
@pytest.mark.parametrize("route", [*filter(shows_when_done, SHOWING)], ids=lambda route: route.name)
def test_every_answer_shows_what_was_chosen_of_its_records(home: House, stand: Stand, route: Route) -> None:
    method, path, body = request_of(route, stand)
    name, nouns = common(route), tuple(kind.name for kind in route.shown)
    path = with_parameter(path, "fields", name)
    text = stand.person.send_it(method, with_parameter(path, "dry_run", "1") if route.writes else path, body).text
    if has_two_steps(route) and not path.startswith("/fields"):
        path = second_step(home, stand.person, method, path, body)
    answer = stand.person.send_it(method, path, body, headers=JSON)
    assert answer.status_code in (200, 201), answer.text
    shown = [*records_in(answer.json(), nouns)]
    assert shown, answer.text
    secrets = {field.name for kind in route.shown for field in kind.secrets}  # shown once, so always
    for record in shown:
        assert record.keys() - TOLD - secrets == {"handle", "id", name}
    if route.streams:
        assert text.startswith(f"handle,id,{name}\r\n"), text
        return
    lines = [line for line in text.splitlines() if line.partition("/")[0] in nouns]
    own = [line for line in lines if not any(f"  {secret}=" in line for secret in secrets)]
    assert all(line.count("  ") == 1 for line in own), text
    assert all(f"  {name}=" in line for line in lines), text


def is_by_filter(route: Route) -> bool:
    """Tell whether a route changes or deletes all that filters find, and tells how many."""
    return not {"PATCH", "DELETE"}.isdisjoint(route.methods) and "{" not in route.paths[0]


@pytest.mark.slow
@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
def test_an_unknown_field_is_refused_before_anything_is_written(
    stand: Stand, hashed: Callable[[], str], route: Route
) -> None:
    method, path, body = request_of(route, stand)
    before = hashed()
    answer = stand.person.send_it(method, with_parameter(path, "fields", "nmae"), body, headers=JSON)
    found = answer.json()
    assert (answer.status_code, found["error"], [*found["fields"]]) == (400, "invalid_value", ["fields"]), found
    assert '"nmae" is no field of ' in found["fields"]["fields"]
    assert hashed() == before
