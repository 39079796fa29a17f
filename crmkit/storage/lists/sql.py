"""SQL of lists, and nothing else: a plan -> a statement and its arguments.

Pure. Every name in a statement comes from a kind's declaration, every value is bound, and every statement is scoped to
one workspace by a mandatory argument.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.model.form import Through
from crmkit.model.query.filters import Condition, CustomKey, DeclaredKey
from crmkit.model.query.groups import Criterion
from crmkit.model.query.parse import Sort
from crmkit.model.record import Kind
from crmkit.storage.columns import packed, quoted
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.statement import Statement, at_most, joined
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.conditions import column, of_column, written
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

REMEMBERED = 256  # parts of statements that follow from fields and sorts alone


def page(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, position: Sequence[Any] | None) -> Statement:
    """Return the statement for one page and one row more: the query's fields, all packed into one row.

    `position` holds the sort values and the id of the last row of the page before. Ties are in the order of ids, in the
    direction of the last key.
    """
    is_walk = isinstance(plan.access, WalkValues)
    select = _select(dialect, kind, plan.query.fields, is_walk)
    return _all_packed(dialect, select, *_in_order(dialect, kind, workspace, plan, position))


def _in_order(
    dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, position: Sequence[Any] | None
) -> list[Statement]:
    """Return the parts of a SELECT from its WHERE on, for a page and one row more."""
    walked = plan.access.key.name if isinstance(plan.access, WalkValues) else ""
    keys, order = _order(dialect, plan.sorts, walked)
    parts = [access_of(dialect, kind, workspace, plan, position)]
    if position is not None and not isinstance(plan.access, WalkEach):  # whose parts begin past it
        parts += [Statement(" AND "), past(dialect, keys, position)]
    return [*parts, order, at_most(dialect, plan.query.limit + 1)]


def picked(
    dialect: Dialect, kind: Kind, workspace: Workspace, fields: tuple[str, ...], seqs: Sequence[int]
) -> Statement:
    """Return the statement for the rows of these numbers, packed like a page, in any order."""
    numbers = Statement(f" AND r.seq IN ({dialect.numbers})", (json.dumps(seqs),))
    return _all_packed(dialect, _select(dialect, kind, fields), where(dialect, workspace, (), by_number=True), numbers)


def members(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, at_once: int) -> Statement:
    """Return the statement for all records of a plan, in the order of their rows, so many in each row of its answer.

    Such a row has the ids and the versions, separated by commas.
    """
    rows = Statement(f"SELECT r.id, r.version, r.seq, (row_number() OVER (ORDER BY r.seq) - 1) / {at_once:d} AS part ")
    rows += Statement(f"FROM {quoted(kind.plural)} AS r WHERE ") + access_of(dialect, kind, workspace, plan, None)
    packed = (dialect.joined_by.format(f"q.{name}", "q.seq") for name in ("id", "version"))
    return Statement(f"SELECT {', '.join(packed)} FROM (") + rows + Statement(") AS q GROUP BY q.part ORDER BY q.part")


def numbers(
    dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, position: Sequence[Any] | None
) -> Statement:
    """Return the statement for the numbers of the rows of a page and one more, in its order, separated by commas."""
    rows = Statement(f"SELECT r.seq FROM {quoted(kind.plural)} AS r WHERE ")
    before = Statement(f"SELECT {dialect.joined_texts.format('q.seq')} FROM (")
    return joined([before, rows, *_in_order(dialect, kind, workspace, plan, position), Statement(") AS q")], "")


def keys(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, most: int) -> Statement:
    """Return the statement for the keys that custom has in all rows of a plan, in any order."""
    if isinstance(plan.access, WalkIndex):  # whose order is of no use here
        plan = replace(plan, access=ReadTable())
    each = dialect.keys.format(f"r.{quoted(kind.custom.name if kind.custom else '')}", "k")
    sql = Statement(f"SELECT DISTINCT k.key FROM {quoted(kind.plural)} AS r {each} WHERE ")
    return sql + access_of(dialect, kind, workspace, plan, None) + at_most(dialect, most)


def positions_of(
    dialect: Dialect, kind: Kind, workspace: Workspace, sorts: Sequence[Sort], seqs: Sequence[int]
) -> Statement:
    """Return the statement for rows: the number of each, its sort values and id, the position of the page after it."""
    scope = _select_keys(dialect, kind, tuple(sorts)) + where(dialect, workspace, (), by_number=True)
    if len(seqs) == 1:
        return scope + Statement(" AND r.seq = ?", tuple(seqs))
    return scope + Statement(f" AND r.seq IN ({dialect.numbers})", (json.dumps(seqs),))


@lru_cache(REMEMBERED)
def _select_keys(dialect: Dialect, kind: Kind, sorts: tuple[Sort, ...]) -> Statement:
    keys, _ = _order(dialect, sorts)
    sql = Statement("SELECT r.seq, ") + joined([key.value for key in keys], ", ")
    return sql + Statement(f" FROM {quoted(kind.plural)} AS r WHERE ")


def count(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, most: int | None) -> Statement:
    """Return the statement that counts the matches, up to `most` of them when it is given."""
    source, order = Statement(f" FROM {quoted(kind.plural)} AS r WHERE "), Statement("")
    conditions, counting = plan.query.conditions, plan.counting
    if isinstance(counting, LookUp | CountValues):
        conditions = _further(conditions, counting.known)
    if isinstance(counting, CountIndexes):
        source += where(dialect, workspace, conditions)
    elif isinstance(counting, CountValues):
        source = Statement(
            f" FROM {_entries(dialect, kind)} WHERE " if conditions else " FROM custom_values AS v WHERE "
        )
        source += values(dialect, workspace, counting.key, counting.known)
        if conditions:
            source += Statement(" AND ") + where(dialect, workspace, conditions, by_number=True)
    elif isinstance(counting, ReadTable):
        source += _workspace_rows(dialect, workspace, conditions)
        order = Statement(" ORDER BY r.seq DESC")
    elif not conditions:  # what was found are the matches
        if most is not None:
            return counting.counted(dialect, most)
        source = Statement(" FROM (") + counting.rows + Statement(") AS m")
    else:
        source = (
            Statement(" FROM (") + counting.rows + Statement(f") AS m {dialect.join} {quoted(kind.plural)} AS r ON ")
        )
        source += Statement("r.seq = m.seq WHERE ") + where(dialect, workspace, conditions, by_number=True)
    if most is None:
        return Statement("SELECT count(*)") + source
    return Statement("SELECT count(*) FROM (SELECT 1") + source + order + at_most(dialect, most) + Statement(") AS q")


def where(
    dialect: Dialect,
    workspace: Workspace,
    conditions: Sequence[Criterion],
    by_number: bool = False,
    unindexed: Sequence[Criterion] = (),
) -> Statement:
    """Return the WHERE of rows `r` of one workspace that meet all conditions.

    Rows that are looked up `by_number`, conditions that are `unindexed`, and groups choose no index.
    """
    parts = [Statement(f"{dialect.unindexed if by_number else ''}r.workspace_id = ?", (workspace.id,))]
    parts += [_met(dialect, each, each in unindexed) for each in conditions]
    return joined(parts, " AND ")


def values(dialect: Dialect, workspace: Workspace, key: DeclaredKey, conditions: Sequence[Condition]) -> Statement:
    """Return the WHERE of entries `v` of a declared key's index that meet conditions on the key."""
    parts = [Statement("v.workspace_id = ? AND v.place = ?", (workspace.id, key.place))]
    parts += [of_column(dialect, Statement("v.value"), c) for c in conditions if c.value is not None]
    return joined(parts, " AND ")


