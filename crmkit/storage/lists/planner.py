"""Decides how a list is read: by which index, filter or table.

A walk of the list's own index ends soon when many rows meet the filters. A filter that few rows meet is better looked
up, and its rows sorted. How many they are is counted by a short look at the filter's index, or at the search index.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import isqrt

from msgspec.structs import replace

from crmkit.model.fields import Time
from crmkit.model.form import Field
from crmkit.model.query import groups
from crmkit.model.query.filters import Condition, DeclaredKey
from crmkit.model.query.groups import AnyOf, Criterion
from crmkit.model.query.parse import Query, Sort
from crmkit.model.record import SEQ, Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import indexes
from crmkit.storage.lists.plan import (
    CountIndexes,
    CountValues,
    LookUp,
    Plan,
    ReadTable,
    UniqueRow,
    WalkEach,
    WalkIndex,
    WalkValues,
)
from crmkit.storage.lists.sql import joined_to, values, where
from crmkit.storage.records import live

# Rows that are looked up and sorted at most. They are fewer in small workspaces, where a walk finds a page sooner: over
# N rows of which M meet the filter it reads LIMIT * N / M, and a lookup reads M.
FEW = 5_000
AT_ONCE = 300  # before a walk was tried: to count more takes longer than most walks do
_UNLIMITED = 2**31
MANY = 100_000  # where no index has the order, so that the whole table would be read and sorted instead


def decide(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> Plan:
    """Return how a list is read: a filter that few rows meet is looked up, else the list is read in its order."""
    # a walk that passes over distances and declared keys takes longer than a count by their index
    is_located = any(condition.operator == "within" for condition in groups.flat(query.conditions))
    most = FEW if query.declared or is_located else AT_ONCE
    found = _most_selective(connection, kind, workspace, query, most)
    if found is not None:
        return looked_up(kind, query, found)
    plan = in_order(kind, query)
    counting = _joined(connection, kind, workspace, query) or _group_alone(connection, kind, workspace, query)
    return plan if counting is None else replace(plan, counting=counting)


def after_trial(connection: Connection, kind: Kind, workspace: Workspace, plan: Plan) -> Plan:
    """Return the plan with another access, for a walk that was given up: a filter that more rows meet, or the table.

    The total is counted as planned.
    """
    found = _most_selective(connection, kind, workspace, plan.query, FEW, is_walk_over=True)
    return replace(plan, access=found or _joined(connection, kind, workspace, plan.query) or ReadTable())


def of_all(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> Plan:
    """Return how all records of a query are read, in the order of their rows, whatever its own order is."""
    query = replace(query, sorts=(Sort(SEQ, False),), limit=_UNLIMITED)
    found = _most_selective(connection, kind, workspace, query, MANY)
    return Plan(query, query.sorts, found or ReadTable(is_ordered=True), CountIndexes())


def whole(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> Plan:
    """Return how all records of a query are read, in its order.

    An index that has the order is walked only where it passes over no row: the table is read faster, also to be sorted.
    """
    query = replace(query, limit=_UNLIMITED)
    found = _most_selective(connection, kind, workspace, query, MANY)
    plan = in_order(kind, query)
    access = plan.access
    is_walk = isinstance(access, WalkIndex) and not access.is_trial and plan.filled is None
    if not (is_walk or isinstance(access, UniqueRow | ReadTable)):
        access = ReadTable()
    return Plan(query, plan.sorts, found or access, CountIndexes())


def looked_up(kind: Kind, query: Query, found: LookUp) -> Plan:
    """Return the plan for rows that a filter or a search found."""
    return Plan(query, ordering(kind, query), found, found)


def in_order(kind: Kind, query: Query) -> Plan:
    """Return the plan for reading a list in its order."""
    plan, first = _in_order(kind, query), ordering(kind, query)[0]
    if not indexes.leaves_out_null(kind, first) or isinstance(plan.access, WalkValues):
        return plan
    filled = _in_order(kind, replace(query, conditions=(*query.conditions, indexes.filled(first))))
    if not isinstance(first.target, DeclaredKey):
        return replace(plan, filled=filled)
    conditions = (*query.conditions, Condition(first.target, "uncompared", None))
    rest = _in_order(kind, replace(query, conditions=conditions, sorts=plan.sorts[1:]))
    return replace(plan, filled=filled, rest=rest)


def _in_order(kind: Kind, query: Query) -> Plan:
    sorts = ordering(kind, query)
    return Plan(query, sorts, _access(kind, query.conditions, sorts), _counting(kind, query.conditions))


def _counting(kind: Kind, filters: tuple[Criterion, ...]) -> CountIndexes | CountValues | ReadTable:
    """Return how matches are counted, by indexes where they know all filters but groups, which are checked."""
    conditions = groups.plain(filters)
    if filters and not conditions:
        return ReadTable(True)
    if indexes.holds(kind, conditions):
        return CountIndexes()
    known = [condition for condition in conditions if indexes.knows(kind, condition)]
    key = next((condition.target for condition in known if isinstance(condition.target, DeclaredKey)), None)
    if isinstance(key, DeclaredKey):
        return CountValues(key, tuple(condition for condition in known if condition.target.name == key.name))
    more = [c for c in conditions if indexes.knows_filled(kind, c, conditions)] if known else []
    return CountIndexes() if len(known) + len(more) == len(conditions) else ReadTable(True)


def _access(
    kind: Kind, filters: tuple[Criterion, ...], sorts: tuple[Sort, ...]
) -> WalkIndex | WalkValues | WalkEach | UniqueRow | ReadTable:
    """Return what reads a list in its order, or sorts it where no index has the order."""
    conditions = groups.plain(filters)
    has_groups = len(conditions) < len(filters)
    unique = indexes.unique(kind, conditions)
    if unique is not None:
        return UniqueRow(unique.target.name)
    walk = indexes.of_declared(conditions, sorts)
    if walk is not None:
        return replace(walk, is_trial=walk.is_trial or has_groups)
    parts = indexes.of_each(kind, filters, sorts)
    if parts:
        return WalkEach(parts)
    index = indexes.of_order(kind, conditions, sorts)
    if not index:
        return ReadTable()
    unindexed = tuple(c for c in conditions if indexes.begins_one(kind, c) and c.target.name not in index)
    if index == (SEQ.name,):
        return ReadTable(True, tuple(c for c in unindexed if c.operator in ("lt", "lte") and _is_time(c)))
    passes_over = has_groups or any(indexes.passes_over(kind, index, c) for c in conditions)
    is_trial = passes_over and SEQ.name not in index
    return WalkIndex(index, unindexed, is_trial)


def _is_time(condition: Condition) -> bool:
    """Tell whether a filter is on a time, which goes up with the numbers of rows."""
    return isinstance(condition.target, Field) and isinstance(condition.target.type, Time)


def ordering(kind: Kind, query: Query) -> tuple[Sort, ...]:
    """Return the sort keys of a query, newest change first by default, ending with the id that breaks ties."""
    return _ordering(kind, query.sorts)


@lru_cache(256)
def _ordering(kind: Kind, sorts: tuple[Sort, ...]) -> tuple[Sort, ...]:
    if not sorts and not kind.order:
        return (Sort(SEQ, True),)
    sorts = sorts or (Sort(kind.by_name[kind.order], True),)
    if any(sort.target is kind.by_name["id"] for sort in sorts):
        return sorts
    return (*sorts, Sort(kind.by_name["id"], sorts[-1].descending))


def _most_selective(
    connection: Connection, kind: Kind, workspace: Workspace, query: Query, most: int, is_walk_over: bool = False
) -> LookUp | None:
    """Return the lookup by the filter that fewest rows meet, or None if more than `most` rows meet every filter.

    Where no index has the list's order they may be MANY, since the whole table would be sorted instead; also where a
    walk was given up and the table would be read for a declared key, which takes longest to check.
    """
    if not query.conditions:
        return None
    sorts, conditions = ordering(kind, query), groups.plain(query.conditions)
    walk = indexes.of_declared(conditions, sorts)
    index = indexes.of_order(kind, conditions, sorts) if walk is None else (walk.key.name,)
    reads_table = is_walk_over and query.declared != ()
    if reads_table:
        index = ()
    candidates = [*_lookups(connection, kind, workspace, query, index)]
    if not candidates:
        return None
    is_walk = index or (indexes.leaves_out_null(kind, sorts[0]) and not reads_table)
    rows = live(connection, workspace.id, kind.plural) or FEW**2
    found, least = None, (min(most, isqrt(query.limit * rows)) if is_walk else MANY) + 1
    for lookup in candidates:
        (times,) = lookup.counted(connection.dialect, least).run(connection).fetchone()
        if times < least:
            found, least = lookup, times
    return found


def _lookups(
    connection: Connection, kind: Kind, workspace: Workspace, query: Query, walked: tuple[str, ...]
) -> Iterator[LookUp]:
    """Yield a lookup for each filter that an index knows, unless the index to be `walked` holds its field."""
    conditions = groups.plain(query.conditions)
    if indexes.unique(kind, conditions) is not None:
        return
    yield from _of_conditions(connection, kind, workspace, conditions, walked)
    for each in query.conditions:
        found = _of_group(connection, kind, workspace, each) if isinstance(each, AnyOf) else None
        if found is not None:
            yield found


def _of_conditions(
    connection: Connection,
    kind: Kind,
    workspace: Workspace,
    conditions: Sequence[Condition],
    walked: tuple[str, ...] = (),
) -> Iterator[LookUp]:
    by_name: dict[str, list[Condition]] = {}
    dialect = connection.dialect
    for condition in conditions:
        if indexes.is_joined(condition):
            yield _lookup_joined(connection, kind, workspace, condition)
        elif indexes.knows(kind, condition):
            by_name.setdefault(condition.target.name, []).append(condition)
        else:
            rows = connection.texts.candidates(connection, kind, workspace, condition)
            if rows is not None:
                yield LookUp((rows,), condition.target.name)
    for name, known in by_name.items():
        key = known[0].target
        if name in walked:
            continue
        if isinstance(key, DeclaredKey):
            rows = Statement("SELECT v.seq FROM custom_values AS v WHERE ") + values(dialect, workspace, key, known)
            yield LookUp((rows,), name, tuple(known))
        else:
            rows = Statement(f"SELECT r.seq FROM {quoted(kind.plural)} AS r WHERE ") + where(dialect, workspace, known)
            circles = tuple(each for each in known if each.operator == "within")  # a distance is not computed twice
            yield LookUp((rows,), name, circles)


def _of_group(connection: Connection, kind: Kind, workspace: Workspace, group: AnyOf) -> LookUp | None:
    """Return the lookup of what meets one of a group's parts, None unless an index finds the rows of each part."""
    found: list[LookUp] = []
    for part in group.parts:
        lookup = next(_of_conditions(connection, kind, workspace, part), None)
        if lookup is None:
            return None
        found.append(lookup)
    names = dict.fromkeys(lookup.by for lookup in found)
    is_exact = all(_are_known(kind, part) for part in group.parts)
    return LookUp(tuple(lookup.rows for lookup in found), " or ".join(names), (group,) if is_exact else ())


