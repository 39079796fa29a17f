"""How many requests may come in a while: of one token, of one user with all tokens, and, by its plan, of a workspace.

What has passed is counted in dictionaries. The package `limits` is not used: its memory storage starts a thread again
and again.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from operator import attrgetter
from typing import Any

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.settings import RATES, Caps, Settings

MINUTE = 60

# what has passed under one key: how many requests; then, for each second with some, the time of its last and how many
Times = list[Any]


class Passed:
    """The requests that have passed in the last `seconds`, by `key`, the name of what actors have in common.

    What is kept of a key that asks no more is dropped after twice as long at the latest.
    """

    def __init__(self, key: str, seconds: int) -> None:
        self.seconds = seconds
        self._of: Callable[[Actor], str] = attrgetter(key)
        self._recent: dict[str, Times] = {}  # under each key that was asked for since the last turn
        self._before: dict[str, Times] = {}  # under those that were asked for last before it
        self._turns = 0.0

    def by(self, actor: Actor, now: float) -> Times:
        """Return what has passed of this actor and those alike; what is added there is kept."""
        if now >= self._turns:
            self._before, self._recent, self._turns = self._recent, {}, now + self.seconds
        key = self._of(actor)
        times = self._recent.get(key)
        if times is None:
            times = self._recent[key] = self._before.pop(key, [0])
        since = now - self.seconds
        while len(times) > 1 and times[1] <= since:
            times[0] -= times[2]
            del times[1:3]
        return times


class Window:
    """At most `most` requests, 1 or more, in any span of so many seconds, of those that are counted together.

    `who` is how the sentence of a refusal begins.
    """

    __slots__ = ("header", "most", "passed", "who")

    def __init__(self, passed: Passed, most: int, who: str) -> None:
        self.passed = passed
        self.most = most
        self.who = who
        self.header = (b"x-ratelimit-limit", b"%d" % most)

    def wait(self, times: Times, now: float) -> float:
        """Return in how many seconds more may pass than now."""
        if len(times) == 1:
            return self.passed.seconds
        surplus, at = times[0] - self.most, 1
        while times[at + 1] <= surplus:  # where the limit was higher before
            surplus -= times[at + 1]
            at += 2
        wait: float = times[at] + self.passed.seconds - now
        return wait

    def refusal(self, wait: int) -> Problem:
        minutes = self.passed.seconds // MINUTE
        span = "a minute" if minutes == 1 else f"{minutes} minutes"
        return Problem(
            "rate_limited",
            f"{self.who} sent {self.most} requests within {span}; wait {wait} seconds.",
            headers={"Retry-After": str(wait)},
        )


class RateLimits:
    """Lets a request pass where each window that concerns it has room; one that is refused counts in none."""

    def __init__(self, settings: Settings, now: Callable[[], float] = time.monotonic) -> None:
        limits, plans = settings.limits, settings.plans
        self._now = now
        self._caps = plans.caps
        self._of_workspaces = {name: Passed("workspace_id", seconds) for name, seconds in RATES.items()}
        everybodys = (
            Window(Passed("token_id", MINUTE), limits.requests_per_minute, "This token has"),
            Window(Passed("user_id", MINUTE), limits.requests_per_minute_user, "This user's tokens together have"),
        )
        self._windows = {
            plan: tuple(window for window in (*everybodys, *self._of_plan(caps)) if window.most)
            for plan, caps in plans.named.items()
        }
        self._default = self._windows[plans.default]  # also of a plan that is no longer declared

    def _of_plan(self, caps: Caps) -> Iterator[Window]:
        who = "This workspace's tokens, limited by its plan, have"
        return (Window(passed, caps.get(name, 0), who) for name, passed in self._of_workspaces.items())

    def used(self, actor: Actor) -> dict[str, tuple[int, int]]:
        """Return how many requests have passed in the actor's workspace, and may, by each limit that its plan has."""
        now, caps = self._now(), self._caps(actor.plan)
        on = {name: passed for name, passed in self._of_workspaces.items() if caps.get(name)}
        return {name: (passed.by(actor, now)[0], caps[name]) for name, passed in on.items()}

    def count(self, actor: Actor, state: dict[str, Any]) -> None:
        """Count a request, and put the headers of the window with the fewest requests left into its state.

        Of two with as few left it is the one with the longer wait. Raises `rate_limited`.
        """
        now = self._now()
        nearest, fewest, longest = None, sys.maxsize, 0.0
        counted = []
        for window in self._windows.get(actor.plan, self._default):
            times = window.passed.by(actor, now)
            counted.append(times)
            left = window.most - times[0]
            if left <= fewest:
                left = max(left, 0)
                wait = window.wait(times, now)
                if left < fewest or wait > longest:
                    nearest, fewest, longest = window, left, wait
        if nearest is None:
            return
        seconds = ceil(longest) or 1
        if not fewest:
            state["limit_headers"] = _headers(nearest, 0, seconds)
            raise nearest.refusal(seconds)
        state["limit_headers"] = _headers(nearest, fewest - 1, seconds)
        _add(counted, now)


def nearer(own: Mapping[str, str], state: dict[str, Any]) -> Mapping[str, str]:
    """Return the headers of an answer that tells a limit of its own, without that limit if it has more left.

    Those in the state of the request, of a limit that has not fewer left, are dropped.
    """
    told = state.get("limit_headers")
    if told and int(told[1][1]) < int(own["X-RateLimit-Remaining"]):
        return {name: text for name, text in own.items() if not name.startswith("X-RateLimit-")}
    state.pop("limit_headers", None)
    return own


def _add(counted: list[Times], now: float) -> None:
    """Count a request in each; those of one second count for as long as the last of them."""
    second = int(now)
    for times in counted:
        times[0] += 1
        if len(times) > 1 and times[-2] >= second:
            times[-2] = now
            times[-1] += 1
        else:
            times.extend((now, 1))


def _headers(window: Window, left: int, seconds: int) -> list[tuple[bytes, bytes]]:
    return [
        window.header,
        (b"x-ratelimit-remaining", b"%d" % left),
        (b"x-ratelimit-reset", b"%d" % seconds),
    ]
