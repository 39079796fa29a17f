"""Requests per minute of one token."""

import time
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from crmkit.errors import Problem


class PerMinute:
    """Counts requests in windows of a minute; 0 requests switches the limit off."""

    def __init__(self, requests: int) -> None:
        self._item = RateLimitItemPerMinute(requests) if requests else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    def count(self, who: str, state: dict[str, Any]) -> None:
        """Count a request and put the headers that tell what is left into its state; raises `rate_limited`."""
        if self._item is None:
            return
        allowed = self._limiter.hit(self._item, who)
        reset, remaining = self._limiter.get_window_stats(self._item, who)
        wait = max(1, round(reset - time.time()))
        state["limit_headers"] = [
            (b"x-ratelimit-limit", b"%d" % self._item.amount),
            (b"x-ratelimit-remaining", b"%d" % remaining),
            (b"x-ratelimit-reset", b"%d" % wait),
        ]
        if not allowed:
            raise Problem(
                "rate_limited",
                f"This token has sent {self._item.amount} requests within a minute; wait {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )
