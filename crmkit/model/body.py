"""A request body: bytes -> one JSON object, or a Problem that says what is wrong with it.

The standard library's parser is used because it alone shows every pair of an object: a key that stands twice
is refused instead of silently dropped.
"""

import json
import math
from typing import Any, NoReturn

from crmkit.errors import Problem
from crmkit.model.fields import MAX_INTEGER

MAX_DEPTH = 32

_SEND = 'Send one JSON object, like {"name":"Jane Doe"}'


def decode(body: bytes) -> dict[str, Any]:
    """Return the object in `body` (UTF-8; empty means `{}`), whatever the Content-Type said.

    Raises `invalid_json` for what RFC 8259 does not allow, for keys that stand twice, lone surrogates, numbers
    past 64 bits, NUL characters and more than MAX_DEPTH levels.
    """
    if not body.strip():
        return {}
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("the body is not UTF-8")
    if text.startswith("\ufeff"):
        _refuse("the body is not JSON (it begins with a byte order mark, line 1 column 1)")
    try:
        value = _read(text)
    except json.JSONDecodeError as error:
        _refuse(f"the body is not JSON ({error.msg}, line {error.lineno} column {error.colno})")
    except RecursionError:
        _refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
    if not isinstance(value, dict):
        _refuse("the body is JSON, but not an object")
    if _may_hide_something(text):
        _walk(value, 1)
    return value


def _may_hide_something(text: str) -> bool:
    """Tell whether JSON in UTF-8 can hold what `_walk` looks for: an escape, or enough brackets for too many levels."""
    return "\\u" in text or text.count("{") + text.count("[") > MAX_DEPTH


def _walk(value: Any, depth: int) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            _refuse("the body holds a NUL character (\\u0000), which no field can keep")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            _refuse("the body holds half of a surrogate pair (\\ud800 to \\udfff alone)")
    elif isinstance(value, dict | list):
        if depth > MAX_DEPTH:
            _refuse(f"the body is nested deeper than {MAX_DEPTH} levels")
        for part in value:
            _walk(part, depth + 1)
        if isinstance(value, dict):
            for part in value.values():
                _walk(part, depth + 1)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        left = iter(found)  # the first of each name, in order: where the pairs leave it, a name came again
        twice = next(name for name, _ in pairs if name != next(left, None))
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