def _are_known(kind: Kind, part: Sequence[Condition]) -> bool:
    """Tell whether one index finds just the rows that meet all of these conditions."""
    if len(part) == 1 and indexes.is_joined(part[0]):
        return True
    return len({each.target.name for each in part}) == 1 and all(indexes.knows(kind, each) for each in part)


def _group_alone(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> LookUp | None:
    """Return the lookup of a group that is the only filter and whose parts indexes know, None for other queries."""
    match query.conditions:
        case (AnyOf() as group,):
            found = _of_group(connection, kind, workspace, group)
            return found if found is not None and found.known else None
    return None


def _joined(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> LookUp | None:
    """Return the lookup by what another table joins to the records, None if no filter asks for that."""
    found = next(filter(indexes.is_joined, groups.plain(query.conditions)), None)
    return None if found is None else _lookup_joined(connection, kind, workspace, found)


def _lookup_joined(connection: Connection, kind: Kind, workspace: Workspace, condition: Condition) -> LookUp:
    target = condition.target
    if not isinstance(target, Field) or target.through is None:
        raise TypeError(f"{target.name} is a column of {kind.plural}")
    ids = condition.value if condition.operator == "in" else (condition.value,)
    return LookUp((joined_to(connection.dialect, kind, workspace, target.through, ids),), target.name)
