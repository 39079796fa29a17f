"""The one place where an answer becomes bytes: handlers return shapes, this Response renders them."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.response.base import ASGIResponse

from crmkit.errors import Problem
from crmkit.render.answers import Answer, Failure
from crmkit.render.text import printable
from crmkit.web.negotiate import wants_json

TEXT = "text/plain"  # Litestar adds the charset
JSON = "application/json"

_encode = msgspec.json.Encoder().encode


class Reply(Response[Answer]):
    """Renders an Answer in the form that the request asks for."""

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **_: Any) -> ASGIResponse:
        return respond(request, self.content)


def respond(request: Request[Any, Any, Any], answer: Answer) -> ASGIResponse:
    """Return the response that carries `answer`; a format that does not exist turns it into that error."""
    scope = request.scope
    accept = ",".join(content.decode("latin-1") for name, content in scope["headers"] if name == b"accept")
    try:
        as_json = wants_json(scope["query_string"], accept)
    except Problem as problem:
        as_json = False
        answer = Failure(problem, request_id(request))
    # unprintable characters stand in strings only, where JSON may escape any of them
    body = printable(_encode(answer.data()).decode()) if as_json else answer.text()
    return ASGIResponse(
        body=body.encode() + b"\n",  # the server drops it when the method is HEAD
        status_code=answer.status,
        media_type=JSON if as_json else TEXT,
        headers={**answer.headers, "Vary": "Accept"},
    )


def request_id(request: Request[Any, Any, Any]) -> str:
    """Return the id under which this request is logged."""
    found: str = request.scope["state"].get("request_id", "")
    return found
