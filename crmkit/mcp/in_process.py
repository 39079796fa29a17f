"""Sends the request of a tool call to the application in process, through the same edge, gate, handlers and log."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from crmkit.errors import Problem
from crmkit.mcp.cut import MAX_CHARACTERS
from crmkit.web.call import BY_WRITE, INSIDE, PROBLEM, HttpCall
from crmkit.web.reply import told_beside
from crmkit.web.routing import next_page
from crmkit.web.routing.segments import encoded
from crmkit.web.writes import KEY_HEADER

# of an answer that is sent in pieces, after which it may end: more than a tool shows (see cut)
MAX_BYTES = 4 * MAX_CHARACTERS
# headers of the call that the request gets too
_FORWARDED = (b"authorization", b"x-api-key", b"host")
# what the state of the request gets from the call: its id, the id in the log
_SHARED_STATE = ("request_id", "logged_id")


class Request(Struct, frozen=True):
    """The request that a tool call stands for."""

    method: str
    target: str  # a path with its query
    body: bytes = b""
    key: str | None = None  # under which it is done once
    by_write: bool = False  # it is refused what a client should ask its user first


class InnerResponse(Struct, frozen=True):
    """The application's response."""

    status: int
    body: str
    next: str = ""  # the path of the next page, where the body does not lead to it
    notes: Sequence[str] = ()  # lines that the body does not end with
    problem: Problem | None = None  # why it was refused


async def send(call: HttpCall, request: Request) -> InnerResponse:
    """Return the response to a request by the caller of `call`.

    Raises `busy` for an answer in pieces that failed in the middle.
    """
    scope, state, body, key = call.scope, call.scope["state"], request.body, request.key
    path, _, query = encoded(request.target).partition("?")
    marks = {INSIDE: True, BY_WRITE: request.by_write}
    inner: dict[str, Any] = {
        "type": "http",
        "asgi": scope["asgi"],
        "http_version": scope["http_version"],
        "method": request.method,
        "scheme": scope["scheme"],
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"),
        "root_path": "",
        "headers": [
            *(pair for pair in scope["headers"] if pair[0] in _FORWARDED),
            (b"content-length", b"%d" % len(body)),
            *([(KEY_HEADER, key.encode("latin-1", "replace"))] if key is not None else ()),
        ],
        "client": scope.get("client"),
        "server": scope.get("server"),
        "state": {**marks, **{name: state[name] for name in _SHARED_STATE if name in state}},
    }
    status, parts, size, is_whole, following, notes = 500, list[bytes](), 0, False, "", list[str]()

    is_read = False

    async def receive() -> dict[str, Any]:
        nonlocal is_read
        if is_read:
            await call.left()
            return {"type": "http.disconnect"}
        is_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def collect(message: dict[str, Any]) -> None:
        nonlocal status, size, is_whole, following, notes
        if message["type"] == "http.response.start":
            status, following = message["status"], next_page.target(message["headers"])
            notes = told_beside(message["headers"])
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            is_whole = not message.get("more_body", False)

    def is_gone() -> bool:
        return size > MAX_BYTES or state.get("is_gone", bool)()

    inner["state"]["is_gone"] = is_gone
    await call.app.state.edge(inner, receive, collect)
    if not is_whole and size <= MAX_BYTES:
        raise Problem("busy", "The answer ended before it was whole: send it again in a moment.")
    text = b"".join(parts).decode("utf-8", "replace")
    return InnerResponse(status, text, following, notes, inner["state"].get(PROBLEM))
