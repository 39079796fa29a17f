"""Guessing over all accounts: after too many wrong codes on the server, codes are long, and nobody is locked out."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.core.people import codes
from tests import postgres
from tests.house import ALICE, BOB, House, Person, house
from tests.web.connecting import App

pytestmark = pytest.mark.slow

FREE = {"CRMKIT_LIMITS_SIGNINS_PER_MINUTE": "0", "CRMKIT_LIMITS_MAILS_PER_HOUR": "0"}
SHORT, LONG = r"[0-9]{6}", r"[a-hjkmnp-z2-9]{8}"
WAITS = 20  # seconds until a test gives up


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data", FREE) as running:
        yield running


@pytest.fixture
def someone(home: House) -> Iterator[Person]:
    with home.stranger() as person:
        yield person


def ask(home: House, someone: httpx.Client, email: str = ALICE) -> str:
    """Return the code that is mailed."""
    assert someone.post("/auth/request", json={"email": email}).status_code == 200
    return home.letterbox.code_for(email)


def enter(someone: httpx.Client, code: str, email: str = ALICE) -> httpx.Response:
    return someone.post("/auth/verify", json={"email": email, "code": code}, headers={"Accept": "application/json"})


def other_than(code: str) -> str:
    return "000000" if code != "000000" else "111111"


def guess(home: House, someone: httpx.Client, times: int, email: str = "victim{}@example.com") -> None:
    """Enter wrong codes of six digits, five for each of several addresses; all of them are compared."""
    for number in range(times):
        victim = email.format(number // 5)
        if number % 5 == 0:
            code = ask(home, someone, victim)
            assert re.fullmatch(SHORT, code)
        assert enter(someone, other_than(code), victim).status_code == 401


def test_the_two_hundredth_wrong_code_of_a_day_makes_codes_long_until_the_day_is_over(
    home: House, someone: Person
) -> None:
    guess(home, someone, 195)
    for other in ("one@example.com", "other@example.com"):  # what is no guess at six digits is not counted here
        ask(home, someone, other)
        assert [enter(someone, "zzzzzzzz", other).status_code for _ in range(5)] == [401] * 5
    short = ask(home, someone, BOB)
    assert re.fullmatch(SHORT, ask(home, someone))
    guess(home, someone, 5, "last{}@example.com")

    refused = enter(someone, short, BOB)  # though it is the right one
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_code")
    assert "six digits are not taken" in refused.json()["hint"]
    assert "ask for a new code" in refused.json()["hint"]
    assert refused.headers["X-RateLimit-Remaining"] == "10"  # it was not compared, so it is no try

    code = ask(home, someone, BOB)
    assert re.fullmatch(LONG, code)
    assert enter(someone, f" {code[:4].upper()} {code[4:]} ", BOB).status_code == 200

    for _ in range(2):  # wrong tries of long codes end the day of the address, and prolong nothing
        code = ask(home, someone)
        for _ in range(5):
            assert enter(someone, ("y" if code[0] == "z" else "z") + code[1:]).status_code == 401
    assert enter(someone, code).status_code == 429
    home.clock.move(hours=23, minutes=59)
    assert re.fullmatch(LONG, ask(home, someone, BOB))
    home.clock.move(minutes=1)
    assert re.fullmatch(SHORT, ask(home, someone, BOB))


def test_three_hundred_wrong_codes_in_thirty_days_make_them_long_whatever_is_swept_meanwhile(
    home: House, someone: Person
) -> None:
    guess(home, someone, 150)
    home.clock.move(days=1, seconds=1)
    guess(home, someone, 150)
    assert re.fullmatch(LONG, ask(home, someone))
    home.clock.move(days=28)
    assert re.fullmatch(LONG, ask(home, someone))  # a write, after which what is outdated goes
    swept(home)
    home.clock.move(hours=1)
    assert re.fullmatch(LONG, ask(home, someone))
    home.clock.move(days=1)
    assert re.fullmatch(SHORT, ask(home, someone))


def swept(home: House) -> None:
    """Return once the counters of addresses are gone that matter for a day."""
    deadline = time.monotonic() + WAITS
    with postgres.by_hand(home.folder) as file:
        while file.execute("SELECT count(*) FROM attempts WHERE what = 'wrong'").fetchone() != (0,):
            assert time.monotonic() < deadline, "nothing is swept"
            time.sleep(0.02)


def test_a_year_of_patient_guessing_stays_under_four_in_a_thousand() -> None:
    per_month = min(most for days, most in codes.SERVER_TRIES if days == 30)
    months = -(-365 // 30)
    assert months * per_month / 10**6 <= 0.004  # the whole server, whatever the number of accounts
    assert 365 * codes.WRONG_TRIES_PER_DAY / 10**6 <= 0.004  # one address


def test_step_up_and_the_pages_take_long_codes_too(home: House, someone: Person) -> None:
    with home.sign_in(ALICE) as alice:
        place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}"

        def steps(**asked: Any) -> httpx.Response:
            return alice.delete(place, params=asked, headers={"Accept": "application/json"})

        assert steps().status_code == 403
        short = home.letterbox.code_for(ALICE)
        app = App(home)
        early = app.begin(ALICE)
        connects = home.letterbox.code_for(ALICE)
        guess(home, someone, 200)

        told = steps(code=short)
        assert (told.status_code, told.json()["error"]) == (403, "invalid_code")
        assert "without a code to get one" in told.json()["hint"]
        page = app.post({"signin": early, "code": connects})
        assert page.status_code == 401
        assert "get a new code" in page.text

        app.enter(ALICE)
        assert re.fullmatch(LONG, home.letterbox.code_for(ALICE))
        assert steps().status_code == 403
        code = home.letterbox.code_for(ALICE)
        assert re.fullmatch(LONG, code)
        assert steps(code=code.upper()).status_code == 200
