"""Whether a request asks for text or JSON."""

from urllib.parse import parse_qsl

from litestar.types import Scope

from crmkit.errors import Problem, nearest

FORMATS = ("text", "json")
MAX_ACCEPT = 1000  # characters of Accept that are read; browsers send about 150


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
    accept = b",".join(ranges)[:MAX_ACCEPT].decode("latin-1").lower()  # media types have no case (RFC 9110, 8.3.1)
    return "json" in accept and _preference(accept, "application", "json") > _preference(accept, "text", "plain")


def check_format(text: str) -> str:
    """Return the format in `?format=`; raises `unknown_format`."""
    format = text.strip().lower()
    if format not in FORMATS:
        raise Problem(
            "unknown_format",
            "Send format=text or format=json.",
            fields={"format": f"must be text or json{nearest(format, FORMATS)}"},
        )
    return format


def _preference(accept: str, main: str, sub: str) -> tuple[float, int]:
    """Return (q, order) of a media type in an Accept header; the type with the greater pair is preferred.

    The most specific range decides q (RFC 9110, 12.5.1). `order` decides between types with the same q: greatest for
    the one that is named first, as clients mean it, and 0 for one that only a wildcard covers.
    """
    ranges = accept.split(",")
    specificity, preference = -1, (0.0, 0)
    for at, part in enumerate(ranges):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        found = {f"{main}/{sub}": 2, f"{main}/*": 1, "*/*": 0}.get(name, -1)
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
