"""An independent reader of the plain text: from its grammar alone, with nothing of the product's own code."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

COMMENT = re.compile(r"# (\d+ [a-z]+|total: \d+\+?|next: \S+|created|updated|note: .*)")
HANDLE = re.compile(r"[a-z]+/[a-z]+_[a-z0-9]{8}")
KEY = re.compile(r"[A-Za-z0-9_-]+")
NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
CONSTANTS = {"true": True, "false": False, "null": None}
LISTS = ("tags",)  # fields whose bare value is words between commas
_JSON = json.JSONDecoder()


class Forged(Exception):
    """A line that the grammar does not have, or a character that no answer may hold."""


@dataclass(frozen=True)
class Line:
    """A record as its line shows it; keys that lead into an object are tuples of more than one."""

    handle: str
    values: dict[tuple[str, ...], Any]


def records(text: str) -> Iterator[Line]:
    """Yield the records of an answer; raises Forged for a line that is neither a record nor a comment of ours."""
    if not text.endswith("\n"):
        raise Forged("the answer does not end with a line break")
    for line in text[:-1].split("\n"):
        # joiners stand within words of scripts that need them
        if odd := [c for c in line if not c.isprintable() and c not in "\u200c\u200d"]:
            raise Forged(f"an unprintable {odd[0]!r} in {line[:80]!r}")
        if not line.startswith("# "):
            yield _record(line)
        elif not COMMENT.fullmatch(line):
            raise Forged(f"a comment that is not ours: {line[:80]!r}")


def _record(line: str) -> Line:
    handle, _, rest = line.partition("  ")
    if not HANDLE.fullmatch(handle):
        raise Forged(f"no handle: {line[:80]!r}")
    values: dict[tuple[str, ...], Any] = {}
    at = 0
    while at < len(rest):
        path, at = _path(rest, at)
        if path in values:
            raise Forged(f"{path} stands twice in {line[:80]!r}")
        raw, values[path], at = _value(rest, at)
        if path[0] in LISTS and isinstance(values[path], str):
            values[path] = raw.split(",")
        if at < len(rest) and not rest.startswith("  ", at):
            raise Forged(f"no two spaces at {at} of {line[:80]!r}")
        at += 2
    return Line(handle, values)


def _path(rest: str, at: int) -> tuple[tuple[str, ...], int]:
    found: list[str] = []
    while True:
        if rest.startswith('"', at):
            key, at = _JSON.raw_decode(rest, at)
        elif match := KEY.match(rest, at):
            key, at = match.group(), match.end()
        else:
            raise Forged(f"no key at {at} of {rest[:80]!r}")
        found.append(key)
        if rest.startswith("=", at):
            return tuple(found), at + 1
        if not rest.startswith(".", at):
            raise Forged(f"no = at {at} of {rest[:80]!r}")
        at += 1


def _value(rest: str, at: int) -> tuple[str, Any, int]:
    if rest[at : at + 1] in ('"', "[", "{"):
        value, end = _JSON.raw_decode(rest, at)
        return rest[at:end], value, end
    end = rest.find(" ", at)
    raw = rest[at:] if end < 0 else rest[at:end]
    if raw in CONSTANTS:
        value = CONSTANTS[raw]
    elif NUMBER.fullmatch(raw):
        value = json.loads(raw)
    else:
        value = raw
    return raw, value, at + len(raw)


def flat(record: dict[str, Any], custom: str = "custom") -> dict[tuple[str, ...], Any]:
    """Return a JSON record as its line shows it: without what is empty, objects below `custom` by their keys."""
    found: dict[tuple[str, ...], Any] = {}
    for name, value in record.items():
        if name == custom:
            found |= _leaves((name,), value or {})
        elif name not in ("id", "handle") and value not in (None, [], ""):
            found[name,] = value
    return found


def _leaves(path: tuple[str, ...], value: Any) -> dict[tuple[str, ...], Any]:
    if not isinstance(value, dict) or (not value and len(path) > 1):
        return {path: value}
    return {leaf: one for key, below in value.items() for leaf, one in _leaves((*path, key), below).items()}
