"""Signing in: six digits that guessing does not find, whatever the attacker does and however often we restart."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from crmkit.core.people import codes
from crmkit.errors import Problem
from tests.core.crowd import Call, at_once, statuses
from tests.core.people.signing import REQUEST, VERIFY, ask, enter, post, restarted
from tests.house import ALICE, BOB, CHARLIE, GivenClock, House, house

DAVE = "dave@example.com"


@pytest.fixture
def clock() -> GivenClock:
    return GivenClock()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server for all tests of this module that need no other."""
    with house(tmp_path_factory.mktemp("lasting") / "data") as running:
        yield running


@pytest.fixture
def home(lasting: House) -> House:
    """The server on another morning at nine: nothing of the day before counts."""
    morning = (lasting.clock.now + timedelta(days=1)).replace(hour=9, minute=0, second=0)
    lasting.clock.now = morning
    lasting.letterbox.letters.clear()
    return lasting


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def waits(answer: httpx.Response) -> int:
    """Return the seconds that a refusal says to wait."""
    assert answer.status_code == 429, answer.text
    assert answer.json()["error"] == "rate_limited"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["X-RateLimit-Reset"] == answer.headers["Retry-After"]
    return int(answer.headers["Retry-After"])


def test_no_sixth_code_is_sent_within_an_hour(home: House) -> None:
    left = []
    for minute in range(5):
        answer = post(home, REQUEST, email=["alice@example.com", " ALICE@Example.COM "][minute % 2])
        assert answer.status_code == 200
        left.append((answer.headers["X-RateLimit-Limit"], answer.headers["X-RateLimit-Remaining"]))
        home.clock.move(minutes=1)
    assert left == [("5", "4"), ("5", "3"), ("5", "2"), ("5", "1"), ("5", "0")]
    newest = home.letterbox.code_for(ALICE)
    wait = waits(post(home, REQUEST, email=ALICE))
    assert len(home.letterbox.letters) == 5
    assert wait == 3_300  # 55 minutes until the first is an hour old
    assert post(home, REQUEST, email=BOB).status_code == 200  # nobody else waits
    assert enter(home, newest) == 200  # and the newest code works
    home.clock.move(seconds=wait - 2)
    assert post(home, REQUEST, email=ALICE).status_code == 429
    home.clock.move(seconds=2)
    assert post(home, REQUEST, email=ALICE).status_code == 200
    assert post(home, REQUEST, email=ALICE).status_code == 429  # one fell out of the hour, not all five


@pytest.mark.parametrize(
    "form",
    [
        " {0}{1} ",
        "{0} {1}",
        "{0}-{1}",
        "{0}–{1}",
        "code: {0}{1}",
        "Your crmkit code is {0} {1}.",
        "\u202a{0}\u200b{1}\u202c",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("digits", ["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩"])
def test_the_digits_are_taken_out_of_what_was_sent(home: House, form: str, digits: str) -> None:
    code = ask(home).translate(str.maketrans("0123456789", digits))
    assert enter(home, form.format(code[:3], code[3:])) == 200


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("K7M2Q9XA", "k7m2q9xa"),
        ("k7m2 q9xa", "k7m2q9xa"),
        ("code: k7m2-q9xa", "k7m2q9xa"),
        ("ｋ7m2q9xa", "k7m2q9xa"),
        ("23456789", "23456789"),
        ("2345 67my", "234567my"),
        ("my 234567", "234567"),
        ("in 30 minutes: 123456", "123456"),
        ("123456x", "123456"),
        ("123456, 123456", "123456"),
    ],
)
def test_a_code_is_found_in_what_was_typed(typed: str, code: str) -> None:
    assert codes.code_in(typed) == code


NO_CODES = [
    "x",
    "12345",
    "1234567",
    "none",
    "123456 654321",
    "k7m2q9x",
    "k7m2q9xo",
    "password",
    "?" * 50,
    "x" * 101,
    f"{'x' * 95} 123456",
    "\ufdfa" * 100,
]


@pytest.mark.alone
def test_a_text_that_becomes_many_parts_is_no_code_and_is_not_joined() -> None:
    for typed in ("\ufdfa" * 100, "- 1" * 33):
        begun = time.process_time()
        assert isinstance(codes.code_in(typed), Problem)
        assert time.process_time() - begun < 0.05


def test_what_cannot_be_a_code_costs_no_try(home: House) -> None:
    code = ask(home)
    for typed in NO_CODES:
        answer = post(home, VERIFY, email=ALICE, code=typed)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_value")
        assert list(answer.json()["fields"]) == ["code"]
    assert [post(home, VERIFY, email=ALICE, code=other_than(code)).status_code for _ in range(4)] == [401] * 4
    assert enter(home, code) == 200


