"""How a query was read, in words: by them a client sees whether it asks what was meant."""

import re
from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from crmkit.model.actor import Asker
from crmkit.model.fields import Date, Integer, Number, Time
from crmkit.model.form import Field
from crmkit.model.operators.rows import BY_NAME, Operand, Taken
from crmkit.model.query import groups
from crmkit.model.query.filters import (
    NONE,
    Condition,
    CustomKey,
    Declarations,
    Filter,
    conditions,
    filter_of,
    quoted,
    taken_of,
    target_of,
)
from crmkit.model.query.parse import DEFAULT_LIMIT, RESERVED, Query, Sort
from crmkit.model.record import Kind

MOST = 10  # values of a list that are named

Pairs = Sequence[tuple[str, str]]

_PLAIN = re.compile(r"[^\s,;()\"'\\]{1,60}")


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
            filter = filter_of(target, name, text, asker)
            clauses.setdefault(prefix or str(at), []).append(f"whose {target.name} {_words(filter, asker)}")
            has_times = has_times or taken_of(target) is Taken.TIME
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


def _words(filter: Filter, asker: Asker) -> str:
    """Return what a filter asks of its field, as in `is lead or won`."""
    said = [_value(filter, at, asker) for at in range(len(filter.operands))]
    if len(said) > MOST:
        said = [*said[:MOST], f"{len(said) - MOST} others"]
    return BY_NAME[filter.operator].said(taken_of(filter.target), said)


def _value(filter: Filter, at: int, asker: Asker) -> str:
    """Return an operand as it was sent, `me` as the address, a time or period with the stamps that it stands for."""
    target, text = filter.target, filter.operands[at]
    if isinstance(target, CustomKey):
        return _shown(text)
    if taken_of(target) is not Taken.TIME:
        return _shown(str(target.type.meant(text, asker)))
    form, compared = BY_NAME[filter.operator].operand, filter.conditions
    if form is Operand.TWO:
        compared = compared[at : at + 1]
    elif form is Operand.LIST:
        compared = conditions(target, target.name, f"eq:{text}", asker)
    glue = " until " if form is Operand.PERIOD else " to "  # a period ends before its end
    stamps = [stamp for stamp in dict.fromkeys(_stamps(compared)) if stamp != text]
    has_no_end = form is Operand.PERIOD and len(stamps) < 2  # all_time
    return f"{_shown(text)} ({glue.join(stamps)})" if stamps and not has_no_end else _shown(text)


def _stamps(compared: Sequence[Condition]) -> Iterator[str]:
    """Yield the times that conditions compare with."""
    for condition in compared:
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        for value in values:
            yield from filter(None, value if isinstance(value, tuple) else (value,))


def _shown(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quoted(text)
