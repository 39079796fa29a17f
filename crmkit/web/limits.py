"""Requests per minute, of one token and of one user with all tokens.

Counted here in a few lines: the memory storage of the package `limits` starts a thread a hundred times a second to
clean up, and that cost 60 of the 160 microseconds of a request for one record.
"""

import time
from typing import Any

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.settings import Limits

WINDOW_SECONDS = 60
MOST_WINDOWS = 10_000  # kept before those that have ended are dropped


class PerMinute:
    """Counts requests against both limits, in windows of a minute that begin with the first."""

    def __init__(self, limits: Limits) -> None:
        self._token = _Limit(limits.requests_per_minute, "This token has")
        self._user = _Limit(limits.requests_per_minute_user, "This user's tokens together have")

    def count(self, actor: Actor, state: dict[str, Any]) -> None:
        """Count a request and put the headers of the limit with the fewest left into its state; raises `rate_limited`.

        What a token sends past its own limit is not counted against its user's other tokens.
        """
        now = time.monotonic()
        limit, left, wait = self._token, *self._token.count(actor.token_id, now)
        if left >= 0:
            of_user, user_wait = self._user.count(actor.user_id, now)
            if of_user < left or not limit.most:
                limit, left, wait = self._user, of_user, user_wait
        if not limit.most:
            return
        state["limit_headers"] = [
            limit.told,
            (b"x-ratelimit-remaining", b"%d" % max(0, left)),
            (b"x-ratelimit-reset", b"%d" % wait),
        ]
        if left < 0:
            raise Problem(
                "rate_limited",
                f"{limit.who} sent {limit.most} requests within a minute; wait {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )


class _Limit:
    """One limit: at most so many requests in a window of each that it counts; 0 switches it off."""

    def __init__(self, most: int, who: str) -> None:
        self.most = most
        self.who = who
        self.told = (b"x-ratelimit-limit", b"%d" % most)
        self._windows: dict[str, tuple[float, int]] = {}  # id -> (when the window ends, requests in it)

    def count(self, id: str, now: float) -> tuple[int, int]:
        """Count a request and return (how many are left, -1 past the limit; seconds until the window ends)."""
        if not self.most:
            return 0, 0
        ends, sent = self._windows.get(id, (now, 0))
        if ends <= now:
            ends, sent = self._opened(now), 0
        self._windows[id] = (ends, min(sent, self.most) + 1)
        return max(-1, self.most - sent - 1), max(1, round(ends - now))

    def _opened(self, now: float) -> float:
        """Return when a window that opens now will end."""
        if len(self._windows) >= MOST_WINDOWS:
            self._windows = {id: window for id, window in self._windows.items() if window[0] > now}
        return now + WINDOW_SECONDS
