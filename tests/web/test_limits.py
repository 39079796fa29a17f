"""Limits of requests: a window slides, what is refused counts in none, and what is kept of it ends."""

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.plans import RATES, Plans
from crmkit.settings import Limits, Settings
from crmkit.web.limits.requests import RateLimits
from crmkit.web.limits.windows import MINUTE

ALICE = Actor("u_a", "alice@example.com", "admin", "tok_1", "test", "ws_1", "Shop", 1, "small")
OTHER_TOKEN = replace(ALICE, token_id="tok_2")
BOB = replace(ALICE, user_id="u_b", token_id="tok_3")
CHARLIE = replace(ALICE, user_id="u_c", token_id="tok_4", workspace_id="ws_2")
PEOPLE = (ALICE, OTHER_TOKEN, BOB, CHARLIE)


class Running:
    """Limits at a time that the test says; `caps` are those of the plan."""

    def __init__(self, token: int = 0, user: int = 0, **caps: int) -> None:
        self.now = 0.0
        limits = Limits(requests_per_minute=token, requests_per_minute_user=user)
        plans = Plans("small", {"small": caps, "large": {name: 10 * most for name, most in caps.items()}})
        self.limits = RateLimits(Settings(limits=limits, plans=plans), now=lambda: self.now)

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


# some gaps add up to the length of a window; 64ths of a second, so that sums are exact
GAPS = st.one_of(
    st.sampled_from([0.0, 0.25, 0.5, 1.0, 20.0, 59.0, 59.75, 60.0, 599.0, 600.0]),
    st.integers(0, 70 * 64).map(lambda part: part / 64),
)
KEYS = (("token_id", 60), ("user_id", 60), ("workspace_id", 60), ("workspace_id", 600))


@given(
    st.tuples(*(st.integers(0, most) for most in (4, 6, 8, 12))),
    st.lists(st.tuples(GAPS, st.sampled_from(PEOPLE)), max_size=60),
)
@example((2, 0, 0, 0), [(0.5, ALICE), (0.4, ALICE), (59.7, ALICE), (0.4, ALICE)])
def test_no_span_has_more_than_the_limit_and_nobody_waits_a_second_too_long(
    most: tuple[int, ...], asked: list[tuple[float, Actor]]
) -> None:
    """Beside a list of the times at which requests passed."""
    token, user, minute, ten = most
    caps = {name: cap for name, cap in zip(RATES, (minute, ten), strict=True) if cap}
    running = Running(token, user, **caps)
    passed: list[tuple[float, Actor]] = []
    for gap, actor in asked:
        running.now += gap
        told = running.ask(actor)

        def left(late: int, actor: Actor = actor) -> int:
            """Return the fewest that any limit still allows, if requests count `late` seconds longer than they must."""
            return min(
                cap
                - sum(at > running.now - span - late and getattr(by, key) == getattr(actor, key) for at, by in passed)
                for cap, (key, span) in zip(most, KEYS, strict=True)
                if cap
            )

        if not any(most):
            assert told == {}
            continue
        assert ("retry" in told) or left(0) > 0
        assert ("retry" not in told) or left(1) <= 0
        assert max(0, left(1) - 1) <= told["remaining"] <= max(0, left(0) - 1)
        assert 1 <= told["reset"] <= 600
        assert told.get("retry", told["reset"]) == told["reset"]
        if "retry" not in told:
            passed.append((running.now, actor))


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
    running = Running(requests_per_minute=2, requests_per_10_minutes=2)
    for _ in range(2):
        running.ask()
        running.now += 5
    assert running.ask() == {"limit": 2, "remaining": 0, "reset": 590, "retry": 590}


def test_the_limit_with_the_fewest_left_is_told() -> None:
    running = Running(token=5, user=9, requests_per_minute=6, requests_per_10_minutes=10)
    told = []
    for at, actor in ((0, ALICE), (0, OTHER_TOKEN), (1, BOB), (1, BOB), (1, BOB), (1, BOB), (61, BOB), (62, ALICE)):
        running.now = at
        told.append(tuple(running.ask(actor).values()))
    assert told == [
        (5, 4, 60),
        (5, 4, 60),
        (6, 3, 59),
        (6, 2, 59),
        (6, 1, 59),
        (6, 0, 59),
        (10, 3, 539),
        (10, 2, 538),
    ]


def test_another_plan_holds_for_the_next_request() -> None:
    running = Running(requests_per_minute=2)
    assert [running.passes() for _ in range(3)] == [True, True, False]
    moved = replace(ALICE, plan="large")
    assert [running.passes(moved) for _ in range(19)] == [True] * 18 + [False]
    running.now = 30.0
    assert running.ask() == {"limit": 2, "remaining": 0, "reset": 30, "retry": 30}
    assert running.limits.used(ALICE) == {"requests_per_minute": (20, 2)}
    gone = replace(CHARLIE, plan="no longer declared")  # has the least of all plans
    assert [running.passes(gone) for _ in range(3)] == [True, True, False]


def test_within_a_second_too_another_plan_holds_and_what_counts_no_more_makes_room() -> None:
    running = Running(requests_per_minute=2)
    assert [running.passes() for _ in range(3)] == [True, True, False]
    assert [running.passes(replace(ALICE, plan=plan)) for plan in ("large", "small")] == [True, False]
    running = Running(token=2)
    for at, passes in ((0.25, True), (30.0, True), (60.0, False), (60.125, False), (60.25, True), (60.5, False)):
        running.now = at
        assert running.passes() is passes, at


def test_after_a_limit_became_lower_the_wait_lasts_until_enough_count_no_more() -> None:
    running = Running(requests_per_minute=2)
    large = replace(ALICE, plan="large")
    for second in range(10):
        running.now = float(second)
        running.ask(large)
    told = running.ask()
    assert told["retry"] == 59  # when only the last counts
    running.now += told["retry"] - 1
    assert not running.passes()
    running.now += 1
    assert running.passes()


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