def _met(dialect: Dialect, filter: Criterion, is_unindexed: bool) -> Statement:
    """Return the condition of a filter; that of a group holds what each of its parts asks."""
    if isinstance(filter, Condition):
        return written(dialect, filter, is_unindexed)
    parts = [joined([written(dialect, each) for each in part], " AND ") for part in filter.parts]
    return Statement(f"{dialect.unindexed}(") + joined(parts, " OR ") + Statement(")")


def _further(conditions: Sequence[Criterion], known: Sequence[Criterion]) -> tuple[Criterion, ...]:
    """Return the conditions that are still to be checked."""
    return tuple(condition for condition in conditions if condition not in known) if known else tuple(conditions)


@lru_cache(REMEMBERED)
def _select(dialect: Dialect, kind: Kind, fields: tuple[str, ...], by_entries: bool = False) -> Statement:
    source = _entries(dialect, kind) if by_entries else f"{quoted(kind.plural)} AS r"
    return Statement(f"SELECT {packed(dialect, kind, fields)} FROM {source} WHERE ")


def _entries(dialect: Dialect, kind: Kind) -> str:
    """Return the FROM of entries of declared keys, each with the row that it is of."""
    return f"custom_values AS v {dialect.join} {quoted(kind.plural)} AS r ON r.seq = v.seq"


