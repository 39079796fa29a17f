"""SQL for queries, and nothing else: a kind and a query -> a statement and its arguments.

Pure. Every name in a statement comes from a kind's declaration; every value is bound. Every statement is scoped to one
workspace by a mandatory argument.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from crmkit.model.fields import MAX_INTEGER, Tags
from crmkit.model.form import Field
from crmkit.model.query import Condition, CustomKey, Query, Sort, Target
from crmkit.model.record import SEQ, Kind
from crmkit.storage.columns import packed, quoted
from crmkit.storage.interface.statement import Statement, at_most, joined
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import indexes

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)

SQL_OPERATORS = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def _all_packed(rows: Statement) -> Statement:
    """Return the statement whose one row has a JSON array of rows, and their numbers joined by commas.

    Python gives up its lock for every row that SQLite hands over, and whoever takes it then keeps it for a while.
    """
    return Statement("SELECT '[' || group_concat(row) || ']', group_concat(seq) FROM (") + rows + Statement(")")


def page(
    kind: Kind,
    workspace: Workspace,
    query: Query,
    position: Sequence[Any] | None,
    among: Statement | None,
    is_walk: bool = True,
) -> Statement:
    """Return the statement for one page and one row more: its fields, all packed into one row.

    `position` holds the sort values and the id of the last row of the page before; `among` restricts to rows
    that a search or a lead found. Unless it `is_walk`, the rows are read as they lie in the table and sorted. Ties are
    in the order of ids, in the direction of the last key.
    """
    sorts = ordering(kind, query)
    sql = Statement(f"SELECT {packed(kind, query.fields)} FROM {kind.plural} AS r WHERE ")
    if among is None:
        sql += _scope(kind, workspace, query, sorts, position) if is_walk else _as_it_lies(workspace, query)
    else:
        sql += where(workspace, query.conditions, by_rowid=True) + Statement(" AND r.seq IN (") + among + Statement(")")
    if position is not None:
        sql += Statement(" AND ") + _past(sorts, position)
    return _all_packed(sql + _order(sorts) + at_most(query.limit + 1))


def picked(kind: Kind, workspace: Workspace, query: Query, seqs: Sequence[int]) -> Statement:
    """Return the statement for the rows of these numbers, packed like a page, in any order."""
    sql = Statement(f"SELECT {packed(kind, query.fields)} FROM {kind.plural} AS r WHERE ")
    sql += where(workspace, (), by_rowid=True)
    sql += Statement(" AND r.seq IN (SELECT value FROM json_each(?))", (json.dumps(seqs),))
    return _all_packed(sql)


def place(kind: Kind, workspace: Workspace, query: Query, seq: int) -> Statement:
    """Return the statement for the sort values and the id of one row: where the page after it starts."""
    keys = joined([_expression(sort.target) for sort in ordering(kind, query)], ", ")
    sql = Statement("SELECT ") + keys + Statement(f" FROM {kind.plural} AS r WHERE ")
    return sql + where(workspace, (), by_rowid=True) + Statement(" AND r.seq = ?", (seq,))


def may_pass_over(kind: Kind, query: Query) -> bool:
    """Tell whether a page is walked to in the order of an index, past rows that do not meet all filters."""
    sorts = ordering(kind, query)
    walked = indexes.of_order(kind, query.conditions, sorts)
    if not walked or SEQ.name in walked or indexes.is_unique(kind, query.conditions):
        return False
    return any(condition.target.name not in walked for condition in query.conditions)


def _order(sorts: Sequence[Sort]) -> Statement:
    return Statement(" ORDER BY ") + joined([_expression(s.target) + Statement(_direction(s)) for s in sorts], ", ")


def _scope(
    kind: Kind, workspace: Workspace, query: Query, sorts: Sequence[Sort], position: Sequence[Any] | None
) -> Statement:
    """Return the WHERE of a list, in which SQLite can use no index but the one that the list is meant to be read by.

    Where none has the order, the rows are read as they lie in the table.
    """
    walked = indexes.of_order(kind, query.conditions, sorts)
    if indexes.is_unique(kind, query.conditions):
        return where(workspace, query.conditions)
    idle = [c for c in query.conditions if indexes.is_led(kind, c) and c.target.name not in walked]
    if walked and walked != (SEQ.name,):
        return where(workspace, query.conditions, idle=idle)
    if not walked:
        return _as_it_lies(workspace, query)
    ends = [Statement("?", (workspace.last if position is None else position[0],))]
    until = [condition for condition in idle if condition.operator in ("lt", "lte")]
    if until:  # what is newer than the newest one that meets an upper bound is left out
        newest = Statement(f"(SELECT max(r.seq) FROM {kind.plural} AS r WHERE ") + where(workspace, until)
        ends.append(newest + Statement(")"))
    end = ends[0] if len(ends) == 1 else Statement("min(") + joined(ends, ", ") + Statement(")")
    return _as_it_lies(workspace, query, end)


def _as_it_lies(workspace: Workspace, query: Query, end: Statement | None = None) -> Statement:
    """Return the WHERE by which a workspace's part of the table is read, up to the row number `end`."""
    # of several upper bounds SQLite takes the first, so there is to be but this one
    scope = Statement("r.seq <= ") + (end or Statement("?", (workspace.last,)))
    scope += Statement(" AND r.seq >= ? AND ", (workspace.first,))
    return scope + where(workspace, query.conditions, by_rowid=True)


