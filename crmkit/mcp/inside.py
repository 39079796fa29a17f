"""Sends the request of a tool call to the application in process, through the same edge, gate, handlers and log."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from crmkit.web.call import HttpCall
from crmkit.web.gate import INSIDE

# characters that a path and its query may have unquoted (RFC 3986, 3.3 and 3.4), and the caller's own percent signs
_UNQUOTED = "!$%&'()*+,;=:@/?-._~[]"
# headers of the call that the request gets too
_FORWARDED = (b"authorization", b"host")
# what the state of the request gets from the call: its id, the id in the log, whether the client has gone
_SHARED_STATE = ("request_id", "logged_id", "is_gone")


@dataclass(frozen=True)
class InnerResponse:
    """The application's response."""

    status: int
    body: str


async def send(call: HttpCall, method: str, target: str, body: bytes) -> InnerResponse:
    """Return the response to a request by the caller of `call`; `target` is a path with its query."""
    scope, state = call.scope, call.scope["state"]
    path, _, query = quote(target, safe=_UNQUOTED).partition("?")
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
            *(pair for pair in scope["headers"] if pair[0] in _FORWARDED),
            (b"content-length", b"%d" % len(body)),
        ],
        "client": scope.get("client"),
        "server": scope.get("server"),
        "state": {INSIDE: True, **{name: state[name] for name in _SHARED_STATE if name in state}},
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

    await call.app.state.edge(inner, receive, collect)
    return InnerResponse(status, b"".join(parts).decode("utf-8"))
