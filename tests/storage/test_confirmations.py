"""Confirm tokens in storage: the newest of a session wait, in the order in which they were issued."""

from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.model.actor import Actor
from crmkit.storage.interface.tx import Tx
from crmkit.storage.requests import confirmations
from tests.house import BOB
from tests.storage.desk import Desk

ACT, MINUTES = b"act", 10


@pytest.fixture
def alice(back: Desk) -> Actor:
    return back.person()


def issued(back: Desk, actor: Actor, count: int) -> list[str]:
    """Return so many tokens, all issued in one second."""

    def unit(tx: Tx) -> list[str]:
        return [confirmations.issue(tx, ACT, MINUTES) for _ in range(count)]

    return back.do(Call(back.crm, actor).write(unit))


def good(back: Desk, actor: Actor, tokens: list[str]) -> list[bool]:
    """Use tokens up one after another and return of each whether it was right."""

    def unit(tx: Tx) -> list[bool]:
        return [confirmations.consume(tx, ACT, token, MINUTES) for token in tokens]

    return back.do(Call(back.crm, actor).write(unit))


def waiting(back: Desk) -> list[Any]:
    return back.do(
        back.database.read(None, lambda connection: connection.execute("SELECT count(*) FROM confirmations").fetchall())
    )


def test_a_session_keeps_the_newest_of_one_second_and_none_of_another_goes_for_them(
    back: Desk, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmations, "MOST", 50)
    bob = back.person(BOB)
    theirs = issued(back, bob, 3)
    again = back.person()  # another session of Alice
    own = issued(back, again, 3)
    shown = issued(back, alice, 60)
    assert waiting(back) == [(56,)]
    assert good(back, alice, shown) == [False] * 10 + [True] * 50
    assert good(back, bob, theirs) == good(back, again, own) == [True] * 3
    assert waiting(back) == [(0,)]


@pytest.mark.parametrize("used", [slice(0, 20), slice(40, 60), slice(0, 60)])
def test_tokens_that_are_used_up_push_no_other_out(
    back: Desk, alice: Actor, monkeypatch: pytest.MonkeyPatch, used: slice
) -> None:
    monkeypatch.setattr(confirmations, "MOST", 80)
    shown = issued(back, alice, 60)
    assert all(good(back, alice, shown[used]))
    fresh = issued(back, alice, 20)
    left = [token for token in shown if token not in shown[used]]
    assert all(good(back, alice, left + fresh))


def test_ten_minutes_of_requests_fit(back: Desk, alice: Actor) -> None:
    assert MINUTES * back.crm.settings.limits.requests_per_minute <= confirmations.MOST
