"""`?dry_run=1` answers as the write would, and nothing of it is there afterwards (each route: see test_every_write)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crmkit.model.access import READ, Access
from crmkit.web.route import Route
from tests.house import House, Person
from tests.teams.office import JSON, holding, new, stepped, team
from tests.teams.rights.matrix import PLACEHOLDER, guarded

TRAILER = "# dry run: nothing was written"


def test_a_dry_create_shows_the_record_without_an_id(alice: Person) -> None:
    body = {"name": "Jane", "company": {"name": "Acme"}}
    told = alice.post("/contacts?dry_run=1", json=body)
    assert told.status_code == 201
    first, *more = told.text.splitlines()
    assert first.startswith("contact/new  name=Jane  company_id=new  company_name=Acme  version=1  ")
    assert more == ["# created", TRAILER]
    assert "X-Operation" not in told.headers
    shown = alice.post("/contacts?dry_run=1", json=body, headers=JSON).json()
    assert (shown["handle"], shown["id"], shown["company_id"], shown["dry_run"]) == (None, None, None, True)
    assert "operation" not in shown
    assert alice.json_of("GET", "/contacts")["items"] == []
    assert alice.json_of("GET", "/companies")["items"] == []


@pytest.mark.parametrize("word", ["1", "true", "TRUE"])
def test_a_dry_change_shows_the_record_as_it_would_be(alice: Person, word: str) -> None:
    id = new(alice, "/contacts", name=f"Word {word}")
    told = alice.patch(f"/contacts/{id}?dry_run={word}", json={"stage": "lead"})
    assert told.status_code == 200
    assert f"contact/{id}  " in told.text
    assert "  stage=lead  version=2  " in told.text
    assert told.text.endswith(f"\n{TRAILER}\n")
    assert alice.json_of("GET", f"/contacts/{id}")["version"] == 1


@pytest.mark.parametrize("word", ["0", "false"])
def test_a_write_that_says_it_is_no_dry_run_is_none(alice: Person, word: str) -> None:
    told = alice.post(f"/contacts?dry_run={word}", json={"name": "Zoe"})
    assert TRAILER not in told.text
    assert told.headers["X-Operation"]


@pytest.mark.parametrize("query", ["dry_run=2", "dry_run=", "dry_run=yes", "dry_run=1&dry_run=1"])
def test_a_dry_run_that_is_none_writes_nothing(alice: Person, query: str) -> None:
    told = alice.post(f"/contacts?{query}", json={"name": "Nobody"}, headers=JSON)
    assert (told.status_code, told.json()["error"]) == (400, "invalid_value")
    assert list(told.json()["fields"]) == ["dry_run"]
    assert alice.json_of("GET", "/contacts?name=Nobody")["items"] == []


def test_a_read_takes_no_dry_run(alice: Person) -> None:
    assert alice.get("/whoami?dry_run=1").text.startswith("ERROR invalid_filter\n")
    assert alice.get("/contacts?dry_run=1").text.startswith("ERROR invalid_filter\n")


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("POST", "/contacts?dry_run=1", {"nam": "Jane"}, "unknown_field"),
        ("POST", "/contacts?dry_run=1", {}, "missing_field"),
        ("POST", "/contacts?dry_run=1&what=1", {"name": "Jane"}, "invalid_filter"),
        ("PATCH", "/contacts/nobody@example.com?dry_run=1", {"name": "Jane"}, "not_found"),
        ("DELETE", "/contacts/c_nobody?dry_run=1", None, "not_found"),
        ("PATCH", "/contacts/zz?dry_run=1", {"name": "Jane"}, "not_found"),
        ("POST", "/nopath?dry_run=1", {"name": "Jane"}, "unknown_path"),
        ("PUT", "/contacts?dry_run=1", {"name": "Jane"}, "method_not_allowed"),
        ("POST", "/contacts?x=%FF&dry_run=yes", {"name": "Jane"}, "invalid_value"),
    ],
)
def test_a_dry_run_that_is_refused_says_that_it_is_one(
    alice: Person, method: str, path: str, body: Any, code: str
) -> None:
    told = alice.send_it(method, path, body)
    assert told.text.startswith(f"ERROR {code}\n")
    assert told.text.endswith(f"\n{TRAILER}\n")
    shown = alice.send_it(method, path, body, headers=JSON).json()
    assert (shown["error"], shown["dry_run"]) == (code, True)


WRITES = [
    (method, path, route) for route in guarded() if route.writes for path in route.paths for method in route.methods
]


@pytest.fixture(scope="module")
def refused_ones(home: House, alice: Person) -> Iterator[list[Person]]:
    """Alice with a token that only reads, and somebody without any."""
    workspace = alice.json_of("GET", "/whoami")["workspace"]
    with Person(home.url) as nobody:
        yield [holding(home, alice, workspace, Access(READ), "reader"), nobody]


@pytest.mark.parametrize(("method", "path", "route"), WRITES, ids=[f"{method} {path}" for method, path, _ in WRITES])
def test_every_dry_run_that_the_gate_refuses_says_that_it_is_one(
    refused_ones: list[Person], method: str, path: str, route: Route
) -> None:
    path = f"{PLACEHOLDER.sub('zz', path)}?dry_run=1"
    for person in refused_ones:
        told = person.send_it(method, path)
        assert told.text.endswith(f"\n{TRAILER}\n"), told.text
        assert person.send_it(method, path, headers=JSON).json()["dry_run"] is True
    assert told.status_code == 401


def test_a_dry_run_in_an_unknown_format_says_that_it_is_one(alice: Person) -> None:
    told = alice.post("/contacts?dry_run=1&format=odd", json={"name": "Jane"})
    assert told.text.startswith("ERROR unknown_format\n")
    assert told.text.endswith(f"\n{TRAILER}\n")


def test_what_is_no_dry_run_is_not_told_to_be_one_where_it_is_refused(alice: Person) -> None:
    for method, path in (("PATCH", "/contacts/zz?dry_run=0"), ("POST", "/nopath"), ("GET", "/nopath?dry_run=1")):
        told = alice.send_it(method, path)
        assert (told.status_code, TRAILER in told.text) == (404, False)


def test_a_dry_delete_answers_as_if_confirmed_and_uses_no_token_up(alice: Person) -> None:
    path = f"/contacts/{new(alice, '/contacts', name='Going')}"
    confirm = alice.delete(path, headers=JSON).json()["confirm"]
    for query in ("dry_run=1", f"dry_run=1&confirm={confirm}", "dry_run=1&confirm=wrong"):
        told = alice.delete(f"{path}?{query}")
        assert told.status_code == 200
        assert told.text == f"OK deleted {path[1:].replace('contacts', 'contact')}\n{TRAILER}\n"
    assert alice.delete(f"{path}?confirm={confirm}").status_code == 200


def test_a_dry_run_uses_no_number_up(alice: Person, home: House) -> None:
    workspace = alice.json_of("GET", "/whoami")["workspace"]
    assert alice.patch(f"/workspaces/{workspace}", json={"code_prefix": "DRY-"}).status_code == 200
    for _ in range(3):
        assert "  code=DRY-1  " in alice.post("/contacts?dry_run=1", json={"name": "Numbered"}).text
    assert "  code=DRY-1  " in alice.post("/contacts", json={"name": "Numbered"}).text
    alice.patch(f"/workspaces/{workspace}", json={"code_prefix": None})


def test_a_dry_run_sends_no_mail_and_spends_no_budget_of_mails(home: House, hashed: Callable[[], str]) -> None:
    us = team(home)
    before, letters = hashed(), len(home.letterbox.letters)
    for body in ({"email": "new@example.com"}, {"email": "new@example.com", "role": "admin"}):
        told = us.alice.post(f"{us.path}/invites?dry_run=1", json=body)
        assert told.status_code == 201
        assert "invite/new\n" in told.text
    assert hashed() == before
    assert len(home.letterbox.letters) == letters
    assert us.invited() == {}


def test_a_dry_run_looks_at_no_code(home: House) -> None:
    """Else it would tell which code is right, as often as anybody asks."""
    us = team(home)
    path, before = f"{us.member(us.bob)}/role", len(home.letterbox.letters)
    for query in ("dry_run=1", "dry_run=1&code=000000"):
        assert us.alice.post(f"{path}?{query}", json={"role": "admin"}).status_code == 200
    assert us.people()[us.bob.email] == "member"
    assert us.bob.post(f"{path}?dry_run=1", json={"role": "admin"}).status_code == 403
    assert len(home.letterbox.letters) == before
    assert stepped(home, us.alice, "POST", path, {"role": "admin"}).status_code == 200


def test_a_dry_token_is_not_shown(alice: Person) -> None:
    workspace = alice.json_of("GET", "/whoami")["workspace"]
    told = alice.post(f"/workspaces/{workspace}/tokens?dry_run=1", json={"token_name": "x"})
    assert told.status_code == 201
    assert "\ntoken: new\n" in told.text
    assert "ck_" not in told.text


def test_a_dry_run_keeps_no_answer_and_is_given_none(alice: Person) -> None:
    key = {"Idempotency-Key": "dry"}
    first = alice.post("/contacts?dry_run=1", json={"name": "Kept"}, headers=key)
    assert TRAILER in first.text
    real = alice.post("/contacts", json={"name": "Kept"}, headers=key)
    assert TRAILER not in real.text
    assert "Idempotent-Replayed" not in real.headers
    assert TRAILER in alice.post("/contacts?dry_run=1", json={"name": "Kept"}, headers=key).text
