"""Notes for a list whose filters may not say what was meant: most of them only when it is empty."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from crmkit.core import lookup
from crmkit.model.actor import Actor, Asker
from crmkit.model.declared.types import DeclaredText
from crmkit.model.fields import Link, Phone, Tags, Text
from crmkit.model.fold import fold
from crmkit.model.form import Field
from crmkit.model.operators.rows import BY_NAME, Operand
from crmkit.model.query import groups
from crmkit.model.query.filters import (
    NONE,
    NULLS,
    Condition,
    CustomKey,
    Declarations,
    Target,
    mistyped,
    nearest_operator,
    operators_of,
    target_of,
)
from crmkit.model.query.filters import split as split_filter
from crmkit.model.query.groups import Criterion
from crmkit.model.query.parse import RESERVED, Sort
from crmkit.model.record import Kind, Kinds
from crmkit.render.text import value
from crmkit.storage.interface.connection import Connection

MAX_SHOWN = 200  # characters of a value in a note
MAX_IDS = 5  # that are looked up

_BLANKS = re.compile(r"\s\s|\A\s|\s\Z")
_ALL_COUNT = "every blank of the value counts, in a row and at its ends"
_ANYBODY = Asker("anybody")
_FIELD = re.compile(r"(\w+):(.*)", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_ORDERS = ("gt", "gte", "lt", "lte", "between")
_WILDCARD = re.compile(r"\A[*%]+|[*%]+\Z")


class _Sent(Struct, frozen=True):
    """A filter as it was sent; `prefix` is that of its group, "" without one."""

    prefix: str
    target: Target
    text: str

    @property
    def name(self) -> str:
        return self.prefix + self.target.name


def of(
    kind: Kind,
    pairs: Sequence[tuple[str, str]],
    asked: Sequence[Criterion],
    sorts: Sequence[Sort],
    is_empty: bool,
    declared: Declarations = NONE,
) -> tuple[str, ...]:
    """Return the notes for the filters among the pairs of a query, each once; `asked` is what they stand for.

    Sorts by a key of custom get a note too where the workspace declares that key in another case.
    """
    filters = [
        _Sent(prefix, target, text)
        for name, text in pairs
        if name not in RESERVED and len(name) <= MAX_SHOWN
        for prefix, field in (groups.split(name),)
        if (target := target_of(kind, field, declared))
    ]
    found = [f"null is a text here; for records with a value write {name}=not:null" for name in _not_null(filters)]
    found += _of_one(filters)
    found += _in_another_case([*(sent.target for sent in filters), *(sort.target for sort in sorts)], declared)
    if is_empty:
        for sent in filters:
            found += _of_filter(sent)
        found += _of_equals(filters)
        found += _of_bounds(groups.plain(asked))
        found += _of_search(kind, pairs)
    if is_empty and not found:
        found = [_of_key(sent) for sent in filters if isinstance(sent.target, CustomKey)]
    return tuple(dict.fromkeys(found))


def ids_in(asked: Sequence[Criterion]) -> tuple[tuple[str, str], ...]:
    """Return the first few ids that filters ask for, each after its prefix."""
    found = [
        (condition.target.type.prefix, id)
        for condition in groups.flat(asked)
        if isinstance(condition.target, Field) and isinstance(condition.target.type, Link)
        for id in (condition.value if condition.operator == "in" else (condition.value,))
        if condition.operator in ("eq", "in") and isinstance(id, str)
    ]
    return tuple(dict.fromkeys(found))[:MAX_IDS]


def missing(connection: Connection, kinds: Kinds, by: Actor, asked: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Return a note for each of these ids that no live record has."""
    each = [(kinds.by_prefix[prefix], named) for prefix, named in asked]
    return tuple(
        lookup.nothing([kind], named) for kind, named in each if lookup.find(connection, kind, by, named) is None
    )


def _not_null(filters: Sequence[_Sent]) -> Iterator[str]:
    for sent in filters:
        if sent.text.strip().lower() == "ne:null" and _is_free(sent.target):
            yield sent.name


def _of_one(filters: Sequence[_Sent]) -> Iterator[str]:
    """Yield that a filter which is alone in its group has no alternative."""
    prefixes = [sent.prefix for sent in filters if sent.prefix]
    for sent in filters:
        if prefixes.count(sent.prefix) == 1:
            alone = f"{_cut(sent.name, sent.prefix)} is alone in its group, so it must match"
            yield f"{alone}; write {sent.prefix} before each alternative"


def _in_another_case(targets: Sequence[Target], declared: Declarations) -> Iterator[str]:
    """Yield that a key is not the declared one whose name differs in case alone."""
    if not declared:
        return
    by_fold = {fold(key): target.name for key, target in declared.items()}
    for target in targets:
        name = by_fold.get(fold(target.path[0])) if isinstance(target, CustomKey) and len(target.path) == 1 else None
        if name:
            yield f"keys of custom count with case: {name} is declared, {_cut(target.name, 'this one')} is not"