def ordering(kind: Kind, query: Query) -> tuple[Sort, ...]:
    """Return the sort keys of a query, newest change first by default, ending with the id that breaks ties."""
    if not query.sorts and not kind.order:
        return (Sort(SEQ, True),)
    sorts = query.sorts or (Sort(kind.by_name[kind.order], True),)
    if any(sort.target is kind.by_name["id"] for sort in sorts):
        return sorts
    return (*sorts, Sort(kind.by_name["id"], sorts[-1].descending))


def count(kind: Kind, workspace: Workspace, query: Query, among: Statement | None, most: int | None) -> Statement:
    """Return the statement that counts the matches, up to `most` of them when it is given.

    Unless indexes know all filters, the table is read as it lies, from the newest row on.
    """
    source, order = Statement(f" FROM {kind.plural} AS r WHERE "), Statement("")
    if among is not None and not query.conditions:  # they are the matches, each of a row of its own
        source, scope = Statement(" FROM (") + among + Statement(") AS m"), Statement("")
    elif among is not None:
        source = (
            Statement(" FROM (") + among + Statement(f") AS m CROSS JOIN {kind.plural} AS r ON r.seq = m.seq WHERE ")
        )
        scope = where(workspace, query.conditions, by_rowid=True)
    elif all(indexes.is_led(kind, condition) for condition in query.conditions):
        scope = where(workspace, query.conditions)
    else:
        scope, order = _as_it_lies(workspace, query), Statement(" ORDER BY r.seq DESC")
    if most is None:
        return Statement("SELECT count(*)") + source + scope
    inner = Statement("SELECT 1") + source + scope + order + at_most(most)
    return Statement("SELECT count(*) FROM (") + inner + Statement(")")


def where(
    workspace: Workspace, conditions: Sequence[Condition], by_rowid: bool = False, idle: Sequence[Condition] = ()
) -> Statement:
    """Return the WHERE of rows `r` of one workspace that meet all conditions.

    A + before a column keeps SQLite from its index: rows that are known `by_rowid` are read by that alone, and no row
    is looked up by an `idle` condition.
    """
    parts = [Statement(f"{'+' if by_rowid else ''}r.workspace_id = ?", (workspace.id,))]
    parts += [_condition(condition, condition in idle) for condition in conditions]
    return joined(parts, " AND ")


def _condition(condition: Condition, is_idle: bool = False) -> Statement:
    target, operator, value = condition.target, condition.operator, condition.value
    if operator in ("is", "not"):
        null = "IS NULL" if operator == "is" else "IS NOT NULL"
        return _raw(target) + Statement(f" {null}")
    if isinstance(target, CustomKey):
        return _custom(target, operator, value)
    column = f"{'+' if is_idle else ''}{_column(target)}"
    if isinstance(target.type, Tags):
        return _tags(column, operator, value)
    if operator == "like":
        return Statement(f"instr({column}, ?) > 0", (value,))
    if operator == "in":
        return Statement(f"{column} IN ({_marks(value)})", tuple(value))
    if operator == "ne":
        return Statement(f"({column} <> ? OR {column} IS NULL)", (value,))
    return Statement(f"{column} {SQL_OPERATORS[operator]} ?", (value,))


def _tags(column: str, operator: str, value: Any) -> Statement:
    if operator == "like":
        # no tag holds a comma: those in the column stand between tags
        return Statement("0") if "," in value else Statement(f"instr({column}, ?) > 0", (value,))
    has = [Statement(f"instr({column}, ?) > 0", (f",{tag},",)) for tag in value]
    if operator == "in":
        return Statement("(") + joined(has, " OR ") + Statement(")")
    if operator == "eq":
        return joined(has, " AND ")
    return Statement("(NOT (") + joined(has, " AND ") + Statement(f") OR {column} IS NULL)")


