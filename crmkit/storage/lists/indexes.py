"""What the indexes are good for: which one has the order of a list, and which filters one knows. Pure.

Without statistics a database assumes that every indexed filter is selective and every ordered walk short. So a
statement permits only the access that our planner chose.

What follows from the names of fields and operators alone is remembered by them: lists are asked in few shapes.
"""

from collections.abc import Sequence
from functools import cache, lru_cache

from crmkit.model.fields import Location
from crmkit.model.form import Field
from crmkit.model.operators.rows import RANGES
from crmkit.model.query.filters import Condition, DeclaredKey
from crmkit.model.query.groups import AnyOf, Criterion
from crmkit.model.query.parse import Sort
from crmkit.model.record import Kind
from crmkit.storage.lists.plan import WalkValues

SHAPES = 1_024  # of queries for which it is remembered what an index is good for
MOST_WALKS = 10  # indexes that are walked side by side
_NO_NULL = (*RANGES, "not")  # and those that no NULL meets
_COMPARED = (*RANGES, "spanned", "compared")  # operators on a declared key that only rows with an entry meet


def knows(kind: Kind, condition: Condition) -> bool:
    """Tell whether an index finds the rows that meet a condition."""
    if condition.operator == "within" and isinstance(condition.target, Field):
        place = condition.target.type
        return isinstance(place, Location) and any(
            index.fields[:2] == (place.latitude, place.longitude) for index in kind.indexes
        )
    if not isinstance(condition.target, Field) or condition.operator not in RANGES or condition.target.through:
        return False
    if isinstance(condition.target, DeclaredKey):
        return condition.target.is_ready
    if condition.target.type.by_country:
        return False  # several texts may be meant, of which only the ends are known
    return condition.target.name in _begun(kind)


@cache
def _begun(kind: Kind) -> frozenset[str]:
    """Return the fields that an index begins with which leaves out no row that has a value."""
    indexes = kind.indexes
    return frozenset({"id", *(i.fields[0] for i in indexes if i.filled in ("", i.fields[0]))})


def begins_one(kind: Kind, condition: Condition) -> bool:
    """Tell whether the part of an index is read in which the condition is met, though it may leave out other rows."""
    is_range = condition.operator in RANGES and condition.target.name in _first(kind)
    return is_range or knows(kind, condition)


@cache
def _first(kind: Kind) -> frozenset[str]:
    """Return the fields that an index begins with."""
    return frozenset(index.fields[0] for index in kind.indexes)


def is_joined(condition: Condition) -> bool:
    """Tell whether the rows of another table, which has an index for that, find the rows that meet a condition."""
    is_through = isinstance(condition.target, Field) and condition.target.through is not None
    return is_through and condition.operator in ("eq", "in")


def unique(kind: Kind, conditions: Sequence[Condition]) -> Condition | None:
    """Return a condition that at most one row meets, None when there is none."""
    return next((c for c in conditions if c.operator == "eq" and c.target.name in kind.unique and knows(kind, c)), None)


def of_order(kind: Kind, conditions: Sequence[Condition], sorts: Sequence[Sort]) -> tuple[str, ...]:
    """Return the index that has the order of the sort keys, () when there is none.

    One that begins with a field that has to equal something comes first: it holds just the rows that do.
    """
    equal = frozenset([c.target.name for c in conditions if c.operator == "eq"])
    filled = frozenset([c.target.name for c in conditions if c.operator in _NO_NULL])
    return _of_order(kind, equal, filled, sorts[0].target.name)


@lru_cache(SHAPES)
def _of_order(kind: Kind, equal: frozenset[str], filled: frozenset[str], first: str) -> tuple[str, ...]:
    indexes = [index.fields for index in kind.indexes if not index.filled or index.filled in filled]
    for fields in indexes:
        if fields[0] in equal and fields[1:] == (first,):
            return fields
    return next((fields for fields in (*indexes, ("id",)) if fields[0] == first), ())


