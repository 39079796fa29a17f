"""The edge: plain ASGI around the application. Request ids, headers that every response has, the access log."""

import random
import re
import time
from typing import Any

from litestar import Litestar

from crmkit.clock import Clock, stamp
from crmkit.ids import PREFIXES
from crmkit.web.accesslog import AccessLog
from crmkit.web.gate import Gate
from crmkit.web.router import Router

# `contact/c_…` anywhere in a path is `c_…`; percent-encoded slashes arrive decoded
_HANDLE = re.compile(rf"/(?:{'|'.join(PREFIXES.values())})/(?=(?:{'|'.join(PREFIXES)})_)")
_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9-]{1,64}")

_COMMON = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Edge:
    """Wraps the Litestar application; everything a client ever gets passes here."""

    def __init__(self, app: Litestar, gate: Gate, log: AccessLog, clock: Clock) -> None:
        self.app = app
        self._router = Router(app, gate)
        self._log = log
        self._clock = clock

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        path = scope["path"]
        if path.count("/") > 2:
            scope["path"] = _HANDLE.sub("/", path)
            scope["raw_path"] = scope["path"].encode()
        status = 500
        try:
            response = await self._router.answer(scope, receive)
            status = response.status
            limits = state.get("limit_headers", ())
            own = ((b"content-length", b"%d" % len(response.body)), (b"x-request-id", request_id.encode()))
            headers = [*response.headers, *limits, *_COMMON, *own]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            # the server drops the body when the method is HEAD
            await send({"type": "http.response.body", "body": response.body})
        finally:
            actor = state.get("actor")
            self._log.write(
                stamp(self._clock()),
                request_id,
                scope["method"],
                path,
                status,
                time.perf_counter() - started,
                "" if actor is None else actor.token_name,
            )


def _request_id(scope: Any) -> str:
    """Return the id a proxy gave the request when it is harmless, else a fresh one."""
    for name, content in scope["headers"]:
        if name == b"x-request-id" and _ACCEPTED_ID.fullmatch(content):
            sent: str = content.decode("ascii")
            return sent
    return f"{random.getrandbits(64):016x}"  # it tells requests apart, and is no secret
