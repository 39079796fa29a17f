"""A clock that is set back: nobody stays locked out, and nothing stays valid beyond its minutes."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.clock import stamp
from tests import postgres
from tests.house import ALICE, BOB, CHARLIE, House, Person, house
from tests.web.connecting import App, returned

pytestmark = pytest.mark.slow

WAITS = 20  # seconds until a test gives up


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data", {"CRMKIT_LIMITS_MAILS_PER_CLIENT": "20"}) as running:
        yield running


def request(home: House, path: str, **body: Any) -> httpx.Response:
    # without verify, which costs more than the request: every client loads all certificates
    return httpx.post(home.url + path, json=body, timeout=60, verify=False)


def emptied(home: House, query: str) -> None:
    """Return once a query of the database finds no row."""
    deadline = time.monotonic() + WAITS
    with postgres.by_hand(home.folder) as file:
        while file.execute(query).fetchone() is not None:
            assert time.monotonic() < deadline, f"it still finds a row: {query}"
            time.sleep(0.02)


def spends_all(home: House) -> None:
    """Ask for codes and enter wrong ones for Alice until every limit of address and client is reached."""
    for _ in range(2):
        request(home, "/auth/request", email=ALICE)
        for _ in range(5):
            request(home, "/auth/verify", email=ALICE, code="zzzzzzzz")
    for number in range(70):
        request(home, "/auth/request", email=f"somebody{number}@example.com")
    for email in (ALICE, BOB):
        answer = request(home, "/auth/request", email=email)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("days", [1, -1])
def test_counters_of_another_day_lock_nobody_out_once_the_clock_is_set_back(home: House, days: int) -> None:
    home.clock.move(days=max(days, 0))
    spends_all(home)
    home.clock.move(days=-1)
    with home.sign_in(ALICE) as alice, home.sign_in(CHARLIE):
        assert alice.get("/whoami").status_code == 200
    home.clock.move(hours=2)  # what is outdated is swept every hour
    request(home, "/auth/request", email=BOB)
    emptied(home, f"SELECT 1 FROM attempts WHERE who = '{ALICE}' AND what = 'wrong'")
    home.clock.move(hours=22)
    with home.sign_in(ALICE) as alice:
        assert alice.get("/whoami").status_code == 200


def made(home: House, alice: Person) -> dict[str, Any]:
    """Make one of everything that lives for minutes."""
    found: dict[str, Any] = {}
    for delete in ("delete", "other delete"):
        path = f"/contacts/{alice.json_of('POST', '/contacts', {'name': 'Jane'})['id']}"
        found[delete] = f"{path}?confirm={alice.json_of('DELETE', path)['confirm']}"
    place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}"
    assert alice.delete(place).status_code == 403
    found["act"] = f"{place}?code={home.letterbox.code_for(ALICE)}"
    found["app"] = app = App(home)
    found["grant"] = app.allowed(ALICE)["code"]
    found["proven"], _ = app.enter(ALICE)
    found["begun"] = app.begin(ALICE)
    found["mailed"] = home.letterbox.code_for(ALICE)
    assert request(home, "/auth/request", email=ALICE).status_code == 200
    found["code"] = home.letterbox.code_for(ALICE)
    return found


def test_what_was_made_while_the_clock_ran_ahead_is_outdated_once_it_is_set_back(home: House) -> None:
    home.clock.move(days=1)
    with home.sign_in(ALICE) as alice:
        things = made(home, alice)
        app: App = things["app"]
        for span in ({"days": -1}, {"hours": 2}, {"hours": 22}):  # back, then until the time has come again
            home.clock.move(**span)
            assert request(home, "/auth/verify", email=ALICE, code=things["code"]).status_code == 401
            assert app.post({"signin": things["begun"], "code": things["mailed"]}).status_code == 404
            assert app.post({"signin": things["proven"], "workspace": "new"}).status_code == 404
            assert app.redeem(things["grant"]).json()["error"] == "invalid_grant"
            assert alice.delete(things["act"]).status_code == 403
            if span == {"days": -1}:
                assert alice.delete(things["delete"]).status_code == 409
            if span == {"hours": 2}:
                short_lived = ("codes", "signins", "grants", "confirmations")
                emptied(home, " UNION ".join(f"SELECT 1 FROM {table}" for table in short_lived))
        assert alice.delete(things["other delete"]).status_code == 409


def test_codes_pages_and_tokens_live_their_minutes_while_the_clock_goes_on(home: House) -> None:
    with home.sign_in(ALICE) as alice:
        things = made(home, alice)
        app: App = things["app"]
        home.clock.move(seconds=59)
        assert app.redeem(things["grant"]).status_code == 200
        home.clock.move(minutes=8)
        assert app.post({"signin": things["begun"], "code": things["mailed"]}).status_code == 200
        answer = app.post({"signin": things["proven"], "workspace": "new"})
        assert returned(answer)["code"]
        assert request(home, "/auth/verify", email=ALICE, code=things["code"]).status_code == 200
        assert alice.delete(things["delete"]).status_code == 200
        assert alice.delete(things["act"]).status_code == 200


def test_a_clock_that_jumps_to_and_fro_under_load_locks_nobody_out(home: House) -> None:
    def visit(number: int) -> list[httpx.Response]:
        email = f"visitor{number}@example.com"
        answers = [request(home, "/auth/request", email=email)]
        for code in ("zzzzzzzz", "000000"):
            home.clock.move(seconds=60 if number % 2 else -60)
            answers.append(request(home, "/auth/verify", email=email, code=code))
        return answers

    with ThreadPoolExecutor(8) as pool:
        answers = [answer for visited in pool.map(visit, range(40)) for answer in visited]
    assert {answer.status_code for answer in answers} <= {200, 401, 429}
    waits = [int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429]
    assert waits
    assert 0 < min(waits) <= max(waits) <= 3600
    home.clock.move(hours=1)
    with home.sign_in(ALICE) as alice:
        assert alice.get("/whoami").status_code == 200


@pytest.mark.parametrize("is_used", [True, False])
def test_a_token_that_was_used_ahead_of_the_clock_dies_idle_days_after_it_is_right_again(
    home: House, is_used: bool
) -> None:
    with home.sign_in(ALICE) as alice, home.sign_in(BOB) as bob:
        home.clock.move(days=29)
        assert alice.get("/whoami").status_code == 200
        assert bob.get("/whoami").status_code == 200
        home.rested()
        home.clock.move(days=-29)
        if is_used:
            alice.get("/whoami")
            home.rested()
            assert f"last_used_at={stamp(home.clock())}" in alice.text("GET", "/tokens")
        home.clock.move(hours=1)
        request(home, "/auth/request", email=CHARLIE)
        emptied(home, "SELECT 1 FROM tokens WHERE last_used_at > '2026-06-11'")
        home.clock.move(days=29, hours=22)
        assert bob.get("/whoami").status_code == 200
        home.rested()
        home.clock.move(days=1)
        assert alice.get("/whoami").status_code == 401
        assert bob.get("/whoami").status_code == 200
