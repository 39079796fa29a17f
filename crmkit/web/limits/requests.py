"""How many requests may come in a while: of one token, of one user with all tokens, and, by its plan, of a workspace.

What has passed is counted in dictionaries. The package `limits` is not used: its memory storage starts a thread again
and again. What passed at other processes is added as it is learnt (see `sharing`).
"""

import time
from collections.abc import Callable, Iterable, Mapping
from math import ceil
from typing import Any

from msgspec import Struct

from crmkit.model.actor import Actor
from crmkit.plans import RATES, Caps
from crmkit.settings import Settings
from crmkit.storage.interface.database import Told, Total
from crmkit.web.limits.windows import MINUTE, Passed, Times, Window

BUSY = 20  # other processes are told of what has used one of so many parts of its limit


class Found(Struct):
    """What limits an actor, with what has passed of it; `until` the second ends, or a request counts no more."""

    actor: Actor
    until: float
    windows: tuple[Window, ...]
    passed: list[Times]  # of each window


class RateLimits:
    """Lets a request pass where each window that concerns it has room; one that is refused counts in none.

    Where it `is_shared`, other processes are told of keys that are busy, and theirs are learnt.
    """

    def __init__(self, settings: Settings, is_shared: bool = False, now: Callable[[], float] = time.monotonic) -> None:
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
        self._is_shared = is_shared
        self._asked: dict[tuple[str, int], tuple[Window, Times]] = {}  # by key and seconds, since others were told

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
        if self._is_shared:
            for window, times in zip(windows, passed, strict=True):
                self._asked[window.passed.key(actor), window.passed.seconds] = window, times
        return found

    def untold(self) -> list[Told]:
        """Return what others are to be told, of keys that have used a part of their limit: the rest is never told."""
        found = []
        for (key, seconds), (window, times) in [*self._asked.items()]:
            sent = times.count - times.told
            if sent and times.count * BUSY >= window.most:
                found.append(Told(key, seconds, sent))
            else:
                del self._asked[key, seconds]
        return found

    def learn(self, told: Iterable[Told], totals: Iterable[Total]) -> None:
        """Count what others told, now that they were told this; a key that is new here has what was told lately."""
        now, sent = self._now(), {(each.key, each.seconds): each.sent for each in told}
        for total in totals:
            key = total.key, total.seconds
            if key not in self._asked:
                continue
            _, times = self._asked[key]
            others = total.ever - sent[key] - times.known
            if times.known < 0 or others < 0:  # it is new here, or what was told was lost
                others = max(total.lately - sent[key], 0)
            times.known = total.ever
            times.move(now, total.seconds)
            times.told += sent[key] + others
            times.count += others
            times.last = now if others else times.last


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
