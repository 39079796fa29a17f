"""The arguments of a tool call, as the client sent them: named, but what they hold is left to the API."""

import json
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any

import msgspec

from crmkit.errors import Problem, nearest
from crmkit.model.form import MAX_UNKNOWN_FIELDS_SHOWN

MAX_TARGET = 8_000  # characters of a path with its query, about as many as HTTP servers usually take

Sent = Mapping[str, msgspec.Raw]


def sent(tool: str, arguments: bytes, takes: Collection[str], needed: Collection[str]) -> dict[str, msgspec.Raw]:
    """Return the arguments by name, undecoded.

    Raises `invalid_value` for one that the tool does not take, for one that stands twice or is missing.
    """
    try:
        found = msgspec.json.decode(arguments, type=dict[str, msgspec.Raw])
        twice = _twice(arguments)
    except (msgspec.DecodeError, RecursionError):
        raise Problem("invalid_value", f"Send the arguments as one JSON object: {', '.join(takes)}.") from None
    if twice is not None:
        refuse(tool, takes, {twice: "stands twice"})
    unknown = [name for name in found if name not in takes]
    wrong = {
        name: f"is no argument of {tool}{nearest(name[:40], takes)}"
        for name in islice(unknown, MAX_UNKNOWN_FIELDS_SHOWN)
    }
    wrong |= {name: "is needed" for name in needed if name not in found}
    refuse(tool, takes, wrong)
    return found


def _twice(arguments: bytes) -> str | None:
    """Return the name of an argument that stands twice, None if none does. Objects within them are not looked into."""
    names: list[str] = []
    known: set[str] = set()

    def pairs(found: list[tuple[str, Any]]) -> None:
        names[:] = [name for name, _ in found]  # those of the outermost object come last

    json.loads(bytes(arguments), object_pairs_hook=pairs, parse_int=str, parse_float=str)  # no number is too long
    for name in names:
        if name in known:
            return name
        known.add(name)
    return None


def text(raw: msgspec.Raw) -> str | None:
    """Return an argument that is a text, None if it is none."""
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:
        return None


def refuse(tool: str, takes: Collection[str], wrong: Mapping[str, str]) -> None:
    """Raise `invalid_value` if something is wrong with arguments."""
    if wrong:
        told = "; ".join(f"{name[:40]} {what}" for name, what in wrong.items())
        raise Problem("invalid_value", f"The tool {tool} takes {', '.join(takes) or 'no arguments'}: {told}.")


def checked(target: str) -> str:
    """Return the path with its query, raise `invalid_value` if it is too long."""
    if len(target) > MAX_TARGET:
        raise Problem("invalid_value", f"path has at most {MAX_TARGET} characters; what is long goes into body.")
    return target
