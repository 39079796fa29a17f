"""Groups: what a count asks for -> a page of groups, and how many there are. One snapshot of the database."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.model.fields import Tags
from crmkit.model.fold import fold
from crmkit.model.form import Field
from crmkit.model.query.count import Counting, Figure, Group
from crmkit.model.query.filters import CustomKey, DeclaredKey
from crmkit.model.query.parse import Query
from crmkit.model.record import Kind, Tracked
from crmkit.storage.configuration import spelling
from crmkit.storage.counts import access
from crmkit.storage.counts import sql as counts_sql
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages, planner, sql
from crmkit.storage.records import live

_decode = msgspec.json.Decoder(list[list[Any]]).decode

Row = dict[str, Any]


class Page(Struct, frozen=True):
    """A page of groups: of each what its records have in common, `count`, the figures, and the currency of money.

    `position` is where the next page starts, None on the last; `positions` where one would start after each row. The
    first page has the `total` of groups.
    `is_past_numbers` tells that a sum was too large for a number, and is left out, `closest` that a typo was forgiven.
    """

    rows: Sequence[Row]
    position: list[Any] | None
    total: int | None
    is_past_numbers: bool = False
    closest: bool = False
    positions: Sequence[list[Any]] = ()


def fetch_page(
    connection: Connection,
    kind: Kind,
    workspace: Workspace,
    query: Query,
    counting: Counting,
    position: Sequence[Any] | None,
) -> Page:
    """Return the page of groups that starts after `position` (None: the first)."""
    query = pages.as_of_now(connection, workspace, query)
    if not counting.keys and not counting.figures:
        number, is_closest = _number(connection, kind, workspace, query)
        return Page([{"count": number}], None, 1, closest=is_closest)
    dialect, keys, limit = connection.dialect, len(counting.keys), counting.limit
    plan, is_closest = access.decide(connection, kind, workspace, query, counting)
    found = counts_sql.page(dialect, kind, workspace, plan, counting, position).run(connection).fetchall()
    shown, is_last = found[:limit], len(found) <= limit
    if not shown and not counting.groups and position is None:  # of money, which has no currency then
        nothing = [0, None, *(None for asked in counting.figures for _ in counts_sql.figure(dialect, asked))]
        shown = [(*(None for _ in counting.keys), *nothing)]
    spelled = _spelled(connection, kind, workspace, counting, shown)
    rows = [_row(counting, row, spelled) for row in shown]
    positions = [[row[keys], *row[:keys]] for row in shown]
    last = None if is_last else positions[-1]
    total = len(shown) if is_last else None
    if position is not None:
        total = None
    elif not is_last:
        (total,) = counts_sql.how_many(dialect, kind, workspace, plan, counting).run(connection).fetchone()
    return Page([row for row, _ in rows], last, total, any(is_past for _, is_past in rows), is_closest, positions)


def _number(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> tuple[int, bool]:
    """Return how many records a query finds, and whether a typo was forgiven."""
    if not query.filtered and issubclass(kind.record, Tracked):
        return live(connection, workspace.id, kind.plural), False
    is_closest = False
    if query.search:
        plan, is_closest = access.searched(connection, kind, workspace, query)
    else:
        plan = planner.decide(connection, kind, workspace, query)
    number: int = sql.count(connection.dialect, kind, workspace, plan, None).run(connection).fetchone()[0]
    return number, is_closest


def _spelled(
    connection: Connection, kind: Kind, workspace: Workspace, counting: Counting, rows: Sequence[Sequence[Any]]
) -> dict[tuple[int, Any], Any]:
    """Return what the keys of these rows stand for, by their places: as the first record that has it spells it.

    Stages are spelled alike wherever records are grouped by them.
    """
    keys = counting.keys
    firsts = sorted(
        ((row[len(keys) + 1], row) for row in rows if row[len(keys) + 1] is not None), key=lambda row: row[0]
    )
    records = _fields(connection, kind, workspace, counting, [seq for seq, _ in firsts])
    found: dict[tuple[int, Any], Any] = {}
    for seq, row in firsts:
        for at, group in enumerate(keys):
            if row[at] is not None and (at, row[at]) not in found:
                found[at, row[at]] = row[at] if group.unit else _held(group, row[at], records[seq])
    for at, group in enumerate(keys):
        if isinstance(group.target, Field) and group.target.name == "stage":
            stages = dict.fromkeys(row[at] for row in rows if row[at] is not None)
            names = spelling.spelled(connection, kind, workspace.id, stages)
            found |= {(at, key): name for key, name in names.items()}
    return found


def _fields(
    connection: Connection, kind: Kind, workspace: Workspace, counting: Counting, seqs: Sequence[int]
) -> dict[int, Row]:
    """Return the fields by which records are grouped, of the records of these numbers."""
    fields = tuple(sorted({_field(group) for group in counting.keys if not group.unit}))
    if not fields or not seqs:
        return {}
    text, found = sql.picked(connection.dialect, kind, workspace, fields, seqs).run(connection).fetchone()
    rows = [dict(zip(fields, values, strict=True)) for _, *values in _decode(text)]
    return dict(zip(map(int, found.split(",")), rows, strict=True))


def _row(counting: Counting, row: Sequence[Any], spelled: Mapping[tuple[int, Any], Any]) -> tuple[Row, bool]:
    """Return what is told of a group, and whether a sum was too large for a number."""
    keys, columns = len(counting.keys), iter(row[len(counting.keys) + 2 :])
    values = {group.name: spelled.get((at, row[at])) for at, group in enumerate(counting.keys)}
    currency = {} if counting.currency is None else {counting.currency.name: values.pop(counting.currency.name)}
    figures = {asked.name: told(asked, columns) for asked in counting.figures}
    past = [name for name, value in figures.items() if isinstance(value, float) and not math.isfinite(value)]
    shown = {name: None if name in past else _number_of(value) for name, value in figures.items()}
    return {**values, "count": row[keys], **shown, **currency}, bool(past)


def told(asked: Figure, columns: Any) -> Any:
    """Return a figure, of as many of the next columns as counts_sql.figure selects for it."""
    if asked.function in ("min", "max"):
        return next(columns)
    if counts_sql.is_whole(asked):
        high, low = next(columns) or 0, next(columns) or 0
        total = (high << counts_sql.BITS) + low
    else:
        total = next(columns) or 0
    if asked.function == "sum":
        return total
    times = next(columns)
    if not times:
        return None
    return _whole(total, times) if asked.is_money else total / times


def _whole(total: int, times: int) -> int:
    """Return the quotient as the nearest whole number, a half away from zero."""
    quotient = (2 * abs(total) + times) // (2 * times)
    return quotient if total >= 0 else -quotient


def _number_of(value: Any) -> Any:
    """Return a number that has no fraction as a whole one."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def _field(group: Group) -> str:
    """Return the field of a record that has what it is grouped by."""
    return "custom" if isinstance(group.target, CustomKey | DeclaredKey) else group.target.name


def _held(group: Group, key: Any, record: Row) -> Any:
    """Return what a record has of what it is grouped by."""
    value, target = record[_field(group)], group.target
    if isinstance(target, CustomKey | DeclaredKey):
        for name in target.path if isinstance(target, CustomKey) else (target.key,):
            value = value[name]
    elif isinstance(target, Field) and isinstance(target.type, Tags):
        value = next(tag for tag in value if fold(tag) == key)
    return _number_of(value)
