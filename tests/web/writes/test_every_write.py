"""Every write of the route table: tried as a dry run it leaves nothing behind, under a key it is done once."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.web.route import ANY, Route
from tests.house import House, Person
from tests.teams.office import JSON, Books, address, enter, error_of
from tests.teams.rights.matrix import Stand, filled, furnish, guarded
from tests.teams.rights.requests import aimed, others, requests
from tests.web.writes.conftest import hash_of, prompt_office

WRITES = [route for route in guarded() if route.writes]
BODIES: dict[str, Any] = {  # where what the matrix has would be refused
    "save_field": {"kind": "contact", "key": "another", "type": "text"},
    "change_field": {"about": "Mine"},
    "change_view": {"path": "/deals?status=open"},
}
ENDING = ("end_account", "delete_workspace")  # the token that sends them
AT_WORK = ("start_import", "save_webhook", "change_webhook", "test_webhook", "redeliver")  # a job goes on meanwhile
STEPS = {"confirmation_required": "confirm", "escalation_required": "code"}
_numbers = count(1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A server for each test, so that a hash over all rows reads few."""
    with prompt_office(tmp_path / "data") as running:
        yield running


@pytest.fixture
def hashed(home: House, stand: Stand) -> Iterator[Callable[[], str]]:
    with Books(home.folder) as books:
        yield partial(hash_of, home, books, stand.person)


@pytest.fixture
def stand(home: House) -> Stand:
    """Somebody with one of everything."""
    tag, person = f"every{next(_numbers)}", enter(home, address("alice"))
    return furnish(home, person, person.json_of("GET", "/whoami")["workspace"], tag, tag)


def request_of(route: Route, stand: Stand) -> tuple[str, str, Any]:
    """Return a request to the route that is done, perhaps in a second step."""
    method, path, body = next(requests(route))
    body = BODIES.get(route.name) or body
    ids = {**stand.ids, **others(stand.person, body)}
    return method, aimed(path, ids), filled(body, ids)


def second_step(home: House, person: Person, method: str, path: str, body: Any) -> str:
    """Return the path with what the first step showed or mailed, if there are two."""
    with Person(home.url, person.token) as twin:
        step = STEPS[error_of(asked := twin.send_it(method, path, body, headers=JSON))[1]]
    shown = asked.json()["confirm"] if step == "confirm" else home.letterbox.code_for(person.email)
    return with_parameter(path, step, shown)


def with_parameter(path: str, name: str, value: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{name}={value}"


def test_a_write_that_takes_no_body_refuses_one(home: House, stand: Stand, hashed: Callable[[], str]) -> None:
    bare = [route for route in WRITES if not route.takes_body]
    assert {"DELETE", "POST"} == {method for route in bare for method in route.methods}
    before, letters = hashed(), len(home.letterbox.letters)
    for route in bare:
        method, path, _ = request_of(route, stand)
        body = {"bogus": 1, **({route.query[0]: "x"} if route.query and route.query != ANY else {})}
        answer = stand.person.send_it(method, path, body, headers=JSON)
        assert error_of(answer) == (400, "unknown_field"), (route.name, answer.text)
        told = answer.json()
        assert "takes no body" in told["hint"]
        assert list(told["fields"]) == list(body), route.name
        assert all(f"?{name}=…" in told["hint"] for name in body if name != "bogus"), (route.name, told)
    assert hashed() == before
    assert len(home.letterbox.letters) == letters


@pytest.mark.slow
@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
def test_a_dry_run_leaves_nothing_and_the_write_is_done_once(
    home: House, stand: Stand, hashed: Callable[[], str], route: Route
) -> None:
    person = stand.person
    if route.name == "end_account":  # else she is the last admin of another's workspace
        assert person.delete(f"/workspaces/{stand.workspace}/members/{stand.ids['u']}").status_code == 200
    method, path, body = request_of(route, stand)
    before, letters = hashed(), len(home.letterbox.letters)
    dry = with_parameter(path, "dry_run", "1")
    tried, tried_json = (person.send_it(method, dry, body, headers=headers) for headers in ({}, JSON))
    assert tried.status_code == tried_json.status_code in (200, 201, 202), tried.text
    assert tried.text.endswith("\n# dry run: nothing was written\n")
    assert tried_json.json()["dry_run"] is True
    assert {"X-Operation", "Idempotent-Replayed"}.isdisjoint(tried.headers)
    assert "# undo:" not in tried.text
    assert hashed() == before
    assert len(home.letterbox.letters) == letters

    if has_two_steps(route):
        path = second_step(home, person, method, path, body)
    key = {"Idempotency-Key": f"every write {next(_numbers)}", **JSON}
    done = person.send_it(method, path, body, headers=key)
    assert done.status_code == tried.status_code, done.text
    shown = done.json()
    assert "dry_run" not in shown
    assert shown.get("count") != 0
    told = {"dry_run", "operation", "next"}  # there is no next call on what a dry run did not keep
    assert shown.keys() - told == tried_json.json().keys() - told
    assert shown.get("operation") == done.headers.get("X-Operation")
    if route.name not in ENDING:
        after = hashed()
        again = person.send_it(method, path, body, headers=key | {"Accept": "text/plain"})
        assert (again.status_code, again.headers["Idempotent-Replayed"]) == (done.status_code, "true")
        assert without_token(again) == without_token(done)
        assert route.name in AT_WORK or hashed() == after


def has_two_steps(route: Route) -> bool:
    """Tell whether a request is done when it is sent again; a change of records that it names by id is done at once."""
    takes_confirm = "confirm" in route.query or (route.query == ANY and route.verb == "delete")
    return takes_confirm or route.name in (*ENDING, "invite", "set_role")


def without_token(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name not in ("token", "secret", "url", "notes")}
