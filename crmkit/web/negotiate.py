"""Which format a request asks for."""

from collections.abc import Sequence
from urllib.parse import unquote_plus, unquote_to_bytes

from litestar.types import HTTPScope, Scope

from crmkit.errors import Problem, listed, nearest
from crmkit.render.formats import FORMATS, Format

OFFERED = "formats"  # in the state of a request: those of its route, once that is found
ERRORS = "error_formats"  # in the state of a request: those of its errors, where they are not FORMATS
MAX_ACCEPT = 1000  # characters of Accept that are read; browsers send about 150

# what assistants and MCP clients name beside HTML, or before it
_BESIDE_HTML = ("text/plain", "text/markdown", "application/json", "text/event-stream")


def format_of(scope: Scope) -> Format:
    """Return the format of the answer: `?format=` wins, then what Accept prefers, then the first of those offered.

    Raises `unknown_format` for a format that the route does not have.
    """
    offered: Sequence[Format] = scope["state"].get(OFFERED, FORMATS)
    asked = _asked(scope["query_string"])
    if asked is not None:
        return named(asked, offered)
    return accepted(scope, offered)


def accepted(scope: Scope, offered: Sequence[Format]) -> Format:
    """Return the format that Accept prefers among those offered, the first of them where it says nothing."""
    accept = _accept(scope)
    if not accept:
        return offered[0]
    # a wildcard alone asks for no other than the first
    wanted = [each for each in offered[1:] if each.media.rpartition("/")[2] in accept]
    return max((offered[0], *wanted), key=lambda each: _preference(accept, each.media)) if wanted else offered[0]


def wants_page(scope: HTTPScope) -> bool:
    """Tell whether a browser asks: HTML is named in Accept, before any other form that somebody could read."""
    if scope["method"] not in ("GET", "HEAD") or _asked(scope["query_string"]) is not None:
        return False
    accept = _accept(scope)
    html = _preference(accept, "text/html")
    return "text/html" in accept and all(html > _preference(accept, other) for other in _BESIDE_HTML)


def named(text: str, offered: Sequence[Format]) -> Format:
    """Return the format in `?format=`; raises `unknown_format`."""
    name = text.strip().lower()
    for each in offered:
        if each.name == name:
            return each
    names = [each.name for each in offered]
    meant = nearest(name, names) if len(names) > 1 else ""
    raise Problem(
        "unknown_format",
        f"Send {listed((f'format={one}' for one in names), 'or')}.",
        fields={"format": f"must be {listed(names, 'or')}{meant}"},
    )


def _asked(query: bytes) -> str | None:
    """Return what the first `format` in a query string says, as the gate decodes names and values; None without one."""
    if b"format" in query or b"%" in query:
        for part in query.split(b"&"):  # parsing all of a long query is slow
            name, _, text = part.partition(b"=")
            if name == b"format" or (b"%" in name and unquote_to_bytes(name) == b"format"):
                return unquote_plus(text.decode("latin-1"))
    return None


def _accept(scope: Scope) -> str:
    ranges = [content for name, content in scope["headers"] if name == b"accept"]
    if not ranges:
        return ""
    return b",".join(ranges)[:MAX_ACCEPT].decode("latin-1").lower()  # media types have no case (RFC 9110, 8.3.1)


def _preference(accept: str, media: str) -> tuple[float, int]:
    """Return (q, order) of a media type in an Accept header; the type with the greater pair is preferred.

    The most specific range decides q (RFC 9110, 12.5.1). `order` decides between types with the same q: greatest for
    the one that is named first, as clients mean it, and 0 for one that only a wildcard covers.
    """
    ranges, main = accept.split(","), media.partition("/")[0]
    specificity, preference = -1, (0.0, 0)
    for at, part in enumerate(ranges):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        found = {media: 2, f"{main}/*": 1, "*/*": 0}.get(name, -1)
        if found > specificity:
            q = _q(parameters)
            specificity, preference = found, (q, len(ranges) - at if found == 2 and q else 0)
    return preference


def _q(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(text)))
            except ValueError:
                return 0.0
    return 1.0
