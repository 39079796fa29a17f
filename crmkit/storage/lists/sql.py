"""SQL of lists, and nothing else: a plan -> a statement and its arguments.

Pure. Every name in a statement comes from a kind's declaration, every value is bound, and every statement is scoped to
one workspace by a mandatory argument.
"""

import json
from collections.abc import Sequence
from typing import Any

from crmkit.model import phones
from crmkit.model.fields import Phone, Tags
from crmkit.model.form import Field, Through
from crmkit.model.query.filters import Condition, CustomKey, Target
from crmkit.model.query.parse import Sort
from crmkit.model.record import Kind
from crmkit.storage.columns import packed, quoted
from crmkit.storage.interface.dialect import COMPARISONS, Dialect
from crmkit.storage.interface.statement import Statement, at_most, joined
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.plan import CountIndexes, LookUp, Plan, ReadTable, UniqueRow, WalkIndex


def page(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, position: Sequence[Any] | None) -> Statement:
    """Return the statement for one page and one row more: the query's fields, all packed into one row.

    `position` holds the sort values and the id of the last row of the page before. Ties are in the order of ids, in the
    direction of the last key.
    """
    sql = _select(dialect, kind, plan.query.fields) + _access(dialect, kind, workspace, plan, position)
    if position is not None:
        sql += Statement(" AND ") + _past(dialect, plan.sorts, position)
    keys = [_sort_key(dialect, sort.target) + Statement(_direction(sort)) for sort in plan.sorts]
    sql += Statement(" ORDER BY ") + joined(keys, ", ") + at_most(dialect, plan.query.limit + 1)
    return _all_packed(dialect, sql)


def picked(
    dialect: Dialect, kind: Kind, workspace: Workspace, fields: tuple[str, ...], seqs: Sequence[int]
) -> Statement:
    """Return the statement for the rows of these numbers, packed like a page, in any order."""
    sql = _select(dialect, kind, fields) + where(dialect, workspace, (), by_number=True)
    return _all_packed(dialect, sql + Statement(f" AND r.seq IN ({dialect.numbers})", (json.dumps(seqs),)))


def position_of(dialect: Dialect, kind: Kind, workspace: Workspace, sorts: Sequence[Sort], seq: int) -> Statement:
    """Return the statement for the sort values and the id of one row: the position of the page after it."""
    sql = Statement("SELECT ") + joined([_sort_key(dialect, sort.target) for sort in sorts], ", ")
    sql += Statement(f" FROM {quoted(kind.plural)} AS r WHERE ")
    return sql + where(dialect, workspace, (), by_number=True) + Statement(" AND r.seq = ?", (seq,))


def count(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, most: int | None) -> Statement:
    """Return the statement that counts the matches, up to `most` of them when it is given."""
    source, order = Statement(f" FROM {quoted(kind.plural)} AS r WHERE "), Statement("")
    conditions, counting = plan.query.conditions, plan.counting
    if isinstance(counting, CountIndexes):
        source += where(dialect, workspace, conditions)
    elif isinstance(counting, ReadTable):
        source += _workspace_rows(dialect, workspace, conditions)
        order = Statement(" ORDER BY r.seq DESC")
    elif not conditions:  # what was found are the matches
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
    conditions: Sequence[Condition],
    by_number: bool = False,
    unindexed: Sequence[Condition] = (),
) -> Statement:
    """Return the WHERE of rows `r` of one workspace that meet all conditions.

    Rows that are looked up `by_number`, and conditions that are `unindexed`, choose no index.
    """
    parts = [Statement(f"{dialect.unindexed if by_number else ''}r.workspace_id = ?", (workspace.id,))]
    parts += [_condition(dialect, condition, condition in unindexed) for condition in conditions]
    return joined(parts, " AND ")


def _select(dialect: Dialect, kind: Kind, fields: tuple[str, ...]) -> Statement:
    return Statement(f"SELECT {packed(dialect, kind, fields)} FROM {quoted(kind.plural)} AS r WHERE ")


