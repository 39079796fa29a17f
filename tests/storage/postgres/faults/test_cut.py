"""Connections to PostgreSQL are cut at chosen messages: each write is done once and told so, or not done."""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import postgres
from tests.house import ALICE, UNLIMITED, House, Person, house
from tests.storage.postgres.faults.load import answers_of, until, writing, wrong_in
from tests.storage.postgres.faults.proxy import AFTER, AT_ONCE, BEFORE, CUTS, Proxy

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")

CUT = 100  # connections, at least
CLIENTS = 6


def is_commit(sql: str) -> bool:
    return sql.startswith("COMMIT")


@contextmanager
def behind(between: Proxy, folder: Path) -> Iterator[House]:
    """Run a server whose PostgreSQL is behind the proxy."""
    name = postgres.url(folder).partition("?")[0].rpartition("/")[2]
    with house(folder, {**UNLIMITED, "CRMKIT_SERVER_DATA": between.url(name)}) as running:
        yield running
        between.choose = lambda sql: ""


@pytest.fixture
def home(tmp_path: Path, between: Proxy) -> Iterator[House]:
    with behind(between, tmp_path / "data") as running:
        yield running


def cut_once(between: Proxy, cut: str, table: str, then: str = "") -> None:
    """Cut the first COMMIT after a statement about a table, and do with what follows as is told."""
    seen = list[str]()

    def choose(sql: str) -> str:
        if not seen and table in sql:
            seen.append("written")
        elif len(seen) == 1 and is_commit(sql):
            seen.append("committed")
            return cut
        return then if len(seen) == 2 else ""

    between.choose = choose


@pytest.mark.parametrize("cut", CUTS)
def test_a_write_whose_commit_was_cut_is_answered_and_done_once(
    home: House, alice: Person, between: Proxy, cut: str
) -> None:
    cut_once(between, cut, "contacts")
    answer = alice.post("/contacts", json={"name": "Jane", "email": "jane@acme.com"})
    assert (answer.status_code, between.made[cut]) == (201, 1)
    (jane,) = alice.json_of("GET", "/contacts")["items"]
    assert jane["version"] == 1
    assert alice.json_of("GET", "/audit?action=contact.create")["items"][0]["target"] == f"contact/{jane['id']}"


@pytest.mark.parametrize("cut", CUTS)
def test_a_mail_whose_commit_was_cut_is_sent_once(home: House, between: Proxy, cut: str) -> None:
    cut_once(between, cut, "codes")
    with home.stranger() as someone:
        assert someone.post("/auth/request", json={"email": ALICE}).status_code == 200
        assert (len(home.letterbox.letters), between.made[cut]) == (1, 1)
        entry = {"email": ALICE, "code": home.letterbox.code_for(ALICE), "token_name": "test"}
        assert someone.post("/auth/verify", json=entry).status_code == 200


def test_what_cannot_be_found_out_is_told_as_unknown(home: House, alice: Person, between: Proxy) -> None:
    cut_once(between, AFTER, "contacts", then=BEFORE)
    answer = alice.post("/contacts", json={"name": "Jane"}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (503, "not_ready")
    assert "Look before you send it again" in answer.json()["hint"]
    assert answer.headers["Retry-After"]
    between.choose = lambda sql: ""
    assert [jane["name"] for jane in alice.json_of("GET", "/contacts")["items"]] == ["Jane"]


def test_a_key_makes_it_safe_to_send_again_what_is_unknown(home: House, alice: Person, between: Proxy) -> None:
    cut_once(between, AFTER, "contacts", then=BEFORE)
    body, headers = {"name": "Jane"}, {"Idempotency-Key": "one"}
    assert alice.post("/contacts", json=body, headers=headers).status_code == 503
    between.choose = lambda sql: ""
    assert alice.post("/contacts", json=body, headers=headers).status_code == 201
    assert alice.json_of("GET", "/contacts")["total"] == 1


def test_a_write_that_is_cut_each_time_is_told_as_not_done(home: House, alice: Person, between: Proxy) -> None:
    between.choose = lambda sql: BEFORE if "contacts" in sql else ""
    answer = alice.post("/contacts", json={"name": "Jane"})
    assert answer.status_code == 503
    assert "nothing was done" in answer.text
    between.choose = lambda sql: ""
    assert alice.json_of("GET", "/contacts")["total"] == 0


def test_while_it_is_silent_requests_are_refused_and_go_on_afterwards(
    home: House, alice: Person, between: Proxy
) -> None:
    between.is_silent = True
    try:
        for path in ("/readyz", "/contacts"):
            began = time.monotonic()
            answer = alice.get(path)
            assert time.monotonic() - began < 15
            assert (answer.status_code, "not_ready" in answer.text) == (503, True)
    finally:
        between.is_silent = False
    until(lambda: alice.get("/readyz").status_code == 200)
    assert alice.post("/contacts", json={"name": "Jane"}).status_code == 201


def test_of_commits_that_are_cut_at_random_under_load_each_is_found_out(
    home: House, alice: Person, between: Proxy
) -> None:
    chance = random.Random(7)
    with writing([home.url] * CLIENTS, alice.token) as writers:
        between.choose = lambda sql: chance.choice(CUTS) if is_commit(sql) and chance.random() < 0.2 else ""
        until(lambda: sum(between.made[cut] for cut in CUTS) >= CUT)
        between.choose = lambda sql: ""
    assert min(between.made[cut] for cut in CUTS) > 10
    assert {*answers_of(writers)} == {"done"}
    assert wrong_in(alice, writers) == []


def test_of_connections_that_are_cut_at_any_message_under_load_nothing_is_lost_or_half_done(
    home: House, alice: Person, between: Proxy
) -> None:
    chance = random.Random(8)
    with writing([home.url] * CLIENTS, alice.token) as writers:
        between.choose = lambda sql: chance.choice((BEFORE, AT_ONCE)) if chance.random() < 0.02 else ""
        until(lambda: between.made[BEFORE] + between.made[AT_ONCE] >= CUT)
        between.choose = lambda sql: ""
    assert answers_of(writers)["done"] > CUT
    assert wrong_in(alice, writers) == []