def _all_packed(dialect: Dialect, *rows: Statement) -> Statement:
    """Wrap the parts of a SELECT so that the database returns one row: all rows as a JSON array, and their numbers.

    Fetching row by row releases the GIL at each row.
    """
    return joined([Statement(f"SELECT {dialect.all_rows} FROM ("), *rows, Statement(") AS q")], "")


def access_of(
    dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, position: Sequence[Any] | None
) -> Statement:
    """Return the WHERE that forces the plan's access."""
    conditions, access = plan.query.conditions, plan.access
    if isinstance(access, LookUp):
        scope = where(dialect, workspace, _further(conditions, access.known), by_number=True)
        return scope + Statement(" AND r.seq IN (") + access.rows + Statement(")")
    if isinstance(access, WalkValues):
        scope = values(dialect, workspace, access.key, access.known) + Statement(" AND ")
        return scope + where(dialect, workspace, _further(conditions, access.known), by_number=True)
    if isinstance(access, UniqueRow):
        return where(dialect, workspace, conditions)
    if isinstance(access, WalkEach):
        scope = where(dialect, workspace, (), by_number=True) + Statement(" AND r.seq IN (")
        return scope + _first_of_each(dialect, kind, workspace, plan, access, position) + Statement(")")
    if isinstance(access, WalkIndex):
        return where(dialect, workspace, conditions, unindexed=access.unindexed)
    if not access.is_ordered:
        return _workspace_rows(dialect, workspace, conditions)
    last = Statement("?", (workspace.last if position is None else position[0],))
    if access.until:
        newest = Statement(f"(SELECT max(r.seq) FROM {quoted(kind.plural)} AS r WHERE ")
        newest += where(dialect, workspace, access.until) + Statement(")")
        before, after = dialect.least.split("{}")
        last = Statement(before) + joined([last, newest], ", ") + Statement(after)
    return _workspace_rows(dialect, workspace, conditions, last)


def _first_of_each(
    dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, access: WalkEach, position: Sequence[Any] | None
) -> Statement:
    """Return the SELECT of the numbers of the rows of which a page is made: as many of each part as it may have."""
    keys, order = _order(dialect, plan.sorts)
    arms = []
    for part in access.parts:
        arm = Statement(f"SELECT a.seq FROM (SELECT r.seq FROM {quoted(kind.plural)} AS r WHERE ")
        arm += where(dialect, workspace, (part,))
        if position is not None:
            arm += Statement(" AND ") + past(dialect, keys, position)
        arms.append(arm + order + at_most(dialect, plan.query.limit + 1) + Statement(") AS a"))
    return joined(arms, " UNION ALL ")


