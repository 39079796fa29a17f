"""The edge: ASGI around the application, for every request. Request ids, common headers, the access log."""

import random
import re
import time
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any

from litestar import Litestar
from litestar.types import Receive

from crmkit import ip
from crmkit.clock import stamp
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.render.answers import Failure
from crmkit.web.connection.accesslog import AccessLog
from crmkit.web.connection.proxies import client_address
from crmkit.web.reply import Response, request_id, respond
from crmkit.web.router import Router

Answering = Callable[[Any, Receive], Awaitable[Response]]

_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9-]{1,64}")

_COMMON = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Edge:
    """Wraps the Litestar application; every response passes here."""

    def __init__(self, app: Litestar, router: Router, log: AccessLog, crm: Crm, trusted: ip.Networks) -> None:
        self.app = app
        self._answer: Answering = router.answer
        self._log = log
        self._clock = crm.clock
        self._trusted = trusted
        # a path may spell an id as a handle, `contact/c_…`; percent-encoded slashes arrive decoded
        prefixes = crm.kinds.prefixes
        self._handle = re.compile(rf"/(?:{'|'.join(prefixes.values())})/(?=(?:{'|'.join(prefixes)})_)")

    def refusing(self, problem: Problem) -> "Edge":
        """Return an edge that answers every request with this problem, with the usual headers and log line."""

        async def refuse(scope: Any, _: Receive) -> Response:
            return respond(scope, Failure(problem, request_id(scope)))

        edge = copy(self)
        edge._answer = refuse
        return edge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        state = scope.setdefault("state", {})
        id = state.get("request_id") or _assign_id(scope, state)
        if self._trusted:
            scope["client"] = (client_address(scope, self._trusted), 0)
        path = scope["path"]
        if path.count("/") > 2:
            scope["path"] = self._handle.sub("/", path)
            scope["raw_path"] = scope["path"].encode()
        status = 500
        try:
            response = await self._answer(scope, receive)
            status = response.status
            limits = state.get("limit_headers", ())
            own = ((b"content-length", b"%d" % len(response.body)), (b"x-request-id", id.encode()))
            headers = [*response.headers, *limits, *_COMMON, *own]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            # the server drops the body when the method is HEAD
            await send({"type": "http.response.body", "body": response.body})
        finally:
            actor = state.get("actor")
            self._log.write(
                stamp(self._clock()),
                state["logged_id"],
                scope["method"],
                path,
                status,
                time.perf_counter() - started,
                "" if actor is None else actor.token_name,
            )


def _assign_id(scope: Any, state: dict[str, Any]) -> str:
    """Return the id of a request: that of X-Request-ID if it is harmless, else a random one.

    The log marks an id that the client chose, since it may be the id of another request.
    """
    for name, content in scope["headers"]:
        if name == b"x-request-id" and _ACCEPTED_ID.fullmatch(content):
            id: str = content.decode("ascii")
            state["request_id"], state["logged_id"] = id, f"client:{id}"
            return id
    # no secret, so a fast generator will do
    id = state["request_id"] = state["logged_id"] = f"{random.getrandbits(64):016x}"
    return id
