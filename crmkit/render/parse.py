"""The inverse of `render.text`: a line -> the same record in JSON."""

import json
import re
from itertools import pairwise
from typing import Any

from crmkit.errors import a
from crmkit.model.fields import PLAIN_KEY, Custom, Number, Tags
from crmkit.model.record import Kind

_DECODER = json.JSONDecoder()
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}


def record(kind: Kind, text: str) -> dict[str, Any]:
    """Return the JSON object of the record in a line; fields that the line leaves out are None.

    Raises ValueError for a line that is no record of this kind.
    """
    handle, pairs = split(text)
    if not handle.startswith(f"{kind.name}/"):
        raise ValueError(f"not {a(kind.name)}: {handle}")
    found: dict[str, Any] = {"handle": handle, **dict.fromkeys(kind.by_name)}
    found["id"] = handle.partition("/")[2]
    for path, raw in pairs:
        field = kind.by_name.get(path[0])
        if field is None or (len(path) > 1) != isinstance(field.type, Custom):
            raise ValueError(f"no field of {a(kind.name)}: {'.'.join(path)}")
        if isinstance(field.type, Custom):
            inner = found
            for key, next_key in pairwise(path):
                if inner[key] is None:
                    inner[key] = {}
                inner = inner[key]
                if not isinstance(inner, dict):
                    raise ValueError(f"a value and an object at once: {'.'.join(path)}")
                inner.setdefault(next_key, None)
            inner[path[-1]] = value(raw)
        elif isinstance(field.type, Tags) and not raw.startswith("["):
            found[path[0]] = raw.split(",")
        elif isinstance(field.type, Number):
            found[path[0]] = float(raw)  # text leaves out a fraction of nought
        else:
            found[path[0]] = value(raw)
    return found


def split(text: str) -> tuple[str, list[tuple[list[str], str]]]:
    """Return the handle of a record line and its (key path, raw value) pairs."""
    handle, _, rest = text.partition("  ")
    pairs = []
    at = 0
    while at < len(rest):
        path, at = _path(rest, at)
        end = _value_end(rest, at)
        pairs.append((path, rest[at:end]))
        if end < len(rest) and rest[end : end + 2] != "  ":
            raise ValueError(f"two spaces expected at {end}: {rest!r}")
        at = end + 2
    return handle, pairs


def value(raw: str) -> Any:
    """Return the JSON value that `text.value` wrote."""
    if raw[:1] in ('"', "[", "{"):
        return json.loads(raw)
    if raw in _WORDS:
        return _WORDS[raw]
    return json.loads(raw) if _NUMBER.fullmatch(raw) else raw


def _path(rest: str, at: int) -> tuple[list[str], int]:
    path = []
    while True:
        if rest[at : at + 1] == '"':
            part, at = _DECODER.raw_decode(rest, at)
        else:
            found = PLAIN_KEY.match(rest, at)
            if found is None:
                raise ValueError(f"a key expected at {at}: {rest!r}")
            part, at = found.group(), found.end()
        path.append(part)
        if rest[at : at + 1] == "=":
            return path, at + 1
        if rest[at : at + 1] != ".":
            raise ValueError(f"= or . expected at {at}: {rest!r}")
        at += 1


def _value_end(rest: str, at: int) -> int:
    if rest[at : at + 1] in ('"', "[", "{"):
        return _DECODER.raw_decode(rest, at)[1]
    end = rest.find(" ", at)
    return len(rest) if end < 0 else end
