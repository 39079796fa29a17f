"""Who lost a right is refused with the next request, at every server: also while all of them are busy."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from crmkit import boot
from crmkit.core.people import operator
from crmkit.storage.interface.lanes import mail_lane
from tests.core.crowd import Call, at_once
from tests.house import Person
from tests.storms.place import Place

pytestmark = pytest.mark.slow

ROUNDS = 100  # over all rights
REST_SECONDS = 0.02  # of each who is busy, between two requests


def busy(url: str, token: str, number: int, stop: threading.Event) -> None:
    """Write and read until it is time to stop."""
    with Person(url, token) as person:
        while not stop.is_set():
            answer = person.post("/contacts", json={"name": f"Busy {number}", "email": f"busy{number}@acme.com"})
            assert answer.status_code in (200, 201), answer.text
            assert person.get("/contacts?search=busy").status_code == 200
            time.sleep(REST_SECONDS)


@contextmanager
def load(town: Place) -> Iterator[Person]:
    """Keep every server busy until the block ends, each by somebody who writes in one workspace."""
    grace, stop = town.newcomer("grace"), threading.Event()
    threads = [
        threading.Thread(target=busy, args=(url, grace.token, number, stop)) for number, url in enumerate(town.urls)
    ]
    for thread in threads:
        thread.start()
    try:
        yield grace
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def ended_token(town: Place, alice: Person, bob: Person) -> None:
    id = bob.json_of("GET", "/tokens")["items"][0]["id"]
    assert bob.delete(f"/tokens/{id}").status_code == 200


def removed(town: Place, alice: Person, bob: Person) -> None:
    assert alice.delete(town.member(bob)).status_code == 200


def left(town: Place, alice: Person, bob: Person) -> None:
    assert bob.delete(town.member(bob)).status_code == 200


def disabled(town: Place, alice: Person, bob: Person) -> None:
    """By the operator's command, beside the servers."""
    boot.run(town.settings, lambda tx: operator.switch(tx, bob.email, True), [mail_lane(bob.email)])


def ended_account(town: Place, alice: Person, bob: Person) -> None:
    code = bob.json_of("DELETE", "/me")["local_code"]
    assert bob.delete(f"/me?code={code}").status_code == 200


def ended_app(town: Place, alice: Person, bob: Person) -> None:
    """As the app itself does when it is disconnected (RFC 7009)."""
    with Person(town.url) as app:
        assert app.post("/revoke", data={"token": bob.token}).status_code == 200


def demoted(town: Place, alice: Person, bob: Person) -> None:
    assert alice.post(f"{town.member(bob)}/role", json={"role": "member"}).status_code == 200


def whole(town: Place, bob: Person) -> list[Call]:
    """Return requests that need a living token."""
    return [
        Call("GET", "/whoami"),
        Call("GET", "/contacts?limit=1"),
        Call("POST", "/contacts", {"name": "Too late"}),
        Call("GET", "/contacts/export?format=csv"),
    ]


def of_admins(town: Place, bob: Person) -> list[Call]:
    path = f"/workspaces/{town.workspace(bob)}"
    return [
        Call("PATCH", path, {"name": "Too late"}),
        Call("PUT", "/pipelines/deals", {"stages": [{"name": "late"}]}),
        Call("POST", f"{path}/invites", {"email": "late@example.com"}),
        Call("GET", "/webhooks"),
    ]


Ends = Callable[[Place, Person, Person], None]
RIGHTS: list[tuple[Ends, Callable[[Place, Person], list[Call]], int]] = [
    (ended_token, whole, 401),
    (removed, whole, 401),
    (left, whole, 401),
    (disabled, whole, 401),
    (ended_account, whole, 401),
    (ended_app, whole, 401),
    (demoted, of_admins, 403),
]


def joined(town: Place, alice: Person, end: Ends) -> Person:
    """Return Bob, who works in Alice's workspace: as its admin, or by an app, where it is about that."""
    bob = town.joins(alice, "bob", "admin" if end is demoted else "member")
    if end is ended_app:
        bob = town.holder(town.app().token(bob.email, town.workspace(alice)), bob.email)
    return bob


@pytest.mark.parametrize(("end", "asks", "refused"), RIGHTS, ids=[end.__name__ for end, *_ in RIGHTS])
def test_who_lost_a_right_at_one_server_has_it_at_none_from_the_answer_on(
    town: Place, alice: Person, end: Ends, asks: Callable[[Place, Person], list[Call]], refused: int
) -> None:
    with load(town):
        for number in range(ROUNDS // len(RIGHTS) + 1):
            bob = joined(town, alice, end)
            calls = [call for call in asks(town, bob) for _ in town.urls]  # each at each server
            with ExitStack() as stack:
                lines = [stack.enter_context(Person(url, bob.token)) for url in town.urls]
                paths = [call.path for call in calls if call.method == "GET"]
                assert {line.get(path).status_code for line in lines for path in paths[:1]} == {200}
                end(town, alice, bob)
                found: dict[Any, int] = {}
                # new connections, and those that were open before
                for call, answer in zip(calls, at_once(town.urls, calls, bob.token), strict=True):
                    found[call.method, call.path, answer.body] = answer.status_code
                for line in lines:
                    found[line.base_url] = line.get(paths[0]).status_code
            assert set(found.values()) == {refused}, (number, found)
    assert alice.json_of("GET", "/contacts?name=Too late")["total"] == 0
