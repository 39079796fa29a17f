"""The plain text of records: one line each, `kind/id  key=value  key=value`.

A value is a bare word, or JSON without raw line breaks. So no stored value can look like another field or another
record, and `render.parse` reads every line back exactly.
"""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from crmkit.model.fields import PLAIN_KEY, Custom, Email, Flag, Integer, Number, Tags
from crmkit.model.form import Field
from crmkit.model.names import UNSEEN
from crmkit.model.record import Kind, Record
from crmkit.render.joiners import JOINERS, SELECTOR, joins

_NEEDED = re.compile(f"[{JOINERS}{SELECTOR}]")
_HIDDEN = re.compile(f"[{UNSEEN}]")
_NOT_BARE = re.compile(rf'[ "\\{UNSEEN}]')
# strings that a reader might take for a number, a boolean, null, a list or an object: they are quoted
_MISTAKABLE = re.compile(r"[\[{]|(?:-?[0-9.]+(?:[eE][+-]?[0-9]+)?|true|false|null|-?Infinity|NaN)\Z", re.ASCII)
# common visible characters beyond ASCII: Latin, Greek, Cyrillic, kana, Han, Hangul
_SEEN = (
    "\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u03ff\u0400-\u052f"
    "\u3041-\u3096\u30a1-\u30ff\u4e00-\u9fff\uac00-\ud7a3"
)
# most values match one of these two, which saves the slower checks: a bare word, or words that need only quotes
_WORD = re.compile(rf"(?!(?:true|false|null|NaN|Infinity)\Z)[A-Za-z@_+/{_SEEN}][!#-\[\]-~{_SEEN}]*+")
_WORDS = re.compile(rf"[ !#-\[\]-~{_SEEN}]*+")
_TAGS = re.compile(  # a set of characters like these takes milliseconds to compile, so that of a tag stands once
    rf"(?:(?!(?:true|false|null|NaN|Infinity)(?:,|\Z))[A-Za-z@_+/{_SEEN}][!#-+\--\[\]-~{_SEEN}]*+(?:,(?!\Z)|\Z))++"
)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def value(content: Any) -> str:
    """Return a JSON value as it is written after `key=`."""
    if isinstance(content, str):
        if " " in content:
            return f'"{content}"' if _WORDS.fullmatch(content) else quoted(content)
        return content if _WORD.fullmatch(content) or is_bare(content) else quoted(content)
    return str(content) if type(content) is int else quoted(content)


def is_bare(text: str) -> bool:
    """Tell whether a string needs no quotes: printable, without spaces, quotes and backslashes, like no other type."""
    return bool(text) and text.isprintable() and not _NOT_BARE.search(text) and not _MISTAKABLE.match(text)


def quoted(content: Any) -> str:
    """Return compact JSON in which every unprintable character is escaped."""
    return printable(_encode(content))


def printable(text: str) -> str:
    r"""Return `text` with invisible characters as `\uXXXX`, past U+FFFF as a surrogate pair, as in JSON.

    Those stand that scripts and emoji need: a joiner between two letters or emoji, the selector after an emoji.
    """
    if is_visible(text):
        return text
    parts, at = [], 0
    for found in _NEEDED.finditer(text):
        if joins(text, found.start()):
            parts += [_all_escaped(text[at : found.start()]), found.group()]
            at = found.end()
    return "".join([*parts, _all_escaped(text[at:])])


def is_visible(text: str) -> bool:
    """Tell whether `text` has no invisible character, not even one that stands as it is."""
    return text.isprintable() and (text.isascii() or not _HIDDEN.search(text))


def key(name: str) -> str:
    """Return a key of custom as a dotted path spells it."""
    return name if PLAIN_KEY.fullmatch(name) else quoted(name)


def line(kind: Kind, record: Record, names: Iterable[str]) -> str:
    """Return the record's line, with the named fields that are not empty."""
    return liner(kind, tuple(names))(record)


@lru_cache(256)
def liner(kind: Kind, names: tuple[str, ...]) -> Callable[[Record], str]:
    """Return the function that writes the line of a record of this kind with those fields."""
    return _compiled(kind, "{record.handle}", [(name, f"record.{name}") for name in names if name != "id"], "")


@lru_cache(256)
def row_liner(kind: Kind, names: tuple[str, ...]) -> Callable[[Sequence[Any]], str]:
    """Return the function that writes the line of a row: the id of a record, then the values of those fields."""
    reads = [(name, f"_{at}") for at, name in enumerate(names)]
    return _compiled(kind, f"{kind.name}/{{id}}", reads, f"id, {''.join(f'{read}, ' for _, read in reads)}= record")


def _compiled(kind: Kind, handle: str, reads: list[tuple[str, str]], before: str) -> Callable[[Any], str]:
    """Return a function that writes lines, compiled from generated source with one statement for each field.

    `handle` is the handle as part of an f-string; `reads` has the name of each field and the expression that reads it,
    once the statement `before` is done.
    Dataclasses generate source the same way. A loop over the fields is slower, and lines are most of what is answered.
    """
    code = ["def write(record):", f" {before}"]
    for at, (name, read) in enumerate(reads):
        code.append(f" _{at} = '' if (content := {read}) is None else {_expression(kind.by_name[name])}")
    parts = "".join(f"{{_{at}}}" for at in range(len(reads)))
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


# `value(content)` for a string, as an expression: it saves a call for each string of a line. Change both together.
_STRING = (
    """((f'"{content}"' if is_words(content) else quoted(content)) if " " in content """
    """else content if is_word(content) or is_bare(content) else quoted(content))"""
)


def _expression(field: Field) -> str:
    """Return the source of the expression that writes this field with the value `content`, after two spaces."""
    if isinstance(field.type, Custom):
        return f'nested("{field.name}", content)'
    before = f'"  {field.name}=" + '
    if isinstance(field.type, Tags):
        return f"{before}words(content)"
    if isinstance(field.type, Integer):
        return f"{before}str(content)"
    if isinstance(field.type, Flag):
        return f'{before}("true" if content else "false")'
    if isinstance(field.type, Number):
        return f'{before}repr(content).removesuffix(".0")'
    if field.type.structured:
        return f"{before}value(content)"
    if isinstance(field.type, Email):
        return (
            f"{before}(content if content.isascii() and content[:1] != '{{' else {_STRING})"  # it has no blanks, quotes
        )
    return f"{before}{'content' if field.type.bare else _STRING}"


def words(content: list[str]) -> str:
    """Return tags joined by commas (no tag has one) if all are bare words, else as JSON."""
    return _words(",".join(content))


@lru_cache(512)  # records have the same few tags
def _words(joined: str) -> str:
    tags = joined.split(",") if joined else []
    return joined if _TAGS.fullmatch(joined) or all(map(is_bare, tags)) else quoted(tags)


def nested(path: str, content: dict[str, Any]) -> str:
    """Return `  path=value` for every value in nested objects; an empty object counts as a value."""
    line = ""
    for name, inner in content.items():
        inner_path = _joined(path, name)
        line += nested(inner_path, inner) if isinstance(inner, dict) and inner else f"  {inner_path}={value(inner)}"
    return line


@lru_cache(512)
def _joined(path: str, name: str) -> str:
    return f"{path}.{key(name)}"


def _all_escaped(text: str) -> str:
    if not text.isprintable():
        text = "".join(character if character.isprintable() else _escaped(character) for character in text)
    return text if text.isascii() else _HIDDEN.sub(lambda found: _escaped(found.group()), text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
