"""How a query was read, in words: by them a client sees whether it asks what was meant."""

import re
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from crmkit.model.actor import Asker
from crmkit.model.fields import Date, Integer, Number, Tags, Time
from crmkit.model.form import Field
from crmkit.model.query import groups
from crmkit.model.query.filters import (
    NONE,
    Condition,
    CustomKey,
    Declarations,
    Target,
    conditions,
    items,
    quoted,
    split,
    target_of,
)
from crmkit.model.query.parse import DEFAULT_LIMIT, RESERVED, Query, Sort
from crmkit.model.record import Kind

MOST = 10  # values of a list that are named

Pairs = Sequence[tuple[str, str]]

_PLAIN = re.compile(r"[^\s,;()\"'\\]{1,60}")
_TIMES = {"gt": "is after", "gte": "is at or after", "lt": "is before", "lte": "is at or before"}
_WORDS = {
    "eq": "is",
    "ne": "is not",
    "gt": "is over",
    "gte": "is at least",
    "lt": "is under",
    "lte": "is at most",
    "like": "contains",
    "in": "is",
    "is": "is empty",
    "not": "is not empty",
}
_TAGS = {"eq": "have", "ne": "do not have", "in": "have", "like": "contain"}


def read_as(kind: Kind, pairs: Pairs, query: Query, asker: Asker, declared: Declarations = NONE) -> str:
    """Return how the pairs of a list were read that became this query."""
    told = [asked(kind, pairs, asker, declared), in_order(kind, query)]
    if query.limit != DEFAULT_LIMIT:
        told.append(f"{query.limit} on a page")
    return "; ".join(told)


def asked(kind: Kind, pairs: Pairs, asker: Asker, declared: Declarations = NONE) -> str:
    """Return which records the filters and the search among the pairs ask for, and whose days count in them."""
    clauses: dict[str, list[str]] = {}
    has_times = False
    for at, (name, text) in enumerate(pairs):
        prefix, field = groups.split(name)
        target = None if name in RESERVED else target_of(kind, field, declared)
        if target is not None:
            clauses.setdefault(prefix or str(at), []).append(f"whose {_clause(target, name, text, asker)}")
            has_times = has_times or _is_time(target)
    each = [" or ".join(dict.fromkeys(alternatives)) for alternatives in clauses.values()]
    search = dict(pairs).get("search", "").strip()
    if search:
        each.insert(0, f"found by the search for {quoted(search)}")
    which = ", and ".join(dict.fromkeys(each))
    says = f"{kind.plural} {which}" if which else f"all {kind.plural}"
    return f"{says}; days of {asker.zone}" if has_times and isinstance(asker.zone, ZoneInfo) else says


def in_order(kind: Kind, query: Query) -> str:
    """Return in which order a list is."""
    if query.sorts:
        return ", then ".join(map(_sorted_by, query.sorts))
    if query.search:
        return "best match first"
    return f"newest {kind.order} first" if kind.order else "newest first"


def _sorted_by(sort: Sort) -> str:
    name, type_ = sort.target.name, sort.target.type if isinstance(sort.target, Field) else None
    if isinstance(type_, Time | Date):
        return f"{'newest' if sort.descending else 'oldest'} {name} first"
    if isinstance(type_, Integer | Number):
        return f"{'greatest' if sort.descending else 'least'} {name} first"
    return f"by {name}{', descending' if sort.descending else ''}"


def _clause(target: Target, name: str, text: str, asker: Asker) -> str:
    """Return what a filter asks of its field, as in `stage is lead or won`."""
    operator, operand = split(text)
    is_tags = isinstance(target, Field) and isinstance(target.type, Tags)
    words = (_TIMES if _is_time(target) else _TAGS if is_tags else {}).get(operator) or _WORDS[operator]
    if operator in ("is", "not"):
        return f"{target.name} {words}"
    texts = items(operand) if operator == "in" or (is_tags and operator != "like") else (operand,)
    found = [_value(target, operator, each, asker) for each in texts]
    if len(found) > MOST:
        found = [*found[:MOST], f"{len(found) - MOST} others"]
    glue = "and" if is_tags and operator in ("eq", "ne") else "or"
    ends = " (or is empty)" if operator == "ne" else ""
    return f"{target.name} {words} {_joined(found, glue)}{ends}"


def _value(target: Target, operator: str, text: str, asker: Asker) -> str:
    """Return a value as it was sent, `me` as the address, a time with the stamps that it stands for."""
    if isinstance(target, CustomKey):
        return _shown(text)
    if not _is_time(target):
        return _shown(str(target.type.meant(text, asker)))
    compared = conditions(target, target.name, f"{operator}:{text}", asker)
    stamps = [stamp for stamp in dict.fromkeys(_stamps(compared)) if stamp != text]
    return f"{_shown(text)} ({' to '.join(stamps)})" if stamps else _shown(text)


def _stamps(compared: Sequence[Condition]) -> Iterator[str]:
    """Yield the times that conditions compare with."""
    for condition in compared:
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        for value in values:
            yield from value if isinstance(value, tuple) else (value,)


def _shown(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quoted(text)


def _joined(found: Sequence[str], glue: str) -> str:
    return f" {glue} ".join(found) if len(found) < 3 else f"{', '.join(found[:-1])} {glue} {found[-1]}"


def _is_time(target: Target) -> bool:
    return isinstance(target, Field) and isinstance(target.type, Time)
