"""The one place where the shape that a handler returned becomes bytes, in the format asked for."""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence

from litestar.types import Scope

from crmkit.errors import Problem
from crmkit.render.answers import Answer, Failure, Table
from crmkit.render.formats import FORMATS, Format
from crmkit.render.pages.fitting import fitted
from crmkit.web.limits.requests import nearer
from crmkit.web.negotiate import ERRORS, accepted, format_of
from crmkit.web.routing import next_page

VARY = (b"vary", b"Accept")
CHOSEN = "chosen"  # in the state of a request: what `fields=` chose of each kind
TOKENS = "tokens"  # in the state of a request: how many its answer may have
SPREADSHEET = "spreadsheet"  # in the state of a request: whether its CSV has a byte order mark, and formulas unmarked

_LINES = {b"x-note": "note", b"x-read-as": "read as"}

Pieces = AsyncGenerator[bytes, None]


class Response:
    """A response: status, raw headers, body.

    Of a body that is sent in pieces, `body` is the first, and `rest` yields the others.
    """

    __slots__ = ("body", "headers", "rest", "status")

    def __init__(
        self, status: int, headers: list[tuple[bytes, bytes]], body: bytes, rest: Pieces | None = None
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.rest = rest

    @classmethod
    def of(
        cls, body: bytes, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> "Response":
        """Return a response that is neither our text nor our JSON: an HTML page, or the JSON of a protocol."""
        return cls(status, _raw({"content-type": media_type, **(headers or {})}), body)


def respond(scope: Scope, answer: Answer) -> Response:
    """Return the response with `answer` in the format asked for; an unknown format is answered with that error instead.

    Only a method that the path does not take is told first, since each method has formats of its own. An error, which a
    format of one route alone cannot show, is then text, or JSON where Accept prefers it.

    Where the format belongs to a face, it shows all, and the answer is what the face makes of it.

    Records have what `fields=` chose, a list the rows that fit into `max_tokens=`; raises `invalid_value` if none do.
    """
    state = scope["state"]
    errors: Sequence[Format] = state.get(ERRORS, FORMATS)
    try:
        format = format_of(scope)
    except Problem as problem:
        format = errors[0]
        if answer.status != 405:
            answer = Failure(problem, request_id(scope), is_dry=isinstance(answer, Failure) and answer.is_dry)
    if isinstance(answer, Failure) and format not in errors:
        format = accepted(scope, errors)
    if format.told is not None:
        answer = format.told(answer)
    if chosen := state.get(CHOSEN):
        answer = answer.choosing(chosen)
    if SPREADSHEET in state and format.as_asked:
        format = format.as_asked(*state[SPREADSHEET])
    tokens = state.get(TOKENS)
    if tokens is not None and isinstance(answer, Table):
        answer, body = fitted(answer, format.body, tokens)
    else:
        body = format.body(answer)
    own = answer.headers
    if "X-RateLimit-Limit" in own:
        own = nearer(own, state)
    headers = [content_type(format), VARY, *_raw(own)]
    if format.only_rows:
        headers += _beside_rows(answer)
        if cursor := answer.next_cursor:
            headers.append(next_page.link(scope, cursor))
    if operation := answer.operation:
        headers.append((b"x-operation", operation.encode("ascii")))
    return Response(answer.status, headers, body)


async def streamed(
    pieces: Pieces, content_type: str, filename: str = "", told: Sequence[tuple[str, str]] = ()
) -> Response:
    """Return the response that sends these pieces; what the first one raises is raised here, and is a whole answer.

    `filename` is what a browser saves them as. In the texts that are `told` in headers, what is beyond visible ASCII is
    escaped as in JSON.
    """
    first = await anext(pieces, b"")
    headers = [*_raw({"content-type": content_type}), VARY]
    if filename:
        headers += _raw({"content-disposition": f'attachment; filename="{filename}"'})
    headers += [_told(name, text) for name, text in told]
    return Response(200, headers, first, pieces)


def _beside_rows(answer: Answer) -> Sequence[tuple[bytes, bytes]]:
    """Return the headers of what the lines that end a text would tell of a list."""
    tails = [part.tail for part in answer.parts if part.key] if isinstance(answer, Table) else []
    read = [_told("x-read-as", tail.read_as) for tail in tails if tail.read_as]
    return [*read, *(_told("x-note", note) for tail in tails for note in tail.notes)]


def _told(name: str, text: str) -> tuple[bytes, bytes]:
    return name.encode("ascii"), json.dumps(text)[1:-1].replace('\\"', '"').encode("ascii")


def told_beside(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return what headers tell of a list in place of the lines that end a text, as those lines."""
    found = [(_LINES[name], content.decode("ascii")) for name, content in headers if name in _LINES]
    return [f"# {label}: {text}" for label, text in sorted(found)]


def content_type(format: Format) -> tuple[bytes, bytes]:
    return b"content-type", format.content_type.encode("ascii")


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
