"""What of a filter on a text stands in the texts of search of all that meet it."""

import re
from collections.abc import Sequence
from typing import Any

from crmkit.model import fold, phones
from crmkit.model.fields import Phone, Tags
from crmkit.model.form import Field
from crmkit.model.query.filters import Condition
from crmkit.model.record import Kind

TRIGRAM = 3  # letters; of shorter parts an index of trigrams knows nothing

_PARTS = ("like", "starts", "ends")  # what meets one has its operand somewhere
_ASCII = re.compile(r"[\x01-\x08\x0e-\x1b\x20-\x7e]+")


def parts(kind: Kind, condition: Condition) -> tuple[tuple[str, ...], ...] | None:
    """Return groups of texts of each of which one is found in whatever meets a condition; None if that cannot be told.

    All of them can be looked up in an index of trigrams.
    """
    target, operator, value = condition.target, condition.operator, condition.value
    if not isinstance(target, Field) or target not in (*kind.searched, *([kind.title] if kind.has_title else [])):
        return None
    if operator not in ("eq", "in", *_PARTS):
        return None
    found = [indexed_part(text) for text in _texts(target, operator, value)]
    if isinstance(target.type, Tags) and operator == "eq":
        return tuple((part,) for part in found if part) or None
    return (tuple(found),) if all(found) else None


def _texts(target: Field, operator: str, value: Any) -> Sequence[str]:
    """Return the texts of which one is found in whatever meets a condition, or all in what has all these tags."""
    if isinstance(target.type, Phone):
        if operator in _PARTS:
            part = phones.part(value)
            texts = [value, phones.written(value)]
            return [*texts, phones.signed(part, is_end=False)] if part else texts
        wanted = [each for one in value for each in one] if operator == "in" else value
        return [text for each in wanted for text in _of_key(each)]
    return value if isinstance(value, tuple) else (value,)


def _of_key(key: str) -> tuple[str, ...]:
    """Return the texts of which one is found where a number has this key, in its country or as dialled."""
    if key.isascii() and key.isdecimal():
        return (phones.signed(key.lstrip("0") or key),)
    return key, phones.written(key)


def indexed_part(text: str) -> str:
    """Return the longest ASCII run that can be searched ("" if shorter than a trigram).

    Filters and search fold ASCII alike, other scripts differently.
    """
    longest = max((fold.plain(part) for part in _ASCII.findall(text)), key=len, default="")
    return longest if len(longest) >= TRIGRAM else ""
