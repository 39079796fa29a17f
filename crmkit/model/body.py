"""A request body: bytes -> one JSON object, or the items of a batch, or a Problem that says what is wrong with it.

The standard library's parser is used because it hands every pair of an object to a hook: so a duplicate key is refused.
msgspec would keep the last value in silence.
"""

import json
import math
import re
from typing import Any, NoReturn

from crmkit.errors import Problem
from crmkit.model.fields import MAX_INTEGER, Invalid

MAX_DEPTH = 32

_MARK = b"\xef\xbb\xbf"  # byte order mark of UTF-8
# the longer ones first, since one mark begins with another
_OTHER_MARKS = (
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
# which of the first four bytes are NUL where each of the first characters is one of ASCII
_NULS = {b"\1\0\1\0": "UTF-16", b"\0\1\0\1": "UTF-16", b"\1\0\0\0": "UTF-32", b"\0\0\0\1": "UTF-32"}
_GZIP = b"\x1f\x8b"
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^;"'\s]+)""", re.IGNORECASE)
_UTF_8 = ("utf-8", "utf8", "us-ascii", "ascii")

_SEND = 'Send one JSON object, like {"name":"Jane Doe"}'
_SEND_MANY = 'Send {"items":[{"name":"Jane Doe"}]}, a JSON list of objects, or JSON lines, one object in each'
_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
_PAST_64_BITS = "holds a whole number past 64 bits; send it as text"
_NESTING = (dict, list)


def uncoded(body: bytes, codings: str, media_type: str) -> bytes:
    """Return a body without a byte order mark; the headers Content-Encoding and Content-Type tell how it was sent.

    Raises `unsupported_encoding` for one that is compressed or otherwise coded, or in another charset than UTF-8, also
    where its first bytes alone tell that.
    """
    if not body:
        return body
    if codings:
        check_coding(codings)
    if body.startswith(_GZIP):
        raise Problem("unsupported_encoding", "Send the body as it is, not compressed: its coding is gzip.")
    named = _CHARSET.search(media_type)
    charset = named[1] if named and named[1].lower() not in _UTF_8 else _charset(body)
    if charset:
        raise Problem("unsupported_encoding", f"Send the body in UTF-8: its charset is {charset}.")
    return body.removeprefix(_MARK)


def _charset(body: bytes) -> str:
    """Return the charset that the first bytes of a body tell, "" for UTF-8."""
    marked = next((name for mark, name in _OTHER_MARKS if body.startswith(mark)), "")
    return marked or (_NULS.get(bytes(map(bool, body[:4])), "") if 0 in body[:4] else "")


def check_coding(codings: str) -> None:
    """Raise `unsupported_encoding` for a body that is compressed or otherwise coded, as Content-Encoding tells."""
    coding = next((name for name in map(str.strip, codings.split(",")) if name.lower() not in ("", "identity")), "")
    if coding:
        hint = f"Send the body as it is, without Content-Encoding: its coding is {coding}."
        raise Problem("unsupported_encoding", hint)


def decode(body: bytes) -> dict[str, Any]:
    """Return the object in `body` (UTF-8; empty means `{}`), whatever the Content-Type said.

    Raises `invalid_json` for what RFC 8259 does not allow, for duplicate keys, lone surrogates, numbers past 64 bits,
    NUL characters and more than MAX_DEPTH levels.
    """
    if not body.strip():
        return {}
    value = decode_value(body, _SEND)
    if not isinstance(value, dict):
        many = "; POST /KIND/batch takes a list" if isinstance(value, list) else ""
        raise _Refused(f"the body is JSON, but not an object{many}").problem(_SEND)
    return value


def decode_value(body: bytes, send: str) -> Any:
    """Return the value in `body`, of any type; raises as `decode`. `send` says what to send."""
    try:
        text = _text(body)
        value = _value(text)
        _check([value], text)
    except _Refused as refused:
        raise refused.problem(send) from None
    return value


def decode_items(body: bytes) -> list[Any]:
    """Return the items of a batch in any of its forms: {"items":[…]}, a list, JSON lines, one object alone.

    Raises `invalid_json` for what `decode` does not allow, where each item is a body of its own, and for other forms;
    `unknown_field` for what stands beside `items`; `missing_field` if there is no item.
    """
    try:
        text = _text(body)
        items = _items(text) if text.strip() else []
        _check(items, text)
    except _Refused as refused:
        raise refused.problem(_SEND_MANY) from None
    if not items:
        raise Problem("missing_field", f"{_SEND_MANY}.", fields={"items": "needs at least one item"})
    return items


def _items(text: str) -> list[Any]:
    try:
        value = _read(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # after a value that is whole
            return [_value(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip(" \t\r")]
        value = _value(text)
    except RecursionError:
        _refuse(f"the body {_TOO_DEEP}")
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        _refuse("the body is JSON, but neither an object nor a list")
    if "items" not in value:
        return [value]
    beside = dict.fromkeys((name for name in value if name != "items"), "does not belong beside items")
    if beside:
        raise Problem("unknown_field", "Send items alone in the body, and parameters in the query.", fields=beside)
    if not isinstance(value["items"], list):
        raise Problem("invalid_value", f"{_SEND_MANY}.", fields={"items": "must be a list"})
    return value["items"]


class _Refused(Exception):
    """What is wrong with the JSON of a body."""

    def problem(self, send: str) -> Problem:
        """Return the refusal; its hint tells what to send."""
        return Problem("invalid_json", f"{send}: {self}.")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("the body is not UTF-8")


def _value(text: str, line: int = 0) -> Any:
    """Return the value that a whole body has, or one line of it."""
    try:
        return _read(text)
    except json.JSONDecodeError as error:
        where = f"line {line or error.lineno} column {error.colno}"
        _refuse(f"the body is not JSON ({error.msg}, {where})")
    except RecursionError:
        _refuse(f"the body {_TOO_DEEP}")


def _check(values: list[Any], text: str) -> None:
    """Refuse what JSON can hold and no field can keep: deep nesting, and characters that only escapes spell."""
    has_escapes = "\\u" in text
    if has_escapes or text.count("{") + text.count("[") > MAX_DEPTH:
        try:
            for value in values:
                check(value, has_escapes=has_escapes)
        except Invalid as invalid:
            _refuse(f"the body {invalid}")


def check(value: Any, depth: int = 1, *, has_escapes: bool = True, has_long: bool = False) -> None:
    """Raise Invalid for a value of JSON, `depth` levels deep in a record, that no field can keep.

    Its texts are looked at where it `has_escapes`, its whole numbers where it may have too long ones.
    """
    if isinstance(value, str):
        if "\x00" in value:
            raise Invalid("holds a NUL character (\\u0000), which no field can keep")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise Invalid("holds half of a surrogate pair (\\ud800 to \\udfff alone)")
    elif isinstance(value, _NESTING):
        if depth > MAX_DEPTH:
            raise Invalid(_TOO_DEEP)
        for part in value if isinstance(value, list) else (*value, *value.values()):
            if has_escapes or isinstance(part, _NESTING):
                check(part, depth + 1, has_escapes=has_escapes, has_long=has_long)
    elif has_long and isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise Invalid(_PAST_64_BITS)


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
        _refuse(f"the body {_PAST_64_BITS}")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse("the body holds a number that is too large; send it as text")
    return value


def _refuse(what: str) -> NoReturn:
    raise _Refused(what)


_read = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
).decode