def test_a_code_takes_no_sixth_try(home: House) -> None:
    code = ask(home)
    answers = [post(home, VERIFY, email=ALICE, code=other_than(code)) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401] * 5
    assert {answer.json()["error"] for answer in answers} == {"invalid_code"}
    assert enter(home, code) == 401  # it is dead now, though it is the right one
    assert enter(home, ask(home)) == 200


def test_a_right_code_after_four_wrong_ones_is_taken(home: House) -> None:
    code = ask(home)
    for _ in range(4):
        assert enter(home, other_than(code)) == 401
    assert enter(home, f" {code} ") == 200


def test_a_code_works_once(home: House) -> None:
    code = ask(home)
    assert [enter(home, code), enter(home, code)] == [200, 401]


def test_an_older_code_does_not_work_beside_a_newer_one(home: House) -> None:
    first, second = ask(home), ask(home)
    while first == second:
        second = ask(home)
    assert enter(home, first) == 401
    assert enter(home, second) == 200


def test_a_code_for_one_address_lets_no_other_in(home: House) -> None:
    code = ask(home, ALICE)
    other = ask(home, BOB)
    while other == code:
        other = ask(home, BOB)
    assert enter(home, code, BOB) == 401
    assert enter(home, code, CHARLIE) == 401
    assert enter(home, code, ALICE) == 200


@pytest.mark.parametrize(("seconds", "status"), [(599, 200), (600, 401), (601, 401), (86_400, 401)])
def test_a_code_lives_for_ten_minutes(home: House, seconds: float, status: int) -> None:
    code = ask(home)
    home.clock.move(seconds=seconds)
    assert enter(home, code) == status


def test_the_minutes_of_a_code_can_be_set(tmp_path: Path, clock: GivenClock) -> None:
    with restarted(tmp_path, clock, CRMKIT_AUTH_CODE_MINUTES="2") as home:
        code = ask(home)
        assert "within 2 minutes" in home.letterbox.letters[-1].body
        clock.move(seconds=121)
        assert enter(home, code) == 401
        code = ask(home)
        clock.move(seconds=119)
        assert enter(home, code) == 200


def ten_wrong(home: House) -> str:
    """Enter ten wrong codes and return a right one that is still alive."""
    for _ in range(2):
        code = ask(home)
        for _ in range(5):
            assert enter(home, other_than(code)) == 401
    return code


def test_guessing_ends_after_ten_wrong_codes_in_a_day(home: House) -> None:
    home.clock.move(hours=12)  # 21:00
    with home.sign_in(ALICE) as alice, home.sign_in(BOB):
        ten_wrong(home)
        verify, request = post(home, VERIFY, email=ALICE, code="000000"), post(home, REQUEST, email=ALICE)
        assert waits(verify) == waits(request) == 3 * 3_600
        letters = len(home.letterbox.letters)
        assert post(home, REQUEST, email="Alice@Example.com").status_code == 429
        assert len(home.letterbox.letters) == letters
        assert alice.get("/whoami").status_code == 200  # a token in use keeps working
        assert alice.post("/contacts", json={"name": "Jane"}).status_code == 201
        assert enter(home, ask(home, BOB), BOB) == 200  # and nobody else is locked out
        home.clock.move(hours=2, minutes=59, seconds=59)
        assert post(home, VERIFY, email=ALICE, code="000000").status_code == 429
        home.clock.move(seconds=1)
        assert enter(home, ask(home)) == 200


def test_a_fresh_code_brings_no_fresh_tries_for_the_day(home: House) -> None:
    for tries in (4, 4, 2):
        code = ask(home)
        for _ in range(tries):
            assert enter(home, other_than(code)) == 401
    waits(post(home, VERIFY, email=ALICE, code=code))  # the right one, and it has tries of its own left


def test_a_right_code_does_not_wipe_the_wrong_tries_of_the_day(home: House) -> None:
    for _ in range(2):
        code = ask(home)
        for _ in range(4):
            assert enter(home, other_than(code)) == 401
        assert enter(home, code) == 200
    code = ask(home)
    assert [enter(home, other_than(code)) for _ in range(2)] == [401, 401]
    waits(post(home, VERIFY, email=ALICE, code=code))


