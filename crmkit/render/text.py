"""The plain text: one labelled line per record, that nothing a user stored can forge, and that parses back.

A value is a bare word or a JSON value without raw line breaks. `render.parse` is the exact inverse.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from crmkit.model.fields import Custom, Tags
from crmkit.model.record import Kind, Record

_NOT_BARE = re.compile(r'[ "\\]')
# what a reader might take for a number, a boolean, null, a list or an object
_MISTAKABLE = re.compile(r"[\[{]|(?:-?[0-9.]+(?:[eE][+-]?[0-9]+)?|true|false|null|-?Infinity|NaN)\Z", re.ASCII)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def value(content: Any) -> str:
    """Return a JSON value as it stands behind `key=`."""
    if isinstance(content, str):
        return content if is_bare(content) else quoted(content)
    return str(content) if type(content) is int else quoted(content)


def is_bare(text: str) -> bool:
    """Tell whether a string stands for itself: printable, no white space, no quote or backslash, no other type."""
    return bool(text) and text.isprintable() and not _NOT_BARE.search(text) and not _MISTAKABLE.match(text)


def quoted(content: Any) -> str:
    """Return compact JSON in which every unprintable character is escaped."""
    return printable(_encode(content))


def printable(text: str) -> str:
    r"""Return `text` with each unprintable character as `\uXXXX` (a surrogate pair past U+FFFF, as in JSON)."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def key(name: str) -> str:
    """Return one key of custom as it stands in a dotted path."""
    return name if _PLAIN_KEY.fullmatch(name) else quoted(name)


def line(kind: Kind, record: Record, names: Iterable[str]) -> str:
    """Return the record's line with those of the named fields that are not empty."""
    parts = [record.handle]
    for name in names:
        content = getattr(record, name)
        if content is None or name == "id":
            continue
        type_ = kind.by_name[name].type
        if isinstance(type_, Custom):
            parts += (f"{path}={value(leaf)}" for path, leaf in leaves(name, content))
        elif isinstance(type_, Tags):
            parts.append(f"{name}={words(content)}")
        else:
            parts.append(f"{name}={value(content)}")
    return "  ".join(parts)


def words(content: list[str]) -> str:
    """Return a list of plain words joined by commas; any other list as JSON."""
    return ",".join(content) if all(is_bare(word) for word in content) else quoted(content)


def leaves(path: str, content: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield (dotted path, value) for every value in nested objects; an empty object is a value."""
    for name, inner in content.items():
        where = f"{path}.{key(name)}"
        if isinstance(inner, dict) and inner:
            yield from leaves(where, inner)
        else:
            yield where, inner


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
