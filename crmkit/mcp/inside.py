"""A request of a tool, sent to the application in process: the same edge, gate, handlers and log as over the wire."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from crmkit.web.gate import INSIDE
from crmkit.web.requests import HttpRequest

# what may stand in a path and its query as it is (RFC 3986, 3.3 and 3.4); percent signs are the caller's own
_STANDS = "!$%&'()*+,;=:@/?-._~[]"
# headers of the call that hold for the request it stands for
_PASSED = (b"authorization", b"host")
# what its state takes over: under which id it is answered and logged, and whether its client is still there
_KEPT = ("request_id", "logged_id", "is_gone")


@dataclass(frozen=True)
class Got:
    """What the application answered."""

    status: int
    body: str


async def send(request: HttpRequest, method: str, target: str, body: bytes) -> Got:
    """Return the answer to a request that the caller of `request` makes; `target` is a path with its query."""
    scope, state = request.scope, request.scope["state"]
    path, _, query = quote(target, safe=_STANDS).partition("?")
    inner: dict[str, Any] = {
        "type": "http",
        "asgi": scope["asgi"],
        "http_version": scope["http_version"],
        "method": method,
        "scheme": scope["scheme"],
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [
            *(pair for pair in scope["headers"] if pair[0] in _PASSED),
            (b"content-length", b"%d" % len(body)),
        ],
        "client": scope.get("client"),
        "server": scope.get("server"),
        "state": {INSIDE: True, **{name: state[name] for name in _KEPT if name in state}},
    }
    status, parts = 500, []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def collect(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await request.app.state.edge(inner, receive, collect)
    return Got(status, b"".join(parts).decode("utf-8"))
