"""Bodies of browsers and OAuth clients: application/x-www-form-urlencoded."""

from urllib.parse import parse_qsl

from crmkit.errors import Problem
from crmkit.web.call import HttpCall

MAX_FIELDS = 30
MAX_FORM = 64 * 1024  # bytes


async def form_of(call: HttpCall) -> dict[str, str]:
    """Return the fields of a form body, each sent once; raises `invalid_value` or `unsupported_encoding`."""
    try:
        raw = (await call.raw_body()).decode("utf-8")
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except (ValueError, Problem) as error:
        if isinstance(error, Problem) and error.code == "unsupported_encoding":
            raise
        raise Problem("invalid_value", "Send a small form (application/x-www-form-urlencoded) in UTF-8.") from None
    if any("\0" in text for pair in pairs for text in pair):
        raise Problem("invalid_value", "Send a form without NUL characters.")
    if len({name for name, _ in pairs}) < len(pairs):
        raise Problem("invalid_value", "Send each field of the form once.")
    return dict(pairs)