def _custom(key: CustomKey, operator: str, value: Any) -> Statement:
    """Numbers compare as numbers, everything else as text without case; the two never meet."""
    path = json_path(key.path)
    if operator == "in":
        return Statement("(") + joined([_custom(key, "eq", one) for one in value], " OR ") + Statement(")")
    if operator == "ne":
        # a missing key makes the inner condition NULL, and those rows are meant as well
        return Statement("coalesce(NOT ") + _custom(key, "eq", value) + Statement(", 1)")
    if operator == "like":
        # json_extract gives true and false as 1 and 0, which nobody wrote
        return Statement(
            "(json_type(r.custom, ?) NOT IN ('true', 'false') AND instr(crm_fold(json_extract(r.custom, ?)), ?) > 0)",
            (path, path, value),
        )
    sign = SQL_OPERATORS[operator]
    text = Statement(
        f"(json_type(r.custom, ?) = 'text' AND crm_fold(json_extract(r.custom, ?)) {sign} ?)", (path, path, value)
    )
    if NUMBER.fullmatch(value):
        number = Statement(
            f"(json_type(r.custom, ?) IN ('integer', 'real') AND json_extract(r.custom, ?) {sign} ?)",
            (path, path, _number(value)),
        )
        return Statement("(") + number + Statement(" OR ") + text + Statement(")") if operator == "eq" else number
    if value in ("true", "false") and operator == "eq":
        return Statement("(") + text + Statement(" OR json_type(r.custom, ?) = ?)", (path, value))
    return text


def _number(text: str) -> int | float:
    """Return the number as SQLite holds it: whole ones of 64 bits exactly, any other as a float (perhaps infinite)."""
    if re.fullmatch(r"-?[0-9]{1,19}", text, re.ASCII) and abs(int(text)) <= MAX_INTEGER:
        return int(text)
    return float(text)


def _past(sorts: Sequence[Sort], position: Sequence[Any]) -> Statement:
    """Return the condition that a row comes after `position`, empty values last in both directions.

    The first key is bounded once more by itself, so that an index on it is read from that place on.
    """
    steps: list[Statement] = []
    equal: list[Statement] = []
    for sort, value in zip(sorts, position, strict=True):
        key = _expression(sort.target)
        beyond = _beyond(sort, key, value)
        if beyond is not None:
            steps.append(Statement("(") + joined([*equal, beyond], " AND ") + Statement(")"))
        equal.append(key + Statement(" IS ?", (value,)))
    past = Statement("(") + joined(steps, " OR ") + Statement(")")
    first, value = sorts[0], position[0]
    if value is None:
        return past
    bound = _expression(first.target) + Statement(f" {'<=' if first.descending else '>='} ?", (value,))
    if _nullable(first.target):
        bound = Statement("(") + bound + Statement(" OR ") + _expression(first.target) + Statement(" IS NULL)")
    return bound + Statement(" AND ") + past


def _beyond(sort: Sort, key: Statement, value: Any) -> Statement | None:
    if value is None:
        return None  # nothing comes after the empty ones but further ties
    further = key + Statement(f" {'<' if sort.descending else '>'} ?", (value,))
    if not _nullable(sort.target):
        return further
    return Statement("(") + further + Statement(" OR ") + key + Statement(" IS NULL)")


def _direction(sort: Sort) -> str:
    way = " DESC" if sort.descending else ""
    return f"{way} NULLS LAST" if _nullable(sort.target) else way


def _nullable(target: Target) -> bool:
    return isinstance(target, CustomKey) or target.nullable


def _expression(target: Target) -> Statement:
    """Return what a sort compares."""
    if isinstance(target, CustomKey):
        return Statement("crm_fold(json_extract(r.custom, ?))", (json_path(target.path),))
    return Statement(_column(target))


def _raw(target: Target) -> Statement:
    if isinstance(target, CustomKey):
        return Statement("json_extract(r.custom, ?)", (json_path(target.path),))
    return Statement(f"r.{quoted(target.name)}")


def _column(field: Field) -> str:
    column = f"r.{quoted(field.compared)}"
    return f"crm_fold({column})" if field.type.unfolded else column


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def json_path(keys: Sequence[str]) -> str:
    """Return the SQLite JSON path to nested keys, each spelled as it is stored."""
    return "$" + "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in keys)