def of_each(kind: Kind, filters: Sequence[Criterion], sorts: Sequence[Sort]) -> tuple[Condition, ...]:
    """Return the parts of a group that is the only filter, () unless each has an index in the order of the sort keys.

    A part that names several values is one for each of them.
    """
    if len(filters) != 1 or not isinstance(filters[0], AnyOf):
        return ()
    first, ties = sorts[0].target, sorts[1:]
    if not isinstance(first, Field) or first.nullable or [sort.target.name for sort in ties] != ["id"]:
        return ()
    indexed = {i.fields[0] for i in kind.indexes if i.fields[1:] == (first.name,) and i.filled in ("", i.fields[0])}
    found: dict[Condition, None] = {}
    for part in filters[0].parts:
        condition = part[0]
        name, operator = condition.target.name, condition.operator
        if len(part) > 1 or operator not in ("eq", "in") or name not in indexed or not knows(kind, condition):
            return ()
        values = condition.value if operator == "in" else (condition.value,)
        found |= dict.fromkeys(Condition(condition.target, "eq", value) for value in values)
    return tuple(found) if len(found) <= MOST_WALKS else ()


def knows_filled(kind: Kind, condition: Condition, conditions: Sequence[Condition]) -> bool:
    """Tell whether an index that leaves out the rows without a value has those that meet the other conditions together.

    It begins with a field that has to equal something, and is no index on the value itself.
    """
    if condition.operator != "not":
        return False
    equal = {c.target.name for c in conditions if c.operator == "eq"}
    return any(index.filled == condition.target.name and index.fields[0] in equal for index in kind.indexes)


def holds(kind: Kind, conditions: Sequence[Condition]) -> bool:
    """Tell whether one index finds just the rows that meet all conditions: its last field is compared, those before it
    have to equal something."""
    compared = [c for c in conditions if isinstance(c.target, Field) and c.operator in RANGES and not c.target.through]
    if not conditions or len(compared) < len(conditions) or any(isinstance(c.target, DeclaredKey) for c in conditions):
        return False
    ranged = frozenset([c.target.name for c in conditions if c.operator != "eq"])
    return _holds(kind, frozenset([c.target.name for c in conditions]), ranged)


@lru_cache(SHAPES)
def _holds(kind: Kind, names: frozenset[str], ranged: frozenset[str]) -> bool:
    for index in kind.indexes:
        first, last = set(index.fields[: len(names)]), index.fields[min(len(names), len(index.fields)) - 1]
        if first == names and ranged <= {last} and (not index.filled or index.filled in names):
            return True
    return False


def passes_over(kind: Kind, fields: tuple[str, ...], condition: Condition) -> bool:
    """Tell whether a walk of the index with these fields may meet rows that do not meet a condition.

    An index that leaves out the rows in which a field is NULL meets none where that field is to be filled.
    """
    name = condition.target.name
    if name in fields or condition.operator != "not":
        return name not in fields
    return not any(index.fields == fields and index.filled == name for index in kind.indexes)


def filled(sort: Sort) -> Condition:
    """Return the condition that the rows meet which an index does not leave out."""
    return Condition(sort.target, "compared" if isinstance(sort.target, DeclaredKey) else "not", None)


def leaves_out_null(kind: Kind, sort: Sort) -> bool:
    """Tell whether the index in this order is partial: it leaves out the rows in which its field is NULL."""
    if isinstance(sort.target, DeclaredKey):
        return sort.target.is_ready
    return sort.target.name in _partial(kind)


@cache
def _partial(kind: Kind) -> frozenset[str]:
    """Return the fields that an index begins with which leaves out the rows without a value of them."""
    return frozenset(index.filled for index in kind.indexes if index.filled == index.fields[0])


def of_declared(conditions: Sequence[Condition], sorts: Sequence[Sort]) -> WalkValues | None:
    """Return the walk of a declared key's index that has the order of the sort keys, None when there is none."""
    first = sorts[0].target
    if isinstance(first, DeclaredKey):
        own = [condition for condition in conditions if condition.target.name == first.name]
        if first.is_ready and any(condition.operator in _COMPARED for condition in own):
            return _walk(first, False, conditions)
    elif first.name == "updated_at":
        for condition in conditions:
            key = condition.target
            if isinstance(key, DeclaredKey) and key.is_ready and condition.operator == "eq":
                return _walk(key, True, conditions)
    return None


def _walk(key: DeclaredKey, by_change: bool, conditions: Sequence[Condition]) -> WalkValues:
    known = [c for c in conditions if c.target.name == key.name and c.operator in _COMPARED]
    return WalkValues(key, by_change, tuple(known), is_trial=len(known) < len(conditions))