def _all_packed(dialect: Dialect, rows: Statement) -> Statement:
    """Wrap a SELECT so that the database returns one row: all rows as a JSON array, and their numbers.

    Fetching row by row releases the GIL at each row.
    """
    return Statement(f"SELECT {dialect.all_rows} FROM (") + rows + Statement(") AS q")


def _access(
    dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, position: Sequence[Any] | None
) -> Statement:
    """Return the WHERE that forces the plan's access."""
    conditions, access = plan.query.conditions, plan.access
    if isinstance(access, LookUp):
        scope = where(dialect, workspace, conditions, by_number=True)
        return scope + Statement(" AND r.seq IN (") + access.rows + Statement(")")
    if isinstance(access, UniqueRow):
        return where(dialect, workspace, conditions)
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


def _workspace_rows(
    dialect: Dialect, workspace: Workspace, conditions: Sequence[Condition], last: Statement | None = None
) -> Statement:
    """Return the WHERE by which a workspace's part of the table is read, up to the row number `last`."""
    # a database may use only the first of several upper bounds, so there is one
    scope = Statement("r.seq <= ") + (last or Statement("?", (workspace.last,)))
    scope += Statement(" AND r.seq >= ? AND ", (workspace.first,))
    return scope + where(dialect, workspace, conditions, by_number=True)


def _condition(dialect: Dialect, condition: Condition, is_unindexed: bool = False) -> Statement:
    target, operator, value = condition.target, condition.operator, condition.value
    if isinstance(target, Field) and target.through is not None:
        return _joined(target.through, operator, value)
    if operator in ("is", "not"):
        null = "IS NULL" if operator == "is" else "IS NOT NULL"
        return _value(dialect, target) + Statement(f" {null}")
    if isinstance(target, CustomKey):
        return dialect.custom_condition(target, operator, value)
    column = f"{dialect.unindexed if is_unindexed else ''}{_column(dialect, target)}"
    if isinstance(target.type, Tags):
        return _tags(dialect, column, operator, value)
    if isinstance(target.type, Phone):
        return _phone(dialect, target, column, operator, value)
    if operator == "like":
        return _contains(dialect, column, value)
    if operator == "in":
        return Statement(f"{column} IN ({', '.join('?' * len(value))})", tuple(value))
    if operator == "ne":
        return Statement(f"({column} <> ? OR {column} IS NULL)", (value,))
    if operator in ("within", "outside"):
        spans = joined([Statement(f"{column} BETWEEN ? AND ?", span) for span in value], " OR ")
        any_of = Statement("(") + spans + Statement(")")
        return any_of if operator == "within" else Statement("(NOT ") + any_of + Statement(f" OR {column} IS NULL)")
    return Statement(f"{column} {COMPARISONS[operator]} ?", (value,))


def _phone(dialect: Dialect, target: Field, column: str, operator: str, value: Any) -> Statement:
    """Return the condition on a number: on its text as written or a part of its digits, or on how the digits end."""
    if operator == "like":
        written = _contains(dialect, dialect.folded.format(f"r.{quoted(target.name)}"), value)
        digits = phones.part(value)
        if not digits:
            return written
        return Statement("(") + written + Statement(" OR ") + _contains(dialect, column, digits) + Statement(")")
    if operator not in ("eq", "ne", "in"):
        return Statement(f"{column} {COMPARISONS[operator]} ?", (phones.part(value) or value,))
    parts = []
    for first, *wholes in value if operator == "in" else (value,):
        is_ending = phones.is_ending(first)
        parts.append(
            Statement(f"{column} LIKE ?", (f"%{first}",)) if is_ending else Statement(f"{column} = ?", (first,))
        )
        parts += [Statement(f"{column} = ?", (whole,)) for whole in wholes]
    any_of = Statement("(") + joined(parts, " OR ") + Statement(")")
    return Statement("(NOT ") + any_of + Statement(f" OR {column} IS NULL)") if operator == "ne" else any_of