def _workspace_rows(
    dialect: Dialect, workspace: Workspace, conditions: Sequence[Criterion], last: Statement | None = None
) -> Statement:
    """Return the WHERE by which a workspace's part of the table is read, up to the row number `last`."""
    # a database may use only the first of several upper bounds, so there is one
    scope = Statement("r.seq <= ") + (last or Statement("?", (workspace.last,)))
    scope += Statement(" AND r.seq >= ? AND ", (workspace.first,))
    return scope + where(dialect, workspace, conditions, by_number=True)


def joined_to(dialect: Dialect, kind: Kind, workspace: Workspace, through: Through, ids: Sequence[str]) -> Statement:
    """Return the SELECT of the numbers of records that the rows of another table join to one of these ids."""
    distinct = "DISTINCT " if len(ids) > 1 else ""
    return Statement(
        f"SELECT {distinct}r.seq FROM {quoted(through.table)} AS j {dialect.join} {quoted(kind.plural)} AS r "
        f"ON r.workspace_id = j.workspace_id AND r.id = j.{quoted(through.own)} "
        f"WHERE j.workspace_id = ? AND j.{quoted(through.other)} IN ({', '.join('?' * len(ids))})",
        (workspace.id, *ids),
    )


class Key(Struct, frozen=True):
    """One key of a sort: what it compares, and whether that may be NULL, which comes last in both directions."""

    value: Statement
    descending: bool
    nullable: bool

    @property
    def ordered(self) -> Statement:
        return self.value + Statement((" DESC" if self.descending else "") + (" NULLS LAST" if self.nullable else ""))


@lru_cache(REMEMBERED)
def _order(dialect: Dialect, sorts: tuple[Sort, ...], walked: str = "") -> tuple[tuple[Key, ...], Statement]:
    """Return the keys of these sorts, and their ORDER BY."""
    keys = tuple(_key(dialect, sort, walked) for sort in sorts)
    return keys, Statement(" ORDER BY ") + joined([key.ordered for key in keys], ", ")


def _key(dialect: Dialect, sort: Sort, walked: str) -> Key:
    """Return a sort key; what the index of a declared key holds is read from there where that is `walked`."""
    target = sort.target
    if walked:
        held = {walked: "v.value", "updated_at": "v.updated_at", "id": "v.id"}.get(target.name)
        if held is not None:
            return Key(Statement(held), sort.descending, False)
    if isinstance(target, CustomKey):
        return Key(dialect.custom_order(target), sort.descending, True)
    return Key(column(dialect, target), sort.descending, target.nullable)


def past(dialect: Dialect, keys: Sequence[Key], position: Sequence[Any]) -> Statement:
    """Return the condition that a row comes after `position`, NULL last in both directions.

    The first key also gets its own bound, so that its index is read from that value on.
    """
    steps: list[Statement] = []
    equal: list[Statement] = []
    for key, value in zip(keys, position, strict=True):
        beyond = _beyond(key, value)
        if beyond is not None:
            steps.append(Statement("(") + joined([*equal, beyond], " AND ") + Statement(")"))
        equal.append(key.value + Statement(f" {dialect.same} ?", (value,)))
    past = Statement("(") + joined(steps, " OR ") + Statement(")")
    first, value = keys[0], position[0]
    if value is None:
        return past
    bound = first.value + Statement(f" {'<=' if first.descending else '>='} ?", (value,))
    return _or_null(first, bound) + Statement(" AND ") + past


def _beyond(key: Key, value: Any) -> Statement | None:
    if value is None:
        return None  # after NULL come only further ties
    return _or_null(key, key.value + Statement(f" {'<' if key.descending else '>'} ?", (value,)))


def _or_null(key: Key, condition: Statement) -> Statement:
    if not key.nullable:
        return condition
    return Statement("(") + condition + Statement(" OR ") + key.value + Statement(" IS NULL)")
