"""The parts of an expression: numbers, texts, names, signs, each with its place."""

import json
import math
import re
from collections.abc import Iterator
from enum import Enum
from json import JSONDecodeError
from typing import Any

from msgspec import Struct

_BLANK = re.compile(r"\s*")
_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_NAME = re.compile(r"[^\W\d]\w*")
_KEY = re.compile(r"\w+", re.ASCII)
_SIGN = re.compile(r"==|!=|<=|>=|&&|\|\||[-+*/<>!?:(),]")
_CUSTOM = "custom"
_SHOWN = 40  # characters of a part, in messages
_ALIAS = "attr_"  # before a key of custom
_INSTEAD = {
    "=": "write == to compare",
    "'": 'write a text in double quotes, like "vip"',
    "&": "write and, or &&",
    "|": "write or, or ||",
}
_decode = json.JSONDecoder().raw_decode


class BadExpression(ValueError):
    """What is wrong with an expression, after the column where it is: the first character has 1."""

    def __init__(self, column: int, what: str) -> None:
        super().__init__(f"column {column}: {what}")
        self.column = column


class Sort(Enum):
    NUMBER, TEXT, NAME, KEY, SIGN, END = range(6)


class Token(Struct, frozen=True):
    """A part as it is spelled; `value` is that of a number or a text, and the path of a key."""

    sort: Sort
    text: str
    column: int
    value: Any = None

    @property
    def shown(self) -> str:
        """The token as error messages quote it, cut where it is long."""
        if self.sort is Sort.END:
            return "the end"
        return self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]}…"

    def bad(self, what: str) -> BadExpression:
        """Return an error at this place."""
        return BadExpression(self.column, what)


def tokens(text: str) -> Iterator[Token]:
    """Yield the parts of a text, the last one its end; raises BadExpression."""
    at = _after_blanks(text, 0)
    while at < len(text):
        token, end = _token(text, at)
        yield token
        at = _after_blanks(text, end)
    yield Token(Sort.END, "", len(text) + 1)


def _token(text: str, at: int) -> tuple[Token, int]:
    """Return the part that begins at a place, and where it ends."""
    column = at + 1
    if text[at] == '"':
        value, end = _string(text, at)
        return Token(Sort.TEXT, text[at:end], column, value), end
    if found := _NUMBER.match(text, at):
        number = float(found.group())
        if not math.isfinite(number):
            raise BadExpression(column, "is too large a number")
        return Token(Sort.NUMBER, found.group(), column, number), found.end()
    if found := _NAME.match(text, at):
        return _named(text, at, found.group())
    if found := _SIGN.match(text, at):
        return Token(Sort.SIGN, found.group(), column), found.end()
    raise BadExpression(column, _INSTEAD.get(text[at], f"{json.dumps(text[at])} means nothing here"))


def _named(text: str, at: int, name: str) -> tuple[Token, int]:
    """Return a name, or the path of a key of custom: `custom.KEY`, `custom."odd key"`, `attr_KEY`."""
    end = at + len(name)
    if name.startswith(_ALIAS) and len(name) > len(_ALIAS):
        return Token(Sort.KEY, name, at + 1, (name.removeprefix(_ALIAS),)), end
    if name != _CUSTOM or text[end : end + 1] != ".":
        return Token(Sort.NAME, name, at + 1), end
    path = []
    while text[end : end + 1] == ".":
        key, end = _key(text, end + 1)
        path.append(key)
    return Token(Sort.KEY, text[at:end], at + 1, tuple(path)), end


def _key(text: str, at: int) -> tuple[str, int]:
    if text[at : at + 1] == '"':
        return _string(text, at)
    found = _KEY.match(text, at)
    if found is None:
        raise BadExpression(at + 1, 'expected a key, like custom.region or custom."odd key"')
    return found.group(), found.end()


def _string(text: str, at: int) -> tuple[str, int]:
    try:
        found: tuple[str, int] = _decode(text, at)
    except JSONDecodeError:
        raise BadExpression(at + 1, 'is no JSON string, like "vip"') from None
    return found


def _after_blanks(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
