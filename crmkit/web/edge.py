"""The edge: ASGI around the application, for every request. Request ids, common headers, the access log."""

import random
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from copy import copy
from typing import Any

from litestar import Litestar
from litestar.types import Receive

from crmkit import ip
from crmkit.clock import http_date, stamp
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.render.answers import Failure
from crmkit.web.call import CAME
from crmkit.web.connection.accesslog import AccessLog
from crmkit.web.connection.proxies import client_address
from crmkit.web.metrics.requests import Requests
from crmkit.web.negotiate import ERRORS, OFFERED
from crmkit.web.problems import log_cut
from crmkit.web.reply import Pieces, Response, request_id, respond
from crmkit.web.router import LOGGED, ROUTE, Router
from crmkit.web.routing.face import Face, of_path
from crmkit.web.routing.face import request_id as request_id_of_face
from crmkit.web.routing.logged import UNKNOWN
from crmkit.web.routing.paths import normal
from crmkit.web.routing.segments import spelled

Answering = Callable[[Any, Receive], Awaitable[Response]]

_ACCEPTED_ID = re.compile(rb"[A-Za-z0-9-]{1,64}")

SOON_SECONDS = 0.1  # within which an answer has the time at which its request came

_COMMON = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
]


class Edge:
    """Wraps the Litestar application; every response passes here."""

    def __init__(self, app: Litestar, router: Router, log: AccessLog, crm: Crm, trusted: ip.Networks) -> None:
        self.app = app
        self.refusal = ""  # why the data could not be opened
        self._answer: Answering = router.answer
        self._logged = router.logged
        self._faces = router.faces
        self._log = log
        self.requests = Requests()
        self._clock = crm.clock
        self._base_path = crm.settings.base_path
        self._trusted = trusted
        # an id in a path may be spelled as a handle, `contact/c_…`
        prefixes = crm.kinds.prefixes
        self._handle = re.compile(rf"(?<=[^/])/(?:{'|'.join(prefixes.values())})/(?=(?:{'|'.join(prefixes)})_)")

    def refusing(self, problem: Problem) -> "Edge":
        """Return an edge that answers every request with this problem, with the usual headers and log line."""

        async def refuse(scope: Any, _: Receive) -> Response:
            return respond(scope, Failure(problem, request_id(scope)))

        edge = copy(self)
        edge._answer = refuse
        return edge

    def routed(self, path: str) -> str:
        """Return a spelled path as routes have it: with ids in place of handles."""
        return self._handle.sub("/", path) if path.count("/") > 2 else path

    def _shortened(self, message: Any) -> Any:
        """Return what the start ends with: where the data was refused, one line in place of a traceback."""
        is_refused = self.refusal and message["type"] == "lifespan.startup.failed"
        return {**message, "message": self.refusal} if is_refused else message

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, lambda message: send(self._shortened(message)))
            return
        started = time.perf_counter()
        state = scope.setdefault("state", {})
        at = state[CAME] = stamp(self._clock())
        if self._trusted:
            scope["client"] = (client_address(scope, self._trusted), 0)
        path, base = spelled(scope["raw_path"].decode("latin-1")), ""
        if self._base_path and f"{path}/".startswith(f"{self._base_path}/"):  # some proxies strip it, some do not
            base, path = self._base_path, path[len(self._base_path) :] or "/"
        scope["path"] = self.routed(path)
        face = of_path(self._faces, normal(path) if "//" in path else path) if self._faces else None
        if face is not None:
            state[OFFERED] = state[ERRORS] = (face.format,)
        id = state.get("request_id") or _assign_id(scope, state, face)
        status = 500
        try:
            response = await self._answer(scope, receive)
            status = response.status
            limits = state.get("limit_headers", ())
            if time.perf_counter() - started > SOON_SECONDS:
                at = stamp(self._clock())
            if face is not None:
                limits = face.limits(limits, at)
            date = (b"date", http_date(at))
            headers = [*response.headers, *limits, *_COMMON, (b"x-request-id", id.encode()), date]
            if response.rest is None and status != 204:  # which has no body (RFC 9110, 8.6)
                headers.append((b"content-length", b"%d" % len(response.body)))
            start = {"type": "http.response.start", "status": status, "headers": headers}
            # the server drops the body when the method is HEAD
            if response.rest is None:
                await send(start)
                await send({"type": "http.response.body", "body": response.body})
            else:
                await _send_pieces(scope, start, response.body, response.rest, send)
        finally:
            actor, seconds = state.get("actor"), time.perf_counter() - started
            self.requests.count(state.get(ROUTE, UNKNOWN), status, seconds)
            self._log.write(
                at,
                state["logged_id"],
                scope["method"],
                base + (state.get(LOGGED) or self._logged.of_no_route(scope["path"])),
                status,
                seconds,
                "" if actor is None else actor.token_name,
            )


async def _send_pieces(scope: Any, start: Any, first: bytes, rest: Pieces, send: Any) -> None:
    """Send a head, then a body as its pieces come; `rest` is closed, whatever is raised.

    If it ends early, its end is not sent, so that the server cuts the client off. That is the case when a piece fails,
    which is logged, when the client has gone, and when the server stops.
    """
    is_gone = scope["state"].get("is_gone", bool)
    async with aclosing(rest):
        await send(start)
        await send({"type": "http.response.body", "body": first, "more_body": True})
        try:
            if scope["method"] != "HEAD":
                async for piece in rest:
                    if is_gone():
                        return
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except Exception as error:
            if not is_gone():
                log_cut(scope, error)
            return
    await send({"type": "http.response.body", "body": b""})


def _assign_id(scope: Any, state: dict[str, Any], face: Face | None) -> str:
    """Return the id of a request: that of X-Request-ID if it is harmless, else a random one.

    The log marks an id that the client chose, since it may be the id of another request.
    """
    for name, content in scope["headers"]:
        if name == b"x-request-id" and _ACCEPTED_ID.fullmatch(content):
            id: str = content.decode("ascii")
            state["request_id"], state["logged_id"] = id, f"client:{id}"
            return id
    # no secret, so a fast generator will do
    id = random.getrandbits(64).to_bytes(8).hex() if face is None else request_id_of_face()
    state["request_id"] = state["logged_id"] = id
    return id
