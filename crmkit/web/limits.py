"""Requests per minute of one token.

Counted here in a few lines: the memory storage of the package `limits` starts a thread a hundred times a second to
clean up, and that cost 60 of the 160 microseconds of a request for one record.
"""

import time
from typing import Any

from crmkit.errors import Problem

WINDOW_SECONDS = 60
MOST_WINDOWS = 10_000  # kept before those that have ended are dropped


class PerMinute:
    """Counts requests in windows of a minute that begin with the first; 0 requests switches the limit off."""

    def __init__(self, requests: int) -> None:
        self._most = requests
        self._told = (b"x-ratelimit-limit", b"%d" % requests)
        self._windows: dict[str, tuple[float, int]] = {}  # who -> (when the window ends, requests in it)

    def count(self, who: str, state: dict[str, Any]) -> None:
        """Count a request and put the headers that tell what is left into its state; raises `rate_limited`."""
        if not self._most:
            return
        now = time.monotonic()
        ends, sent = self._windows.get(who, (now, 0))
        if ends <= now:
            ends, sent = self._opened(now), 0
        sent += 1
        self._windows[who] = (ends, sent)
        wait = max(1, round(ends - now))
        state["limit_headers"] = [
            self._told,
            (b"x-ratelimit-remaining", b"%d" % max(0, self._most - sent)),
            (b"x-ratelimit-reset", b"%d" % wait),
        ]
        if sent > self._most:
            raise Problem(
                "rate_limited",
                f"This token has sent {self._most} requests within a minute; wait {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )

    def _opened(self, now: float) -> float:
        """Return when a window that opens now will end."""
        if len(self._windows) >= MOST_WINDOWS:
            self._windows = {who: window for who, window in self._windows.items() if window[0] > now}
        return now + WINDOW_SECONDS
