"""How much mail may leave: for each client, address and user, and for all together; what never left is not counted."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from crmkit.core.people.codes import MAILS_PER_USER
from tests.house import ALICE, BOB, CHARLIE, House, Person, house
from tests.web.connecting import App, alert

pytestmark = pytest.mark.slow

Serve = Callable[..., Controller]

FROM_HERE = "came from your network address"


def asks(someone: httpx.Client, email: str = ALICE, client: str = "") -> httpx.Response:
    headers = {"X-Forwarded-For": client} if client else {}
    return someone.post("/auth/request", json={"email": email}, headers=headers)


def waits(answer: httpx.Response, most: int) -> str:
    """Return the hint of a refusal that says to wait, at most so many seconds."""
    assert answer.status_code == 429, answer.text
    assert 0 < int(answer.headers["Retry-After"]) <= most
    return answer.text


def test_a_client_has_twenty_codes_mailed_in_an_hour_whatever_addresses_they_go_to(tmp_path: Path) -> None:
    """That is the default; the limit of each other client is its own."""
    environ = {"CRMKIT_SERVER_TRUSTED_PROXIES": "127.0.0.1", "CRMKIT_LIMITS_MAILS_PER_CLIENT": "20"}
    with house(tmp_path / "data", environ) as home, home.stranger() as someone:
        for number in range(20):
            assert asks(someone, f"victim{number}@example.com", "203.0.113.1").status_code == 200
        assert "codes were asked for from your network address" in waits(asks(someone, BOB, "203.0.113.1"), 3600)
        assert len(home.letterbox.letters) == 20
        assert asks(someone, BOB, "203.0.113.2").status_code == 200
        home.clock.move(hours=1)
        assert asks(someone, BOB, "203.0.113.1").status_code == 200


def test_the_limit_of_a_client_counts_connect_requests_and_what_was_refused_for_another_reason(tmp_path: Path) -> None:
    environ = {"CRMKIT_LIMITS_MAILS_PER_CLIENT": "5", "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "1"}
    with house(tmp_path / "data", environ) as home, home.stranger() as someone:
        assert asks(someone).status_code == 200
        assert "sent to this address" in waits(asks(someone), 3600)
        assert App(home).post({"email": ALICE}).status_code == 200  # apps that connect have a count of their own
        assert "sent to this address" in alert(App(home).post({"email": ALICE}))
        app = App(home)
        assert app.post({"email": BOB}).status_code == 200
        assert "from your network address" in alert(app.post({"email": CHARLIE}))
        assert "from your network address" in waits(asks(someone, CHARLIE), 3600)
        assert [letter.to for letter in home.letterbox.letters] == [ALICE, ALICE, BOB]


@pytest.mark.parametrize(("setting", "most"), [("3", 3), ("0", 10**6)])
def test_requests_of_a_client_in_a_minute_are_a_setting_and_count_when_they_are_refused(
    tmp_path: Path, setting: str, most: int
) -> None:
    environ = {"CRMKIT_LIMITS_SIGNINS_PER_MINUTE": setting, "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "1"}
    with house(tmp_path / "data", environ) as home, home.stranger() as someone:
        refusals = [asks(someone).text for _ in range(6)][1:]
        assert [FROM_HERE in text for text in refusals] == [number >= most for number in range(1, 6)]
        for answer in (asks(someone, BOB), someone.post("/auth/verify", json={"email": BOB, "code": "none"})):
            assert (FROM_HERE in answer.text) is (most < 6)
        home.clock.move(minutes=1)
        assert asks(someone, CHARLIE).status_code == 200


def test_pages_on_which_an_app_is_connected_count_as_requests_to_sign_in_like_the_api(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_LIMITS_SIGNINS_PER_MINUTE": "3"}) as home, home.stranger() as someone:
        app = App(home)
        signin = app.begin(ALICE)
        assert FROM_HERE not in alert(app.post({"signin": signin, "code": "none"}))
        assert asks(someone, BOB).status_code == 200
        assert FROM_HERE in waits(asks(someone, CHARLIE), 60)
        right = {"signin": signin, "code": home.letterbox.code_for(ALICE)}
        assert FROM_HERE in alert(app.post(right))
        assert FROM_HERE in alert(app.post({"email": BOB}))
        home.clock.move(minutes=1)
        assert app.post(right).status_code == 200


def test_a_request_past_the_codes_of_a_client_still_counts_as_one_of_its_minute(tmp_path: Path) -> None:
    environ = {"CRMKIT_LIMITS_MAILS_PER_CLIENT": "1", "CRMKIT_LIMITS_SIGNINS_PER_MINUTE": "3"}
    with house(tmp_path / "data", environ) as home, home.stranger() as someone:
        assert asks(someone).status_code == 200
        assert [FROM_HERE in asks(someone, BOB).text for _ in range(3)] == [False, False, True]


def test_half_of_the_mails_of_an_hour_are_kept_for_addresses_that_are_known(tmp_path: Path) -> None:
    with (
        house(tmp_path / "data", {"CRMKIT_LIMITS_MAILS_PER_HOUR": "8"}) as home,
        home.stranger() as someone,
        home.sign_in(ALICE) as alice,
    ):
        place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}"
        home.clock.move(hours=1)
        assert alice.post(f"{place}/invites", json={"email": BOB}).status_code == 201  # he is no stranger any more
        for number in range(3):
            assert asks(someone, f"stranger{number}@example.com").status_code == 200
        for number in range(3):
            assert "no more mail this hour" in waits(asks(someone, f"other{number}@example.com"), 3600)
        assert asks(someone, ALICE).status_code == 200
        assert asks(someone, BOB).status_code == 200
        assert alice.delete(place).status_code == 403  # a code was mailed
        assert asks(someone, ALICE).status_code == 200
        assert "no more mail this hour" in waits(asks(someone, BOB), 3600)
        home.clock.move(hours=1)
        assert asks(someone, "stranger@example.com").status_code == 200


def test_a_user_has_a_limited_number_of_mails_sent_in_an_hour(home: House) -> None:
    with home.sign_in(ALICE) as alice, home.sign_in(BOB) as bob:

        def place(person: Person) -> str:
            return f"/workspaces/{person.json_of('GET', '/whoami')['workspace']}"

        here, there = f"{place(alice)}/invites", f"{place(bob)}/invites"
        for number in range(MAILS_PER_USER):
            assert alice.post(here, json={"email": f"guest{number}@example.com"}).status_code == 201
        assert "mails were sent for you" in waits(alice.post(here, json={"email": CHARLIE}), 3600)
        assert CHARLIE not in alice.text("GET", f"{place(alice)}/members")
        assert "mails were sent for you" in waits(alice.delete(place(alice)), 3600)
        assert bob.post(there, json={"email": CHARLIE}).status_code == 201
        home.clock.move(hours=1)
        assert alice.post(here, json={"email": CHARLIE}).status_code == 201


class Postbox:
    """Takes mail, unless it is told to refuse."""

    refuses = False

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuses:
            return "451 4.3.0 not now"
        self.taken += (envelope.original_content or b"").decode().splitlines()
        return "250 2.0.0 taken"

    def code(self) -> str:
        """Return the code in the newest mail."""
        return next(line.strip() for line in reversed(self.taken) if line.startswith("    "))


def test_a_mail_that_never_left_is_taken_from_no_budget(tmp_path: Path, serve: Serve) -> None:
    """Each budget has room for what is sent at last, and for nothing more."""
    postbox = Postbox()
    environ = {
        "CRMKIT_MAIL_SMTP_URL": f"smtp://127.0.0.1:{serve(postbox).port}",
        "CRMKIT_MAIL_FROM": "crm@example.com",
        "CRMKIT_LIMITS_MAILS_PER_CLIENT": "2",
        "CRMKIT_LIMITS_MAILS_PER_HOUR": "6",
        "CRMKIT_LIMITS_SIGNIN_PER_HOUR": "2",
    }
    with house(tmp_path / "data", environ) as home, home.stranger() as someone:
        app = App(home)
        postbox.refuses = True
        for _ in range(8):
            assert asks(someone).status_code == 503
            assert app.post({"email": ALICE}).status_code == 503
        postbox.refuses = False
        assert asks(someone).status_code == 200
        entry = {"email": ALICE, "code": postbox.code()}
        token = someone.post("/auth/verify?format=json", json=entry).json()["token"]
        assert app.post({"email": ALICE}).status_code == 200
        assert "from your network address" in waits(asks(someone), 3600)
        with Person(home.url, token) as alice:
            place = f"/workspaces/{alice.json_of('GET', '/whoami')['workspace']}"
            postbox.refuses = True
            for _ in range(8):
                assert alice.delete(place).status_code == 503
                assert alice.post(f"{place}/invites", json={"email": BOB}).status_code == 503
            assert BOB not in alice.text("GET", f"{place}/members")
            postbox.refuses = False
            for email, status in ((BOB, 201), (BOB, 201), (BOB, 429)):
                assert alice.post(f"{place}/invites", json={"email": email}).status_code == status
            for status in (403, 403, 429):  # the sixth mail of the hour was the last
                assert alice.delete(place).status_code == status
