"""Text or JSON: which of the two a request asks for."""

from urllib.parse import parse_qsl

from litestar.types import Scope

from crmkit.errors import Problem, nearest

FORMATS = ("text", "json")
LONGEST = 1000  # characters of Accept that are looked at; browsers send about 150


def wants_json(scope: Scope) -> bool:
    """Tell whether the answer is JSON: `?format=` wins, then an Accept header that prefers JSON to text.

    Raises `unknown_format` for a format that is neither.
    """
    query = scope["query_string"]
    if b"format=" in query:
        for part in query.split(b"&"):  # parsing all of a long query is slow
            if part.startswith(b"format="):
                ((_, text),) = parse_qsl(part.decode("latin-1"), keep_blank_values=True)
                return check_format(text) == "json"
    ranges = [content for name, content in scope["headers"] if name == b"accept"]
    if not ranges:
        return False
    accept = b",".join(ranges)[:LONGEST].decode("latin-1").lower()  # media types have no case (RFC 9110, 8.3.1)
    return "json" in accept and _quality(accept, "application", "json") > _quality(accept, "text", "plain")


def check_format(text: str) -> str:
    """Return the format that `?format=` names; raises `unknown_format`."""
    asked = text.strip().lower()
    if asked not in FORMATS:
        raise Problem(
            "unknown_format",
            "Send format=text or format=json.",
            fields={"format": f"must be text or json{nearest(asked, FORMATS)}"},
        )
    return asked


def _quality(accept: str, main: str, sub: str) -> float:
    """Return the q-value of a media type in an Accept header: the most specific range counts (RFC 9110, 12.5.1).

    Where two types are both named with the same q, the one named first is preferred, as clients mean it.
    """
    best = (-1, 0.0)
    ranges = accept.split(",")
    for place, part in enumerate(ranges):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        specificity = {f"{main}/{sub}": 2, f"{main}/*": 1, "*/*": 0}.get(name, -1)
        if specificity > best[0]:
            first_come = (len(ranges) - place) * 1e-6 if specificity == 2 else 0.0
            quality = _parameter(parameters)
            best = (specificity, quality + first_come if quality else 0.0)
    return best[1]


def _parameter(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(text)))
            except ValueError:
                return 0.0
    return 1.0
