"""A request body: bytes -> one JSON object, or a Problem that says what is wrong with it.

The standard library's parser is used because it hands every pair of an object to a hook: so a duplicate key is refused.
msgspec would keep the last value in silence.
"""

import json
import math
import re
from typing import Any, NoReturn

from crmkit.errors import Problem
from crmkit.model.fields import MAX_INTEGER

MAX_DEPTH = 32

_MARK = b"\xef\xbb\xbf"  # byte order mark of UTF-8
# the longer ones first, since one mark begins with another
_OTHER_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^;"'\s]+)""", re.IGNORECASE)
_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")

_SEND = 'Send one JSON object, like {"name":"Jane Doe"}'


def uncoded(body: bytes, codings: str, media_type: str) -> bytes:
    """Return a body without a byte order mark; the headers Content-Encoding and Content-Type tell how it was sent.

    Raises `unsupported_encoding` for one that is compressed or otherwise coded, or in another charset than UTF-8.
    """
    if not body:
        return body
    coding = next((name for name in map(str.strip, codings.split(",")) if name.lower() not in ("", "identity")), "")
    if coding:
        what, instead = f"its coding is {coding}", "Send the body as it is, without Content-Encoding"
    else:
        named = _CHARSET.search(media_type)
        charset = named[1] if named and named[1].lower() not in _UTF_8 else ""
        charset = charset or next((name for mark, name in _OTHER_MARKS if body.startswith(mark)), "")
        if not charset:
            return body.removeprefix(_MARK)
        what, instead = f"its charset is {charset}", "Send the body in UTF-8"
    raise Problem("unsupported_encoding", f"{instead}: {what}.")


def decode(body: bytes) -> dict[str, Any]:
    """Return the object in `body` (UTF-8; empty means `{}`), whatever the Content-Type said.

    Raises `invalid_json` for what RFC 8259 does not allow, for duplicate keys, lone surrogates, numbers past 64 bits,
    NUL characters and more than MAX_DEPTH levels.
    """
    if not body.strip():
        return {}
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("the body is not UTF-8")
    try:
        value = _read(text)
    except json.JSONDecodeError as error:
        _refuse(f"the body is not JSON ({error.msg}, line {error.lineno} column {error.colno})")
    except RecursionError:
        _refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(value, dict):
        _refuse("the body is JSON, but not an object")
    if _needs_check(text):
        _check(value, 1)
    return value


def _needs_check(text: str) -> bool:
    """Tell whether JSON can hold what `_check` refuses: it has \\u escapes, or more than MAX_DEPTH brackets."""
    return "\\u" in text or text.count("{") + text.count("[") > MAX_DEPTH


def _check(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            _refuse("the body holds a NUL character (\\u0000), which no field can keep")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            _refuse("the body holds half of a surrogate pair (\\ud800 to \\udfff alone)")
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            _refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
        for part in value:
            _check(part, depth + 1)
        if isinstance(value, dict):
            for part in value.values():
                _check(part, depth + 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        distinct = iter(found)  # in the order of the pairs: the first pair that differs repeats a name
        twice = next(name for name, _ in pairs if name != next(distinct, None))
        _refuse(f"the body has the key {json.dumps(twice[:40])} twice")
    return found


def _constant(text: str) -> NoReturn:
    _refuse(f"the body holds {text}, which is no JSON number")


def _integer(text: str) -> int:
    if len(text) > 20 or not -MAX_INTEGER <= int(text) <= MAX_INTEGER:
        _refuse("the body holds a whole number past 64 bits; send it as text")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse("the body holds a number that is too large; send it as text")
    return value


def _refuse(what: str) -> NoReturn:
    raise Problem("invalid_json", f"{_SEND}: {what}.")


_read = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
).decode
