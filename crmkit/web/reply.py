"""The one place where an answer becomes bytes: handlers return shapes, this Response renders them."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.types import Receive, Scope, Send

from crmkit.errors import Problem
from crmkit.render.answers import Answer, Failure
from crmkit.render.text import printable
from crmkit.web.negotiate import wants_json

TEXT = (b"content-type", b"text/plain; charset=utf-8")
JSON = (b"content-type", b"application/json")
VARY = (b"vary", b"Accept")

_encode = msgspec.json.Encoder().encode


class Sent:
    """A response as it goes out, an ASGI application: status, raw headers, body."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self.body))
        await send({"type": "http.response.start", "status": self.status, "headers": [*self.headers, length]})
        # the server drops the body when the method is HEAD
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class Reply(Response[Answer]):
    """What Litestar makes of an Answer that a handler returns: the answer in the form that is asked for."""

    def __init__(self, content: Answer, **_: Any) -> None:
        self.content = content

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> Any:
        return respond(request.scope, self.content)


def respond(scope: Scope, answer: Answer) -> Sent:
    """Return the response that carries `answer`; a format that does not exist turns it into that error."""
    accept = b",".join([content for name, content in scope["headers"] if name == b"accept"])
    try:
        as_json = wants_json(scope["query_string"], accept.decode("latin-1"))
    except Problem as problem:
        as_json = False
        answer = Failure(problem, request_id(scope))
    # unprintable characters stand in strings only, where JSON may escape any of them
    body = printable(_encode(answer.data()).decode()) if as_json else answer.text()
    own = [(name.lower().encode("latin-1"), text.encode("latin-1")) for name, text in answer.headers.items()]
    return Sent(answer.status, [JSON if as_json else TEXT, VARY, *own], body.encode() + b"\n")


def request_id(scope: Scope) -> str:
    """Return the id under which a request is logged."""
    found: str = scope["state"].get("request_id", "")
    return found
