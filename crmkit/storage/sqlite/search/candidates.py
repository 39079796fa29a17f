"""Rows that may meet a filter on a text, found in the search index."""

import re
from collections.abc import Sequence
from typing import Any

from crmkit.model import fold, phones
from crmkit.model.fields import Phone, Tags
from crmkit.model.form import Field
from crmkit.model.query.filters import Condition
from crmkit.model.record import Kind
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.sqlite.search.sql import phrase
from crmkit.storage.sqlite.search.trigrams import TRIGRAM

_PARTS = ("like", "starts", "ends")  # what meets one has its operand somewhere
_ASCII = re.compile(r"[\x01-\x08\x0e-\x1b\x20-\x7e]+")


def candidates(kind: Kind, workspace: Workspace, condition: Condition) -> Statement | None:
    """Return a SELECT of the numbers of all rows that may meet a filter on a text, None if the index cannot tell.

    A row whose text waits to be indexed may always.
    """
    match = match_of(kind, condition)
    if match is None:
        return None
    first, last = workspace.first, workspace.last
    return Statement(
        f"SELECT -s.rowid AS seq FROM {kind.plural}_search AS s WHERE s.rowid BETWEEN ? AND ? "
        f"AND NOT EXISTS (SELECT 1 FROM {kind.plural}_unindexed AS u WHERE u.seq = -s.rowid) "
        f"AND {kind.plural}_search MATCH ? "
        f"UNION ALL SELECT u.seq FROM {kind.plural}_unindexed AS u WHERE u.seq BETWEEN ? AND ?",
        (-last, -first, match, first, last),
    )


def match_of(kind: Kind, condition: Condition) -> str | None:
    """Return the FTS5 query for every text that may meet a condition, None where there is none."""
    target, operator, value = condition.target, condition.operator, condition.value
    if not isinstance(target, Field) or target not in (*kind.searched, *([kind.title] if kind.has_title else [])):
        return None
    if operator not in ("eq", "in", *_PARTS):
        return None
    parts = [indexed_part(text) for text in _texts(target, operator, value)]
    if isinstance(target.type, Tags) and operator == "eq":
        return " AND ".join(phrase(part) for part in parts if part) or None
    return " OR ".join(phrase(part) for part in parts) if all(parts) else None


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
