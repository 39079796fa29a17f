"""SQL of counts: what is asked for -> one statement and its arguments. Pure."""

from collections.abc import Sequence
from typing import Any

from crmkit.model.declared.types import DeclaredTime
from crmkit.model.fields import Integer, Tags
from crmkit.model.form import Field
from crmkit.model.query.count import Counting, Figure, Group
from crmkit.model.query.filters import CustomKey, DeclaredKey
from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.statement import Statement, at_most, joined
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists.conditions import column as column_of
from crmkit.storage.lists.plan import Plan
from crmkit.storage.lists.sql import Key, access_of, past

# A sum may exceed what a column holds, so whole numbers are added in two parts: above this many bits, and the rest.
BITS = 30


def page(
    dialect: Dialect,
    kind: Kind,
    workspace: Workspace,
    plan: Plan,
    counting: Counting,
    position: Sequence[Any] | None,
) -> Statement:
    """Return the statement for a page of groups and one more, largest first, then by what they have in common.

    Each row has the keys, how many records there are, the lowest number of one, and what `figure` selects.
    `position` is the number of records and the keys of the last row of the page before.
    """
    order = [Key(Statement("g.n"), True, False)]
    order += [Key(Statement(f"g.k{at}"), False, True) for at in range(len(counting.keys))]
    sql = Statement("SELECT * FROM (") + _groups(dialect, kind, workspace, plan, counting) + Statement(") AS g")
    if position is not None:
        sql += Statement(" WHERE ") + past(dialect, order, position)
    sql += Statement(" ORDER BY ") + joined([key.ordered for key in order], ", ")
    return sql + at_most(dialect, counting.limit + 1)


def how_many(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, counting: Counting) -> Statement:
    """Return the statement that counts the groups."""
    keys, source = _keys(dialect, counting), _source(dialect, kind, workspace, plan, counting)
    numbers = ", ".join(str(at + 1) for at in range(len(keys)))
    grouped = Statement("SELECT ") + joined(keys, ", ") + source + Statement(f" GROUP BY {numbers}")
    return Statement("SELECT count(*) FROM (") + grouped + Statement(") AS g")


def figure(dialect: Dialect, asked: Figure) -> list[Statement]:
    """Return the columns of a figure; `told` in groups.py says what they are together."""
    value = _value(dialect, asked)
    if asked.function in ("min", "max"):
        return [Statement(f"{asked.function}(") + value + Statement(")")]
    counted = [Statement("count(") + value + Statement(")")] if asked.function == "avg" else []
    if not is_whole(asked):
        return [Statement("sum(0.0 + ") + value + Statement(")"), *counted]
    high = Statement("sum(") + value + Statement(f" >> {BITS})")
    low = Statement("sum(") + value + Statement(f" & {(1 << BITS) - 1})")
    return [high, low, *counted]


def is_whole(asked: Figure) -> bool:
    """Tell whether a figure is of whole numbers."""
    return isinstance(asked.target, Field) and isinstance(asked.target.type, Integer)


def _groups(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, counting: Counting) -> Statement:
    """Return the SELECT of all groups; without keys it is one, of all records, though there may be none."""
    keys = _keys(dialect, counting)
    columns = [*keys, Statement("count(*) AS n"), Statement("min(r.seq) AS first")]
    for asked in counting.figures:
        columns += figure(dialect, asked)
    sql = Statement("SELECT ") + joined(columns, ", ") + _source(dialect, kind, workspace, plan, counting)
    return sql + Statement(f" GROUP BY {', '.join(str(at + 1) for at in range(len(keys)))}" if keys else "")


def _source(dialect: Dialect, kind: Kind, workspace: Workspace, plan: Plan, counting: Counting) -> Statement:
    """Return FROM and WHERE of the rows; where they are grouped by tags, a row for each tag of a record."""
    tables = [f"{quoted(kind.plural)} AS r"]
    for at, group in enumerate(counting.keys):
        if _is_list(group):
            tables.append(dialect.each.format(f"r.{quoted(group.target.name)}", f"t{at}"))
    return Statement(f" FROM {' '.join(tables)} WHERE ") + access_of(dialect, kind, workspace, plan, None)


def _keys(dialect: Dialect, counting: Counting) -> list[Statement]:
    return [
        _key(dialect, group, f"t{at}", counting.zone) + Statement(f" AS k{at}")
        for at, group in enumerate(counting.keys)
    ]


def _key(dialect: Dialect, group: Group, table: str, zone: str) -> Statement:
    """Return what the records of a group have in common: what filters compare."""
    target = group.target
    if isinstance(target, CustomKey):
        return dialect.custom_group(target)
    if _is_list(group):
        return Statement(dialect.folded.format(f"{table}.value"))
    if group.unit:
        return dialect.bucketed(group.unit, zone, column_of(dialect, target))
    if not isinstance(target, DeclaredKey):
        return column_of(dialect, target)
    written = dialect.custom_group(CustomKey((target.key,)))
    if not isinstance(target.type, DeclaredTime):
        return written
    return Statement("coalesce(") + column_of(dialect, target) + Statement(", ") + written + Statement(")")


def _is_list(group: Group) -> bool:
    return isinstance(group.target, Field) and isinstance(group.target.type, Tags)


def _value(dialect: Dialect, asked: Figure) -> Statement:
    """Return what a figure is of."""
    target = asked.target
    if isinstance(target, CustomKey):
        return dialect.custom_number(target)
    if isinstance(target, DeclaredKey) and target.type.adds:
        return dialect.custom_number(CustomKey((target.key,)))
    return column_of(dialect, target)