def test_the_answer_tells_how_many_tries_are_left(home: House) -> None:
    code = ask(home)
    left = [post(home, VERIFY, email=ALICE, code=other_than(code)).headers["X-RateLimit-Remaining"] for _ in range(3)]
    assert left == ["9", "8", "7"]
    assert post(home, VERIFY, email=ALICE, code=code).headers["X-RateLimit-Limit"] == "10"


@pytest.mark.slow
def test_a_restart_does_not_forget_how_many_codes_were_sent(tmp_path: Path, clock: GivenClock) -> None:
    with restarted(tmp_path, clock) as home:
        for _ in range(4):
            ask(home)
    with restarted(tmp_path, clock) as home:
        ask(home)
        assert post(home, REQUEST, email=ALICE).status_code == 429


@pytest.mark.slow
def test_a_restart_does_not_forget_wrong_tries(tmp_path: Path, clock: GivenClock) -> None:
    with restarted(tmp_path, clock) as home:
        code = ask(home)
        for _ in range(3):
            assert enter(home, other_than(code)) == 401
    with restarted(tmp_path, clock) as home:
        for _ in range(2):
            assert enter(home, other_than(code)) == 401
        assert enter(home, code) == 401  # five are five
        second = ask(home)
        for _ in range(4):
            assert enter(home, other_than(second)) == 401
    with restarted(tmp_path, clock) as home:
        assert enter(home, other_than(second)) == 401  # the tenth of the day
        waits(post(home, VERIFY, email=ALICE, code=second))
    with restarted(tmp_path, clock) as home:
        clock.move(hours=3)
        waits(post(home, REQUEST, email=ALICE))
        clock.move(hours=12)
        assert enter(home, ask(home)) == 200


@pytest.mark.slow
def test_a_code_and_a_token_outlive_the_server(tmp_path: Path, clock: GivenClock) -> None:
    with restarted(tmp_path, clock) as home:
        code = ask(home)
    with restarted(tmp_path, clock) as home:
        token = post(home, VERIFY, email=ALICE, code=code).json()["token"]
    with restarted(tmp_path, clock) as home:
        assert httpx.get(f"{home.url}/whoami", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_fifty_verifies_in_one_moment_mint_one_token(home: House) -> None:
    for minted in range(1, 5):
        code = ask(home, DAVE)
        body = {"email": DAVE, "code": code, "token_name": f"round {minted}"}
        answers = at_once(home.url, [Call("POST", VERIFY, body)] * 50)
        assert statuses(answers) == {200: 1, 401: 49}
        (token,) = [answer.json()["token"] for answer in answers if answer.status_code == 200]
        home.clock.move(minutes=15)  # or the client, who is one, would be told to wait
    listed = httpx.get(f"{home.url}/tokens?format=json", headers={"Authorization": f"Bearer {token}"}).json()
    assert sorted(item["name"] for item in listed["items"]) == ["round 1", "round 2", "round 3", "round 4"]
    assert len({item["workspace_id"] for item in listed["items"]}) == 1  # one account, one workspace


def test_of_fifty_guesses_in_one_moment_five_are_compared(home: House) -> None:
    code = ask(home)
    guesses = [f"{(int(code) + number) % 10**6:06d}" for number in range(1, 51)]
    answers = at_once(home.url, [Call("POST", VERIFY, {"email": ALICE, "code": guess}) for guess in guesses])
    assert statuses(answers) == {401: 50}
    assert post(home, VERIFY, email=ALICE, code=code).headers["X-RateLimit-Remaining"] == "5"  # five were compared


def test_one_client_tries_at_most_sixty_addresses_a_minute(home: House) -> None:
    for number in range(60):
        assert post(home, REQUEST, email=f"victim{number}@example.com").status_code == 200
    refused = post(home, REQUEST, email="victim60@example.com")
    assert 0 < waits(refused) <= 60
    assert post(home, VERIFY, email="victim0@example.com", code="000000").status_code == 429
    assert len(home.letterbox.letters) == 60
    home.clock.move(seconds=61)
    assert post(home, REQUEST, email="victim60@example.com").status_code == 200


@pytest.mark.slow
def test_a_mail_that_did_not_leave_is_not_counted(tmp_path: Path, clock: GivenClock) -> None:
    with restarted(tmp_path, clock, CRMKIT_MAIL_SMTP_URL="smtp://127.0.0.1:1") as home:
        for _ in range(7):
            answer = post(home, REQUEST, email=ALICE)
            assert (answer.status_code, answer.json()["error"]) == (503, "mail_failed")
    with restarted(tmp_path, clock) as home:
        assert enter(home, ask(home)) == 200
