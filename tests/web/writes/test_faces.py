"""Every write of every face: tried as a dry run it leaves nothing behind, under a key it is done once and logged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit.web.route import Route
from tests.faces.requests import ON, WRITES, belongings, request_of
from tests.house import House, Person
from tests.teams.office import Books, address, enter
from tests.web.writes.conftest import hash_of, prompt_office

SCORES = ("klozeo_score_lead", "klozeo_score_leads")  # a score is in no log, a run of all has one entry
LISTENS = ("klozeo_create_webhook",)  # a job goes on meanwhile


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    """A server for each test, so that a hash over all rows reads few."""
    with prompt_office(tmp_path / "data", ON) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Person:
    return enter(home, address("alice"))


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
def test_a_dry_run_leaves_nothing_and_the_write_is_done_once_and_logged(
    home: House, alice: Person, route: Route
) -> None:
    method, path, body = request_of(route, belongings(alice))
    with Books(home.folder) as books:
        before, entries = hash_of(home, books, alice), newest(alice)
        dry = alice.send_it(method, f"{path}?dry_run=1", body)
        assert (dry.status_code < 300, dry.json()["dry_run"]) == (True, True)
        assert "X-Operation" not in dry.headers
        assert hash_of(home, books, alice) == before
        key = {"Idempotency-Key": f"{route.name}"}
        done = alice.send_it(method, path, body, headers=key)
        assert done.status_code == (204 if route.status == 204 else dry.status_code), done.text
        if done.content:
            assert dry.json().keys() - {"dry_run"} == done.json().keys()
        after = hash_of(home, books, alice)
        again = alice.send_it(method, path, body, headers=key)
        assert (again.status_code, again.content) == (done.status_code, done.content)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert route.name in LISTENS or hash_of(home, books, alice) == after
    assert f"method={method}  path={route.paths[0].partition('{')[0]}" in home.logged()
    if route.name == SCORES[0]:
        assert newest(alice) == entries
        return
    assert newest(alice) != entries
    operation, what = done.headers["X-Operation"], route.kind or route.area
    undone = alice.post(f"/undo/{operation}")
    is_undone = route.name not in SCORES and not getattr(what, "secrets", ())
    assert (undone.status_code == 200) is is_undone, undone.text


def newest(person: Person) -> object:
    return person.json_of("GET", "/audit?limit=1")["items"]
