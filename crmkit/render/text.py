"""The plain text: one labelled line per record, that nothing a user stored can forge, and that parses back.

A value is a bare word or a JSON value without raw line breaks. `render.parse` is the exact inverse.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from crmkit.model.fields import PLAIN_KEY, Custom, Integer, Tags
from crmkit.model.form import Field
from crmkit.model.names import UNSEEN
from crmkit.model.record import Kind, Record

_HIDDEN = re.compile(f"[{UNSEEN}]")
_NOT_BARE = re.compile(rf'[ "\\{UNSEEN}]')
# what a reader might take for a number, a boolean, null, a list or an object
_MISTAKABLE = re.compile(r"[\[{]|(?:-?[0-9.]+(?:[eE][+-]?[0-9]+)?|true|false|null|-?Infinity|NaN)\Z", re.ASCII)
# characters past ASCII that everybody sees: Latin, Greek, Cyrillic, kana, Han, Hangul
_SEEN = (
    "\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u03ff\u0400-\u052f"
    "\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
)
# most values are one of these, which a single look tells: a plain word, or words that need nothing but quotes
_WORD = re.compile(rf"(?!(?:true|false|null|NaN|Infinity)\Z)[A-Za-z@_+/{_SEEN}][!#-\[\]-~{_SEEN}]*+")
_WORDS = re.compile(rf"[ !#-\[\]-~{_SEEN}]*+")
_TAG = rf"(?!(?:true|false|null|NaN|Infinity)(?:,|\Z))[A-Za-z@_+/{_SEEN}][!#-+\--\[\]-~{_SEEN}]*+"
_TAGS = re.compile(f"{_TAG}(?:,{_TAG})*+")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def value(content: Any) -> str:
    """Return a JSON value as it stands behind `key=`."""
    if isinstance(content, str):
        if " " in content:
            return f'"{content}"' if _WORDS.fullmatch(content) else quoted(content)
        return content if _WORD.fullmatch(content) or is_bare(content) else quoted(content)
    return str(content) if type(content) is int else quoted(content)


def is_bare(text: str) -> bool:
    """Tell whether a string stands for itself: printable, no white space, no quote or backslash, no other type."""
    return bool(text) and text.isprintable() and not _NOT_BARE.search(text) and not _MISTAKABLE.match(text)


def quoted(content: Any) -> str:
    """Return compact JSON in which every unprintable character is escaped."""
    return printable(_encode(content))


def printable(text: str) -> str:
    r"""Return `text` with each character that cannot be seen as `\uXXXX` (a surrogate pair past U+FFFF, as in JSON)."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else _escaped(character) for character in text)
    return text if text.isascii() else _HIDDEN.sub(lambda found: _escaped(found.group()), text)


def key(name: str) -> str:
    """Return one key of custom as it stands in a dotted path."""
    return name if PLAIN_KEY.fullmatch(name) else quoted(name)


def line(kind: Kind, record: Record, names: Iterable[str]) -> str:
    """Return the record's line with those of the named fields that are not empty."""
    return liner(kind, tuple(names))(record)


@lru_cache(256)
def liner(kind: Kind, names: tuple[str, ...]) -> Callable[[Record], str]:
    """Return the function that writes the line of a record of this kind with those fields."""
    return _compiled(kind, "{record.handle}", [(name, f"record.{name}") for name in names if name != "id"])


@lru_cache(256)
def row_liner(kind: Kind, names: tuple[str, ...]) -> Callable[[Sequence[Any]], str]:
    """Return the function that writes the line of a row: the id of a record, then the values of those fields."""
    return _compiled(kind, f"{kind.name}/{{record[0]}}", [(name, f"record[{at}]") for at, name in enumerate(names, 1)])


def _compiled(kind: Kind, handle: str, places: list[tuple[str, str]]) -> Callable[[Any], str]:
    """Return a writer of lines, given how the handle stands in an f-string, and the expression for each field.

    It is written out, field by field, and compiled, as dataclasses do it: lines are what a CRM answers most, and a loop
    over the fields is slower.
    """
    code = ["def write(record):"]
    for at, (name, place) in enumerate(places):
        code.append(f" _{at} = '' if (content := {place}) is None else {_spelling(kind.by_name[name])}")
    parts = "".join(f"{{_{at}}}" for at in range(len(places)))
    made: dict[str, Any] = {
        "is_bare": is_bare,
        "is_word": _WORD.fullmatch,
        "is_words": _WORDS.fullmatch,
        "nested": nested,
        "quoted": quoted,
        "value": value,
        "words": words,
    }
    exec("\n".join([*code, f" return f'{handle}{parts}'"]), made)  # noqa: S102 - of names that are declared, nothing else
    write: Callable[[Any], str] = made["write"]
    return write


# what `value` makes of a string, as an expression, which spares a call for each string of a line
_STRING = (
    """((f'"{content}"' if is_words(content) else quoted(content)) if " " in content """
    """else content if is_word(content) or is_bare(content) else quoted(content))"""
)


def _spelling(field: Field) -> str:
    """Return the expression for what stands in a line for `content`, two spaces before it."""
    if isinstance(field.type, Custom):
        return f'nested("{field.name}", content)'
    before = f'"  {field.name}=" + '
    if isinstance(field.type, Tags):
        return f"{before}words(content)"
    if isinstance(field.type, Integer):
        return f"{before}str(content)"
    if field.type.structured:
        return f"{before}value(content)"
    return f"{before}{'content' if field.type.bare else _STRING}"


def words(content: list[str]) -> str:
    """Return tags joined by commas, which none of them holds; as JSON unless all are plain words."""
    joined = ",".join(content)
    return joined if _TAGS.fullmatch(joined) or all(map(is_bare, content)) else quoted(content)


def nested(path: str, content: dict[str, Any]) -> str:
    """Return `  path=value` for every value in nested objects; an empty object is a value."""
    line = ""
    for name, inner in content.items():
        where = _below(path, name)
        line += nested(where, inner) if isinstance(inner, dict) and inner else f"  {where}={value(inner)}"
    return line


@lru_cache(512)
def _below(path: str, name: str) -> str:
    return f"{path}.{key(name)}"


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
