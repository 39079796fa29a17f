"""Answers tell the time: an agent has no clock of its own."""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import pytest

from crmkit.clock import http_date
from tests.house import ALICE, GivenClock, House, Person, house
from tests.web.connection.raw import answer, connected


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("time") / "data", clock=GivenClock()) as town:
        yield town


@pytest.fixture(scope="module")
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        yield person


def test_every_answer_has_the_date_of_the_clock_also_a_refusal(home: House, alice: Person) -> None:
    asked = [
        *(("GET", path) for path in ("/whoami", "/contacts", "/help", "/openapi.json", "/authorize", "/nowhere")),
        *(("POST", "/contacts"), ("HEAD", "/healthz"), ("PUT", "/contacts"), ("GET", "/contacts?sort=nothing")),
        *(("POST", "/mcp"), ("POST", "/token"), ("GET", "/.well-known/oauth-authorization-server")),
    ]
    for seconds in (0, 1, 86_400):
        home.clock.move(seconds=seconds)
        for method, path in asked:
            told = alice.request(method, path).headers.get_list("Date")
            assert [parsedate_to_datetime(one) for one in told] == [home.clock.now], (method, path)


def test_an_answer_to_what_is_no_request_has_the_date_too(home: House) -> None:
    with connected(home.url) as connection:
        connection.sendall(b"HELLO\r\n\r\n")
        assert parsedate_to_datetime(answer(connection)[1]["date"]) == home.clock.now


def test_a_date_is_written_as_http_has_it() -> None:
    assert http_date("2026-06-10T09:00:00Z") == b"Wed, 10 Jun 2026 09:00:00 GMT"
    assert http_date("1994-11-06T08:49:37Z") == b"Sun, 06 Nov 1994 08:49:37 GMT"


def test_who_asks_who_they_are_is_told_the_time_and_the_zone(home: House, alice: Person) -> None:
    stamp = f"{home.clock.now:%Y-%m-%dT%H:%M:%SZ}"
    told = alice.json_of("GET", "/whoami")
    assert (told["now"], told["timezone"]) == (stamp, "UTC")
    assert alice.text("GET", "/whoami").split("\n")[-2] == f"# now: {stamp} (UTC)"


def test_reminders_tell_the_time_after_the_notes_and_before_the_cursor(home: House, alice: Person) -> None:
    for name in ("Jane", "June"):
        alice.post("/contacts", json={"name": name, "follow_up_at": "2026-06-11T09:00:00Z"})
    stamp = f"{home.clock.now:%Y-%m-%dT%H:%M:%SZ}"
    told = alice.json_of("GET", "/reminders?days=3&limit=1")
    assert (told["now"], told["timezone"], len(told["items"])) == (stamp, "UTC", 1)
    lines = alice.text("GET", "/reminders?days=3&limit=1").splitlines()[1:]
    assert [line.split(":")[0] for line in lines] == ["# 1 reminders", "# total", "# now", "# next"]
    assert lines[2] == f"# now: {stamp} (UTC)"
    after = alice.text("GET", f"/reminders?days=3&limit=1&cursor={told['next_cursor']}").splitlines()[1:]
    assert after == ["# 1 reminders", f"# now: {stamp} (UTC)"]


def test_lists_and_records_tell_the_time_in_the_header_alone(alice: Person) -> None:
    for path in ("/contacts", "/activities", "/tokens", "/audit"):
        assert "# now:" not in alice.text("GET", path)
        assert "now" not in alice.json_of("GET", path)
