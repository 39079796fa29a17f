"""Requests per minute, of one token and of one user with all tokens.

They are counted in a dictionary. The package `limits` is not used: its memory storage starts a thread again and again.
"""

import sys
import time
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.settings import Limits

WINDOW_SECONDS = 60
MAX_WINDOWS = 10_000  # past which those that have ended are dropped


class PerMinute:
    """Counts requests against each limit that is on, in windows of a minute that start with the first request."""

    def __init__(self, limits: Limits) -> None:
        known = (
            _Limit(limits.requests_per_minute, attrgetter("token_id"), "This token has"),
            _Limit(limits.requests_per_minute_user, attrgetter("user_id"), "This user's tokens together have"),
        )
        self._limits = tuple(limit for limit in known if limit.most)

    def count(self, actor: Actor, state: dict[str, Any]) -> None:
        """Count a request, and put the headers of the limit with the fewest requests left into its state.

        Raises `rate_limited`. A request past the limit of its token is not counted against the limit of the user.
        """
        now = time.monotonic()
        nearest, fewest, ends = None, sys.maxsize, now
        for limit in self._limits:
            window = limit.window(actor, now)
            window[1] += 1
            left = limit.most - window[1]
            if left < fewest:
                nearest, fewest, ends = limit, left, window[0]
            if left < 0:
                break
        if nearest is None:
            return
        wait = round(ends - now) or 1
        state["limit_headers"] = [
            nearest.header,
            (b"x-ratelimit-remaining", b"%d" % (fewest if fewest > 0 else 0)),
            (b"x-ratelimit-reset", b"%d" % wait),
        ]
        if fewest < 0:
            raise Problem(
                "rate_limited",
                f"{nearest.who} sent {nearest.most} requests within a minute; wait {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )


class _Limit:
    """At most `most` requests in a minute of those for which `of` returns the same."""

    def __init__(self, most: int, of: Callable[[Actor], str], who: str) -> None:
        self.most = most
        self.who = who
        self.header = (b"x-ratelimit-limit", b"%d" % most)
        self._of = of
        self._windows: dict[str, list[Any]] = {}

    def window(self, actor: Actor, now: float) -> list[Any]:
        """Return [when the actor's window ends, requests in it]."""
        id = self._of(actor)
        window = self._windows.get(id)
        if window is None or window[0] <= now:
            if len(self._windows) >= MAX_WINDOWS:
                self._windows = {of: kept for of, kept in self._windows.items() if kept[0] > now}
            window = self._windows[id] = [now + WINDOW_SECONDS, 0]
        return window
