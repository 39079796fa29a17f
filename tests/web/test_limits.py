"""Limits of requests: a window slides, what is refused counts in none, and what is kept of it ends."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.settings import Limits
from crmkit.web.limits import MINUTE, RateLimits

ALICE = Actor("u_a", "alice@example.com", "admin", "tok_1", "test", "ws_1", "Shop", 1, "unlimited")
OTHER_TOKEN = replace(ALICE, token_id="tok_2")
BOB = replace(ALICE, user_id="u_b", token_id="tok_3")
PEOPLE = (ALICE, OTHER_TOKEN, BOB)


class Running:
    """Limits at a time that the test says."""

    def __init__(self, token: int = 0, user: int = 0) -> None:
        self.now = 0.0
        self.limits = RateLimits(Limits(requests_per_minute=token, requests_per_minute_user=user), lambda: self.now)

    def ask(self, actor: Actor = ALICE) -> dict[str, int]:
        """Return what the headers of a request tell: `retry` as well where it is refused."""
        state: dict[str, Any] = {}
        told = {}
        try:
            self.limits.count(actor, state)
        except Problem as problem:
            assert problem.code == "rate_limited"
            told["retry"] = int(problem.headers["Retry-After"])
        return told | {
            name.decode().removeprefix("x-ratelimit-"): int(value) for name, value in state.get("limit_headers", ())
        }

    def passes(self, actor: Actor = ALICE) -> bool:
        return "retry" not in self.ask(actor)


# some gaps that add up to the length of a window, and to seconds
GAPS = st.one_of(
    st.sampled_from([0.0, 0.25, 0.5, 1.0, 20.0, 59.0, 59.75, 60.0]), st.integers(0, 70 * 64).map(lambda part: part / 64)
)


@given(st.integers(0, 4), st.integers(0, 6), st.lists(st.tuples(GAPS, st.sampled_from(PEOPLE)), max_size=60))
@example(2, 0, [(0.5, ALICE), (0.4, ALICE), (59.7, ALICE), (0.4, ALICE)])
def test_no_minute_has_more_than_the_limit_and_nobody_waits_a_second_too_long(
    token: int, user: int, asked: list[tuple[float, Actor]]
) -> None:
    """Beside a list of the times at which requests passed."""
    running = Running(token, user)
    passed: list[tuple[float, Actor]] = []
    for gap, actor in asked:
        running.now += gap
        told = running.ask(actor)
        windows = [
            (most, [at for at, other in passed if getattr(other, key) == getattr(actor, key)])
            for key, most in (("token_id", token), ("user_id", user))
            if most
        ]
        used = [(most, sum(at > running.now - MINUTE for at in times)) for most, times in windows]
        late = [(most, sum(at > running.now - MINUTE - 1 for at in times)) for most, times in windows]
        if any(count >= most for most, count in used):
            assert "retry" in told
        if all(count < most for most, count in late):
            assert "retry" not in told
        if "retry" not in told:
            passed.append((running.now, actor))
        if windows:
            least = [max(0, most - count - 1) for most, count in late]
            assert min(least) <= told["remaining"] <= min(max(0, most - count - 1) for most, count in used)
            assert 1 <= told["reset"] <= MINUTE
            assert told.get("retry", told["reset"]) == told["reset"]
        else:
            assert told == {}


@given(st.integers(1, 4), st.lists(GAPS, max_size=30))
def test_who_waits_as_long_as_told_is_let_in(most: int, gaps: list[float]) -> None:
    running = Running(most, 6)
    for gap in gaps:
        running.now += gap
        told = running.ask()
        if "retry" in told:
            running.now += told["retry"]
            assert running.passes()


def test_a_window_slides() -> None:
    running = Running(token=2)
    assert [running.passes() for _ in range(3)] == [True, True, False]
    running = Running(token=2)
    for at, passes in ((0, True), (50, True), (59.9, False), (60, True), (61, False), (109.9, False), (110, True)):
        running.now = at
        assert running.passes() is passes, at


def test_what_is_refused_counts_in_no_window() -> None:
    running = Running(token=2, user=3)
    assert [running.passes() for _ in range(9)] == [True] * 2 + [False] * 7
    assert running.ask(OTHER_TOKEN) == {"limit": 3, "remaining": 0, "reset": 60}
    assert [running.passes(OTHER_TOKEN) for _ in range(9)] == [False] * 9
    assert [running.passes(BOB) for _ in range(3)] == [True, True, False]
    running.now = 60.0
    assert [running.passes(OTHER_TOKEN) for _ in range(3)] == [True, True, False]


def test_of_two_limits_that_are_reached_the_one_with_the_longer_wait_is_told() -> None:
    running = Running(token=1, user=2)
    running.ask(OTHER_TOKEN)
    running.now = 30.0
    assert running.ask() == {"limit": 1, "remaining": 0, "reset": 60}
    assert running.ask() == {"limit": 1, "remaining": 0, "reset": 60, "retry": 60}
    running.now = 59.0
    assert running.ask(OTHER_TOKEN) == {"limit": 1, "remaining": 0, "reset": 1, "retry": 1}


def test_what_is_kept_of_tokens_that_ask_no_more_is_dropped() -> None:
    running = Running(token=5, user=5)
    with traced() as held:
        for number in range(3_000):
            running.ask(replace(ALICE, token_id=f"tok_{number}", user_id=f"u_{number}"))
        assert held() > 500_000
        for _ in range(3):
            running.now += MINUTE
            running.ask()
        assert held() < 20_000


def test_a_token_that_asks_all_the_time_takes_the_room_of_the_seconds_in_a_window() -> None:
    running = Running(token=1_000_000)
    with traced() as held:
        for _ in range(20_000):
            running.now += 0.01
            running.ask()
        assert held() < 20_000


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Begin to count the bytes that are allocated; what is yielded tells how many of them are held."""
    gc.collect()
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