def joined_to(dialect: Dialect, kind: Kind, workspace: Workspace, through: Through, ids: Sequence[str]) -> Statement:
    """Return the SELECT of the numbers of records that the rows of another table join to one of these ids."""
    distinct = "DISTINCT " if len(ids) > 1 else ""
    return Statement(
        f"SELECT {distinct}r.seq FROM {quoted(through.table)} AS j {dialect.join} {quoted(kind.plural)} AS r "
        f"ON r.workspace_id = j.workspace_id AND r.id = j.{quoted(through.own)} "
        f"WHERE j.workspace_id = ? AND j.{quoted(through.other)} IN ({', '.join('?' * len(ids))})",
        (workspace.id, *ids),
    )


def _joined(through: Through, operator: str, value: Any) -> Statement:
    """Return the condition on what a record is joined to: looked up row by row, by the index on the record's id."""
    negated = operator in ("is", "ne")
    ids = () if value is None else value if isinstance(value, tuple) else (value,)
    named = f" AND j.{quoted(through.other)} IN ({', '.join('?' * len(ids))})" if ids else ""
    return Statement(
        f"{'NOT ' if negated else ''}EXISTS (SELECT 1 FROM {quoted(through.table)} AS j "
        f"WHERE j.workspace_id = r.workspace_id AND j.{quoted(through.own)} = r.id{named})",
        ids,
    )


def _tags(dialect: Dialect, column: str, operator: str, value: Any) -> Statement:
    if operator == "like":
        return _contains(dialect, column, value)
    has = [_contains(dialect, column, f",{tag},") for tag in value]
    if operator == "in":
        return Statement("(") + joined(has, " OR ") + Statement(")")
    if operator == "eq":
        return joined(has, " AND ")
    return Statement("(NOT (") + joined(has, " AND ") + Statement(f") OR {column} IS NULL)")


def _contains(dialect: Dialect, column: str, text: str) -> Statement:
    return Statement(dialect.contains.format(column, "?"), (text,))


def _past(dialect: Dialect, sorts: Sequence[Sort], position: Sequence[Any]) -> Statement:
    """Return the condition that a row comes after `position`, NULL last in both directions.

    The first key also gets its own bound, so that its index is read from that value on.
    """
    steps: list[Statement] = []
    equal: list[Statement] = []
    for sort, value in zip(sorts, position, strict=True):
        key = _sort_key(dialect, sort.target)
        beyond = _beyond(sort, key, value)
        if beyond is not None:
            steps.append(Statement("(") + joined([*equal, beyond], " AND ") + Statement(")"))
        equal.append(key + Statement(f" {dialect.same} ?", (value,)))
    past = Statement("(") + joined(steps, " OR ") + Statement(")")
    first, value = sorts[0], position[0]
    if value is None:
        return past
    key = _sort_key(dialect, first.target)
    bound = key + Statement(f" {'<=' if first.descending else '>='} ?", (value,))
    if _nullable(first.target):
        bound = Statement("(") + bound + Statement(" OR ") + key + Statement(" IS NULL)")
    return bound + Statement(" AND ") + past


def _beyond(sort: Sort, key: Statement, value: Any) -> Statement | None:
    if value is None:
        return None  # after NULL come only further ties
    further = key + Statement(f" {'<' if sort.descending else '>'} ?", (value,))
    if not _nullable(sort.target):
        return further
    return Statement("(") + further + Statement(" OR ") + key + Statement(" IS NULL)")


def _direction(sort: Sort) -> str:
    direction = " DESC" if sort.descending else ""
    return f"{direction} NULLS LAST" if _nullable(sort.target) else direction


def _nullable(target: Target) -> bool:
    return isinstance(target, CustomKey) or target.nullable


def _sort_key(dialect: Dialect, target: Target) -> Statement:
    """Return what a sort compares."""
    if isinstance(target, CustomKey):
        return dialect.custom_order(target)
    return Statement(_column(dialect, target))


def _value(dialect: Dialect, target: Target) -> Statement:
    """Return what is stored."""
    if isinstance(target, CustomKey):
        return dialect.custom_value(target)
    return Statement(f"r.{quoted(target.name)}")


def _column(dialect: Dialect, field: Field) -> str:
    """Return what a filter compares: a text without case, the place of a word."""
    column = f"r.{quoted(field.compared)}"
    return dialect.folded.format(column) if field.type.unfolded else column
