"""Where signing up is by invitation, who was not invited does not get in, and is not told so."""

import hmac
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.core.people.login import LOGIN
from crmkit.storage.people import waiting_codes
from tests import postgres
from tests.core.people.signing import REQUEST, VERIFY, ask, enter, post, restarted
from tests.house import ALICE, CHARLIE, GivenClock


@pytest.fixture
def clock() -> GivenClock:
    return GivenClock()


def heard(answer: httpx.Response, email: str) -> tuple[Any, ...]:
    """Return all that a client can tell of an answer, but for the request's own id and the address it named."""
    text = answer.text.replace(email, "ADDRESS").replace(answer.headers["X-Request-Id"], "ID")
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length", "date")
    }
    return answer.status_code, text, headers


@pytest.mark.slow
def test_an_uninvited_address_is_not_let_in_and_is_answered_like_any_other(tmp_path: Path, clock: GivenClock) -> None:
    with restarted(tmp_path, clock) as home, home.sign_in(ALICE):
        clock.move(hours=2)
    with restarted(tmp_path, clock, CRMKIT_AUTH_SIGNUP="invited") as home:
        assert enter(home, ask(home, ALICE)) == 200  # who has an account keeps it
        clock.move(hours=2)

        def everything(email: str) -> list[tuple[Any, ...]]:
            """Do all that can be done without a code, past every limit."""
            answers = []
            for _ in range(3):
                answers.append(post(home, REQUEST, email=email))
                answers += [post(home, VERIFY, email=email, code=f"zzzzzzz{n + 2}") for n in range(6)]
                clock.move(minutes=2)
            clock.move(minutes=-6)
            return [heard(answer, email) for answer in answers]

        known, unknown = everything(ALICE), everything(CHARLIE)
        for one, other in zip(known, unknown, strict=True):
            assert one == other
        assert [status for status, *_ in known] == [200] + [401] * 6 + [200] + [401] * 5 + [429] * 8
        to_charlie = [letter for letter in home.letterbox.letters if letter.to == CHARLIE]
        assert len(to_charlie) == 2
        assert not any(re.search(r"\d{6}", f"{letter.subject} {letter.body}") for letter in to_charlie)
        assert all("by invitation" in letter.body for letter in to_charlie)


@pytest.mark.slow
def test_an_uninvited_address_does_not_get_in_by_guessing(tmp_path: Path, clock: GivenClock) -> None:
    with restarted(tmp_path, clock, CRMKIT_AUTH_SIGNUP="invited") as home:
        assert post(home, REQUEST, email=CHARLIE).status_code == 200
        with postgres.by_hand(home.folder) as file:
            ((kept,),) = file.execute("SELECT hash FROM codes WHERE email = ?", (CHARLIE,)).fetchall()
        key = home.crm.key
    sealed = b"\x00".join([b"code", CHARLIE.encode(), LOGIN.encode(), b"%06d"])
    assert hmac.digest(key, sealed % 7, "sha256") == waiting_codes.keyed_hash(key, CHARLIE, LOGIN, "000007")
    assert kept not in (
        hmac.digest(key, sealed % number, "sha256") for number in range(10**6)
    )  # a code is kept, so that wrong tries are counted, but none that six digits could be