def _of_filter(sent: _Sent) -> Iterator[str]:
    """Yield why a filter on free text may find nothing."""
    target, name, text = sent.target, sent.name, sent.text
    operator, operand = split_filter(text)
    if operator in ("is", "not"):
        return
    is_one = BY_NAME[operator].operand is Operand.ONE
    if "like" in operators_of(target) and is_one and _WILDCARD.search(operand):
        part = _WILDCARD.sub("", operand)
        if part.strip():
            yield f"* and % stand for themselves; for a part of the value write {name}=like:{_cut(part, 'PART')}"
    if operator == "like" and isinstance(target, Field) and target.type.meant(operand, _ANYBODY) != operand:
        yield f"me is your address only as a whole value: {name}=me"
    if not (_is_free(target) or _is_tags(target)):
        return
    is_bare = operand == text
    word = mistyped(text, operators_of(target), is_text=True) if is_bare else ""
    if word:
        nearest = nearest_operator(word, operators_of(target))
        yield f"{word} is no operator{nearest}, so it was looked for as part of the value"
        return
    if _is_tags(target):
        return
    if operand.strip().lower() in NULLS:
        yield f"for records without a value write {name}=is:null"
    if not is_one:
        return
    if len(operand) > 1 and operand[0] == operand[-1] == '"':
        yield "quotes around a value are part of it; only the items of in: may stand in quotes"
    elif is_bare and "," in operand:
        parts = [part.strip() for part in operand.split(",") if part.strip()]
        yield f"a comma is part of the value; for one of several write {name}=in:{_list(parts)}"
    if _BLANKS.search(operand) and not _is_tags(target):
        counts = "blanks at the ends do not count, all others do" if _trims(target, operator) else _ALL_COUNT
        yield f"{counts}; a + is written %2B"


def _of_key(sent: _Sent) -> str:
    """Return why a filter on a key of custom may find nothing."""
    operator, operand = split_filter(sent.text)
    bound = operand.partition(",")[0].strip()
    if operator in _ORDERS and _NUMBER.fullmatch(bound):
        return f"a number compares with numbers alone: a text in {sent.name}, like {value(bound)}, is not found"
    return f"keys of custom count with case, and what is in a list is found by like: {sent.name}"


def _of_search(kind: Kind, pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield that a search for `name:jane` looks for just that."""
    spelled = _FIELD.fullmatch(dict(pairs).get("search", "").strip())
    if spelled:
        name, rest = spelled.groups()
        target = kind.by_name.get(name.lower())
        if target and "like" in target.type.operators and rest.strip():
            part = _cut(rest.strip(), "PART")
            yield f"search looks for words in all key fields; for one field write {target.name}=like:{part}"


def _of_equals(filters: Sequence[_Sent]) -> Iterator[str]:
    """Yield that a field cannot equal several values at once."""
    equals: dict[str, list[str]] = {}
    for sent in filters:
        operator, operand = split_filter(sent.text)
        if operator == "eq" and not sent.prefix and not _is_tags(sent.target):
            equals.setdefault(sent.name, []).append(operand)
    for name, operands in equals.items():
        if len(set(operands)) > 1:
            yield f"all filters must match; for one of several write {name}=in:{_list(list(dict.fromkeys(operands)))}"


def _of_bounds(conditions: Sequence[Condition]) -> Iterator[str]:
    """Yield that nothing is between two bounds of one field, of which the lower is above the upper."""
    lower: dict[str, list[Condition]] = {}
    upper: dict[str, list[Condition]] = {}
    for condition in conditions:
        bounds = {"gt": lower, "gte": lower, "lt": upper, "lte": upper}.get(condition.operator)
        if bounds is not None and not isinstance(condition.target, CustomKey):
            bounds.setdefault(condition.target.name, []).append(condition)
    for name in lower.keys() & upper.keys():
        low = max(lower[name], key=lambda each: (each.value, each.operator == "gt"))
        high = min(upper[name], key=lambda each: (each.value, each.operator == "lte"))
        touches = low.value == high.value and (low.operator, high.operator) == ("gte", "lte")
        if low.value >= high.value and not touches:
            shown = " and ".join(f"{name}={each.operator}:{_cut(each.value, '…')}" for each in (low, high))
            yield f"nothing is both {shown}"


def _list(parts: Sequence[str]) -> str:
    """Return values as in: takes them."""
    shown = ",".join(value(part) for part in parts)
    return shown if parts and len(shown) <= MAX_SHOWN else "VALUE,VALUE"


def _cut(content: Any, instead: str) -> str:
    shown = value(content)
    return shown if len(shown) <= MAX_SHOWN else instead


def _is_free(target: Target) -> bool:
    """Tell whether a value may be any text."""
    return isinstance(target, CustomKey) or isinstance(target.type, Text | DeclaredText)


def _trims(target: Target, operator: str) -> bool:
    """Tell whether a value is taken without the blanks at its ends."""
    return isinstance(target, Field) and (operator in ("eq", "ne") or isinstance(target.type, Phone))


def _is_tags(target: Target) -> bool:
    return not isinstance(target, CustomKey) and isinstance(target.type, Tags)
