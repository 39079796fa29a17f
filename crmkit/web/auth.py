"""Who asks, on every route that is not public: the token becomes an actor before the body is read."""

import time
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from crmkit.core import access
from crmkit.core.crm import Crm
from crmkit.errors import Problem

PUBLIC = "public"  # the route option that says: no token needed


class Authentication(ASGIMiddleware):
    """Puts the Actor into the request's state, and holds each token to its requests per minute."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = PUBLIC

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        per_minute = crm.settings.limits.requests_per_minute
        self._limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = FixedWindowRateLimiter(MemoryStorage())

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        header = next((content for name, content in scope["headers"] if name == b"authorization"), b"")
        actor = await access.authenticate(self._crm, header.decode("latin-1"))
        state: dict[str, Any] = scope["state"]
        state["actor"] = actor
        if self._limit is not None:
            allowed = self._limiter.hit(self._limit, actor.token_id)
            reset, remaining = self._limiter.get_window_stats(self._limit, actor.token_id)
            wait = max(1, round(reset - time.time()))
            state["limit_headers"] = [
                (b"x-ratelimit-limit", b"%d" % self._limit.amount),
                (b"x-ratelimit-remaining", b"%d" % remaining),
                (b"x-ratelimit-reset", b"%d" % wait),
            ]
            if not allowed:
                raise Problem(
                    "rate_limited",
                    f"This token has sent {self._limit.amount} requests within a minute; wait {wait} seconds.",
                    headers={"Retry-After": str(wait)},
                )
        await next_app(scope, receive, send)
