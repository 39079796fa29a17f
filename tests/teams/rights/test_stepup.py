"""Step-up: a mailed code for one caller, one act, one target; once, for a while, five tries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.crowd import Call, at_once, statuses
from tests.house import House, Person
from tests.teams.office import JSON, Team, asked, enter, error_of, new, office, stepped, team

pytestmark = pytest.mark.slow

Request = tuple[str, str, Any]


def promote(us: Team, person: Person) -> Request:
    return "POST", f"{us.member(person)}/role", {"role": "admin"}


def invite(us: Team, email: str) -> Request:
    return "POST", f"{us.path}/invites", {"email": email, "role": "admin"}


def end(us: Team) -> Request:
    return "DELETE", us.path, None


ACTS = ["promote", "invite", "delete"]


def act_of(us: Team, name: str) -> Request:
    acts = {"promote": promote(us, us.bob), "invite": invite(us, "dave@example.com"), "delete": end(us)}
    return acts[name]


def is_done(us: Team, name: str) -> bool:
    if us.alice.get("/whoami").status_code == 401:
        return name == "delete"
    if name == "invite":
        return us.invited().get("dave@example.com") == "admin"
    return name == "promote" and us.people()[us.bob.email] == "admin"


def wrong(code: str, step: int = 1) -> str:
    return f"{(int(code) + step) % 10**6:06d}"


def enters(person: Person, request: Request, code: str, in_header: bool = False) -> tuple[int, str]:
    method, path, body = request
    if in_header:
        return error_of(person.send_it(method, path, body, headers={"X-Escalation-Code": code}))
    return error_of(person.send_it(method, f"{path}?code={code}", body))


@pytest.mark.parametrize("name", ACTS)
def test_an_act_that_needs_step_up_is_not_done_without_a_code(us: Team, name: str) -> None:
    method, path, body = act_of(us, name)
    before = len(us.home.letterbox.letters)
    answer = us.alice.send_it(method, path, body)
    assert answer.status_code == 403
    head, hint, *rest = answer.text.splitlines()
    assert (head, rest) == ("ERROR escalation_required", [])
    assert hint.startswith(f"HINT  A code was mailed to {us.alice.email} for this one act: ")
    assert "?code=CODE" in hint
    assert "X-Escalation-Code" in hint
    (letter,) = us.home.letterbox.letters[before:]
    assert letter.to == us.alice.email
    assert us.id in letter.body
    code = us.home.letterbox.code_for(us.alice.email)
    assert code in letter.subject
    assert code not in answer.text
    assert us.id in hint
    assert not is_done(us, name)


@pytest.mark.parametrize("in_header", [False, True])
@pytest.mark.parametrize("name", ACTS)
def test_the_right_code_works_once(us: Team, name: str, in_header: bool) -> None:
    request = act_of(us, name)
    code = asked(us.home, us.alice, *request)
    assert enters(us.alice, request, code, in_header) in ((200, ""), (201, ""))
    assert is_done(us, name)
    if name == "delete":
        assert error_of(us.alice.get("/whoami")) == (401, "invalid_token")
        return
    if name == "promote":
        us.alice.post(f"{us.member(us.bob)}/role", json={"role": "member"})
    assert enters(us.alice, request, code, in_header) == (403, "invalid_code")


def test_a_code_counts_for_no_other_act_target_or_caller(us: Team) -> None:
    carol, dan = us.joins("carol", "admin"), us.joins("dan")
    other = new(us.alice, "/workspaces", name="Other")
    requests = [
        promote(us, us.bob),
        promote(us, dan),
        invite(us, "dave@example.com"),
        invite(us, "erin@example.com"),
        end(us),
        ("DELETE", f"/workspaces/{other}", None),
    ]
    tried = 0
    for n, right in enumerate(requests):
        code = asked(us.home, us.alice, *right)
        for request in requests[:n] + requests[n + 1 :]:
            assert enters(us.alice, request, code) == (403, "invalid_code")
            tried += 1
        if right[1] != f"/workspaces/{other}":
            assert enters(carol, right, code) == (403, "invalid_code")
            tried += 1
        us.home.clock.move(days=1)  # only so that the wrong tries of one day do not end this
    assert tried == 35
    assert us.people() == {
        us.alice.email: "admin", us.bob.email: "member", carol.email: "admin", dan.email: "member"
    }  # fmt: skip
    assert us.invited() == {}
    assert other in us.alice.text("GET", "/workspaces")


def test_a_code_of_one_admin_is_not_used_up_by_another(us: Team) -> None:
    carol = us.joins("carol", "admin")
    mine, hers = asked(us.home, us.alice, *promote(us, us.bob)), asked(us.home, carol, *promote(us, us.bob))
    if mine != hers:
        assert enters(us.alice, promote(us, us.bob), hers) == (403, "invalid_code")
    assert enters(us.alice, promote(us, us.bob), mine) == (200, "")


def test_a_wrong_code_is_refused_in_the_same_words_and_counted(us: Team) -> None:
    method, path, body = promote(us, us.bob)
    code = asked(us.home, us.alice, method, path, body)
    for left in (9, 8, 7):
        answer = us.alice.send_it(method, f"{path}?code={wrong(code, left)}", body)
        assert answer.status_code == 403
        assert answer.text.startswith("ERROR invalid_code\nHINT  The code is wrong, used, outdated")
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
    assert enters(us.alice, (method, path, body), code) == (200, "")


def test_what_cannot_be_a_code_costs_no_try_and_the_digits_are_taken_out_of_what_was_sent(us: Team) -> None:
    method, path, body = promote(us, us.bob)
    code = asked(us.home, us.alice, method, path, body)
    for typed in ("x", "12345", "1234567", "123456 654321", "none", "k7m2q9x", "x" * 3000):
        answer = us.alice.send_it(method, f"{path}?code={typed}", body)
        assert error_of(answer) == (400, "invalid_value")
        assert "FIELD code  must be 6 digits, or 8 letters and digits, as in the mail" in answer.text
    answer = us.alice.send_it(method, f"{path}?code={wrong(code, 1)}", body)
    assert answer.headers["X-RateLimit-Remaining"] == "9"
    assert enters(us.alice, (method, path, body), f"code: {code[:3]} {code[3:]}") == (200, "")


def test_a_code_takes_five_tries_and_no_sixth(us: Team) -> None:
    request = promote(us, us.bob)
    code = asked(us.home, us.alice, *request)
    for step in range(1, 6):
        assert enters(us.alice, request, wrong(code, step)) == (403, "invalid_code")
    assert enters(us.alice, request, code) == (403, "invalid_code")
    assert us.people()[us.bob.email] == "member"
    assert stepped(us.home, us.alice, *request).status_code == 200  # a fresh one works


def test_ten_wrong_tries_a_day_end_step_up_but_neither_sign_in_nor_tokens(us: Team) -> None:
    request = promote(us, us.bob)
    for _ in range(2):
        code = asked(us.home, us.alice, *request)
        for step in range(1, 6):
            assert enters(us.alice, request, wrong(code, step)) == (403, "invalid_code")
    method, path, body = request
    for answer in (us.alice.send_it(method, path, body), us.alice.send_it(method, f"{path}?code={code}", body)):
        assert error_of(answer) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) > 0
    assert us.alice.get("/whoami").status_code == 200
    assert enter(us.home, us.alice.email).get("/whoami").status_code == 200
    us.home.clock.move(days=1)
    assert stepped(us.home, us.alice, *request).status_code == 200


def test_a_code_lives_for_ten_minutes(us: Team) -> None:
    code = asked(us.home, us.alice, *promote(us, us.bob))
    us.home.clock.move(minutes=10)
    assert enters(us.alice, promote(us, us.bob), code) == (403, "invalid_code")
    code = asked(us.home, us.alice, *promote(us, us.bob))
    us.home.clock.move(minutes=9, seconds=59)
    assert enters(us.alice, promote(us, us.bob), code) == (200, "")


def test_a_newer_code_replaces_the_older_one(us: Team) -> None:
    request = promote(us, us.bob)
    first = asked(us.home, us.alice, *request)
    second = asked(us.home, us.alice, *request)
    if first != second:
        assert enters(us.alice, request, first) == (403, "invalid_code")
    assert enters(us.alice, request, second) == (200, "")


def test_a_code_of_step_up_does_not_sign_in_and_one_of_sign_in_does_not_step_up(us: Team) -> None:
    request = promote(us, us.bob)
    assert us.alice.post("/auth/request", json={"email": us.alice.email}).status_code == 200
    login = us.home.letterbox.code_for(us.alice.email)
    assert enters(us.alice, request, login) == (403, "invalid_code")
    code = asked(us.home, us.alice, *request)
    entry = {"email": us.alice.email, "code": code}
    if code != login:
        assert error_of(us.alice.post("/auth/verify", json=entry)) == (401, "invalid_code")
    assert us.alice.post("/auth/verify", json={**entry, "code": login}).status_code == 200
    assert enters(us.alice, request, code) == (200, "")


def test_one_code_sent_twenty_times_at_once_works_once(us: Team) -> None:
    request = invite(us, "dave@example.com")
    code = asked(us.home, us.alice, *request)
    method, path, body = request
    answers = at_once(us.home.url, [Call(method, f"{path}?code={code}", body)] * 20, us.alice.token)
    assert statuses(answers) == {201: 1, 403: 19}
    log = us.alice.json_of("GET", "/audit?action=invite.create")["items"]
    assert [entry["changes"]["role"] for entry in log] == [[None, "admin"], [None, "member"]]  # Bob's came first


def test_a_code_that_was_asked_for_as_admin_fails_after_the_demotion(us: Team) -> None:
    carol = us.joins("carol", "admin")
    codes = [asked(us.home, carol, *request) for request in (promote(us, us.bob), end(us))]
    assert us.alice.post(f"{us.member(carol)}/role", json={"role": "member"}).status_code == 200
    for request, code in zip((promote(us, us.bob), end(us)), codes, strict=True):
        assert enters(carol, request, code) == (403, "admin_required")
    assert us.people()[us.bob.email] == "member"


@pytest.mark.parametrize("code", ["", "%20", "000000%00", "%C3%A9", "x" * 3000, "1e5", "-1", "١٢٣٤٥٦"])
def test_a_strange_code_is_refused_and_the_right_one_still_works(us: Team, code: str) -> None:
    real = asked(us.home, us.alice, *promote(us, us.bob))
    status, error = enters(us.alice, promote(us, us.bob), code)
    assert (status, error) in ((400, "invalid_value"), (403, "invalid_code"), (403, "escalation_required"))
    if error == "escalation_required":
        real = us.home.letterbox.code_for(us.alice.email)
    assert enters(us.alice, promote(us, us.bob), real) == (200, "")


@pytest.fixture(scope="module")
def own_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("local") / "data", {"CRMKIT_AUTH_LOCAL": "true"}) as running:
        yield running


@pytest.mark.parametrize("name", ACTS)
def test_local_mode_shows_the_code(own_machine: House, name: str) -> None:
    us = team(own_machine)
    method, path, body = act_of(us, name)
    lines = us.alice.text(method, path, body).splitlines()
    assert lines[-1] == f"# local mode: code={own_machine.letterbox.code_for(us.alice.email)}"
    code = us.alice.json_of(method, path, body)["local_code"]
    assert enters(us.alice, (method, path, body), code) in ((200, ""), (201, ""))
    assert is_done(us, name)


@pytest.mark.slow
def test_strangers_who_use_up_the_sign_in_codes_of_an_address_do_not_block_its_step_up(tmp_path: Path) -> None:
    with office(tmp_path / "data", {"CRMKIT_LIMITS_SIGNIN_PER_HOUR": "5"}) as home:
        us = team(home)
        with home.stranger() as stranger:

            def sends(path: str, **body: str) -> int:
                return stranger.post(path, json={"email": us.alice.email, **body}).status_code

            assert [sends("/auth/request") for _ in range(5)] == [200] * 4 + [429]  # her own was the first
            assert [sends("/auth/verify", code="zzzzzzzz") for _ in range(5)] == [401] * 5
            home.clock.move(hours=1)
            assert [sends("/auth/request") for _ in range(6)] == [200] * 5 + [429]
            assert [sends("/auth/verify", code="zzzzzzzz") for _ in range(6)] == [401] * 5 + [429]
        assert stepped(home, us.alice, *promote(us, us.bob)).status_code == 200


@pytest.mark.slow
def test_only_five_codes_of_step_up_are_mailed_in_an_hour(tmp_path: Path) -> None:
    with office(tmp_path / "data", {"CRMKIT_LIMITS_SIGNIN_PER_HOUR": "5"}) as home:
        us = team(home)
        method, path, body = promote(us, us.bob)
        for _ in range(5):
            code = asked(home, us.alice, method, path, body)
        answer = us.alice.send_it(method, path, body, headers=JSON)
        assert error_of(answer) == (429, "rate_limited")
        assert enters(us.alice, (method, path, body), code) == (200, "")  # the newest still counts
        home.clock.move(hours=1, seconds=2)
        assert us.alice.delete(us.path, headers=JSON).json()["error"] == "escalation_required"
