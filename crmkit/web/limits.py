"""How many requests may come in a while: of one token, of one user with all tokens, and, by its plan, of a workspace.

What has passed is counted in dictionaries. The package `limits` is not used: its memory storage starts a thread again
and again.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from operator import attrgetter
from typing import Any

from msgspec import Struct

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.plans import RATES, Caps
from crmkit.settings import Settings

MINUTE = 60


class Times:
    """When the requests under one key passed: how many in each second, all of which count for as long as its last."""

    __slots__ = ("count", "ended", "in_ended", "last", "until")

    def __init__(self) -> None:
        self.count = 0  # of all that count
        self.last = 0.0
        self.ended: tuple[Any, ...] = ()  # of each second that is over: the time of its last request, how many it had
        self.in_ended = 0
        self.until = 0.0  # until when none of this changes, but for requests that are added

    def move(self, now: float, seconds: int) -> None:
        """Leave out what has no longer passed in the last `seconds`."""
        second = int(now)
        if self.count > self.in_ended and self.last < second:
            self.ended += (self.last, self.count - self.in_ended)
            self.in_ended = self.count
        at = 0
        while at < len(self.ended) and self.ended[at] <= now - seconds:
            self.count -= self.ended[at + 1]
            at += 2
        if at:
            self.ended = self.ended[at:]
            self.in_ended = sum(self.ended[1::2])
        self.until = min(second + 1, self.ended[0] + seconds) if self.ended else second + 1


class Passed:
    """The requests that have passed in the last `seconds`, by `key`, the name of what actors have in common.

    What is kept of a key that asks no more is dropped after twice as long at the latest.
    """

    __slots__ = ("_before", "_of", "_recent", "_turns", "seconds")

    def __init__(self, key: str, seconds: int) -> None:
        self.seconds = seconds
        self._of: Callable[[Actor], str] = attrgetter(key)
        self._recent: dict[str, Times] = {}  # under each key that was asked for since the last turn
        self._before: dict[str, Times] = {}  # under those that were asked for last before it
        self._turns = 0.0

    def by(self, actor: Actor, now: float) -> Times:
        """Return what has passed of this actor and those alike, as it is now."""
        return self.under(self._of(actor), now)

    def under(self, key: str, now: float) -> Times:
        """Return what has passed under a key, as it is now."""
        if now >= self._turns:
            self._before, self._recent, self._turns = self._recent, {}, now + self.seconds
        times = self._recent.get(key)
        if times is None:
            times = self._recent[key] = self._before.pop(key, Times())
        times.move(now, self.seconds)
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
        ended, at = times.ended, 0
        surplus = times.count - self.most  # 1 or more where the limit was higher before
        while at < len(ended) and surplus >= ended[at + 1]:
            surplus -= ended[at + 1]
            at += 2
        first: float = ended[at] if at < len(ended) else times.last if times.count else now
        return first + self.passed.seconds - now

    def refusal(self, wait: int) -> Problem:
        minutes = self.passed.seconds // MINUTE
        span = "a minute" if minutes == 1 else f"{minutes} minutes"
        return Problem(
            "rate_limited",
            f"{self.who} sent {self.most} requests within {span}; wait {wait} seconds.",
            headers={"Retry-After": str(wait)},
        )


class Found(Struct):
    """What limits an actor, with what has passed of it; `until` the second ends, or a request counts no more."""

    actor: Actor
    until: float
    windows: tuple[Window, ...]
    passed: list[Times]  # of each window


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
        self._windows = {plan: self._with(everybodys, caps) for plan, caps in plans.named.items()}
        self._least = self._with(everybodys, plans.least)  # of a plan that is not declared
        self._found: dict[str, Found] = {}  # by the token, of those that asked within this second
        self._second_ends = 0.0

    def _with(self, everybodys: Iterable[Window], caps: Caps) -> tuple[Window, ...]:
        """Return the windows that limit anything: those of everybody, and those of a plan."""
        who = "This workspace's tokens, limited by its plan, have"
        of_plan = (Window(passed, caps.get(name, 0), who) for name, passed in self._of_workspaces.items())
        return tuple(window for window in (*everybodys, *of_plan) if window.most)

    def used(self, actor: Actor) -> dict[str, tuple[int, int]]:
        """Return how many requests have passed in the actor's workspace, and may, by each limit that its plan has."""
        now, caps = self._now(), self._caps(actor.plan)
        on = {name: passed for name, passed in self._of_workspaces.items() if caps.get(name)}
        return {name: (passed.by(actor, now).count, caps[name]) for name, passed in on.items()}

    def count(self, actor: Actor, state: dict[str, Any]) -> None:
        """Count a request, and put the headers of the window with the fewest requests left into its state.

        Of two with as few left it is the one with the longer wait. Raises `rate_limited`.
        """
        now = self._now()
        found = self._found.get(actor.token_id)
        if found is None or now >= found.until or found.actor is not actor:
            found = self._find(actor, now)
        nearest, fewest, longest = None, 0, 0.0
        for window, times in zip(found.windows, found.passed, strict=True):
            left = window.most - times.count
            if nearest is None or left <= fewest:
                left, wait = left if left > 0 else 0, window.wait(times, now)
                if nearest is None or left < fewest or wait > longest:
                    nearest, fewest, longest = window, left, wait
        if nearest is None:
            return
        seconds = ceil(longest) or 1
        if not fewest:
            state["limit_headers"] = _headers(nearest, 0, seconds)
            raise nearest.refusal(seconds)
        state["limit_headers"] = _headers(nearest, fewest - 1, seconds)
        for times in found.passed:
            times.count += 1
            times.last = now

    def _find(self, actor: Actor, now: float) -> Found:
        windows = self._windows.get(actor.plan, self._least)
        passed = [window.passed.by(actor, now) for window in windows]
        if now >= self._second_ends:
            self._found, self._second_ends = {}, int(now) + 1
        until = min([self._second_ends, *(times.until for times in passed)])
        found = self._found[actor.token_id] = Found(actor, until, windows, passed)
        return found


def nearer(own: Mapping[str, str], state: dict[str, Any]) -> Mapping[str, str]:
    """Return the headers of an answer that tells a limit of its own, without that limit if it has more left.

    Those in the state of the request, of a limit that has not fewer left, are dropped.
    """
    told = state.get("limit_headers")
    if told and int(told[1][1]) < int(own["X-RateLimit-Remaining"]):
        return {name: text for name, text in own.items() if not name.startswith("X-RateLimit-")}
    state.pop("limit_headers", None)
    return own


def _headers(window: Window, left: int, seconds: int) -> list[tuple[bytes, bytes]]:
    return [
        window.header,
        (b"x-ratelimit-remaining", b"%d" % left),
        (b"x-ratelimit-reset", b"%d" % seconds),
    ]
