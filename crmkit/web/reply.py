"""The one place where the shape that a handler returned becomes text or JSON."""

from collections.abc import Mapping

import msgspec
from litestar.types import Scope

from crmkit.errors import Problem
from crmkit.render.answers import Answer, Failure
from crmkit.render.text import printable
from crmkit.web.negotiate import wants_json

TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")
VARY = (b"vary", b"Accept")

_encode = msgspec.json.Encoder().encode


class Response:
    """A response: status, raw headers, body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @classmethod
    def of(
        cls, body: bytes, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> "Response":
        """Return a response that is neither our text nor our JSON: an HTML page, or the JSON of a protocol."""
        return cls(status, _raw({"content-type": media_type, **(headers or {})}), body)


def respond(scope: Scope, answer: Answer) -> Response:
    """Return the response with `answer` as text or JSON; an unknown format is answered with that error instead."""
    try:
        as_json = wants_json(scope)
    except Problem as problem:
        as_json = False
        answer = Failure(problem, request_id(scope))
    # JSON has unprintable characters only within strings, where it may escape any of them
    body = printable(_encode(answer.data()).decode()) if as_json else answer.text()
    own = answer.headers
    if "X-RateLimit-Limit" in own:  # the answer tells a tighter limit than that of requests per minute
        scope["state"].pop("limit_headers", None)
    headers = [JSON if as_json else TEXT, VARY, *_raw(own)]
    return Response(answer.status, headers, body.encode() + b"\n")


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in headers.items()]


def request_id(scope: Scope) -> str:
    """Return the id that a request is answered with."""
    found: str = scope["state"].get("request_id", "")
    return found


def logged_id(scope: Scope) -> str:
    """Return the id under which a request is logged: marked when the client chose it."""
    found: str = scope["state"].get("logged_id", "")
    return found
