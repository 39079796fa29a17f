"""What the open records of a kind add up to: how many there are at each stage, and their amounts in each currency.

`records.put` keeps it for kinds with a `Forecast`, so it is right after whatever writes records, and costs the others
nothing. Stages are one whatever their case. A sum may exceed what a column holds, so it is kept as the sum of `high`,
times 2**30, and that of `low`: each is the sum of this part of each amount.
"""

from typing import Any

from msgspec import Struct

from crmkit.model.configuration.pipeline import OPEN
from crmkit.model.fold import fold
from crmkit.model.record import Kind, Record
from crmkit.storage.configuration import spelling
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx

SHIFT = 30  # bits of an amount that are its part `low`
LOW = (1 << SHIFT) - 1

_ADD = (
    "INSERT INTO open_sums (workspace_id, kind, stage, currency, records, high, low) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (workspace_id, kind, stage, currency) DO UPDATE SET records = open_sums.records + excluded.records, "
    "high = open_sums.high + excluded.high, low = open_sums.low + excluded.low RETURNING records"
)
_DROP = "DELETE FROM open_sums WHERE workspace_id = ? AND kind = ? AND stage = ? AND currency = ?"


class OpenSum(Struct, frozen=True):
    """How many open records are at a stage with one currency, and what they add up to."""

    stage: str | None
    currency: str
    records: int
    amount: int


def follow(tx: Tx, kind: Kind, before: Record | None, after: Record | None) -> None:
    """Write what follows from one change of a record."""
    if kind.forecast is None:
        return
    was, now = _part(kind, before), _part(kind, after)
    if was == now:
        return
    if was is not None and now is not None and was[0] == now[0]:  # the amount alone differs
        _add(tx, kind, now[0], 0, now[1] - was[1], now[2] - was[2])
        return
    if was is not None:
        _add(tx, kind, was[0], -1, -was[1], -was[2])
    if now is not None:
        _add(tx, kind, now[0], 1, now[1], now[2])


def largest(connection: Connection, kind: Kind, workspace_id: str, most: int) -> list[OpenSum]:
    """Return up to `most` sums, those of most records first, then by stage and currency."""
    sql = Statement(
        "SELECT stage, currency, records, high, low FROM open_sums WHERE workspace_id = ? AND kind = ? "
        "ORDER BY records DESC, stage, currency",
        (workspace_id, kind.plural),
    )
    rows = (sql + at_most(connection.dialect, most)).run(connection).fetchall()
    names = spelling.spelled(connection, kind, workspace_id, {row[0] for row in rows if row[0]})
    return [
        OpenSum(names.get(key), currency, records, (high << SHIFT) + low) for key, currency, records, high, low in rows
    ]


def count(connection: Connection, kind: Kind, workspace_id: str, most: int) -> int:
    """Return how many sums there are, at most `most`."""
    sql = Statement("SELECT 1 FROM open_sums WHERE workspace_id = ? AND kind = ?", (workspace_id, kind.plural))
    counted = Statement("SELECT count(*) FROM (") + sql + at_most(connection.dialect, most) + Statement(") AS q")
    number: int = counted.run(connection).fetchone()[0]
    return number


_Place = tuple[str, str]  # stage, as stages are compared, and currency; empty where a record has none


def _part(kind: Kind, record: Any) -> tuple[_Place, int, int] | None:
    """Return where a record is counted, and both parts of its amount; None if it is not open."""
    if record is None or kind.forecast is None or record.status != OPEN:
        return None
    amount = getattr(record, kind.forecast.amount) or 0
    return (fold(record.stage or ""), record.currency or ""), amount >> SHIFT, amount & LOW


def _add(tx: Tx, kind: Kind, place: _Place, records: int, high: int, low: int) -> None:
    key = (tx.by.workspace_id, kind.plural, *place)
    (left,) = tx.connection.execute(_ADD, (*key, records, high, low)).fetchone()
    if left == 0:
        tx.connection.execute(_DROP, key)
