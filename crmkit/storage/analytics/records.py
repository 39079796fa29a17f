"""Records by when they were created, and by when they were closed."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.record import Kind
from crmkit.storage.analytics.amounts import added, whole
from crmkit.storage.analytics.span import Span
from crmkit.storage.columns import quoted
from crmkit.storage.configuration import spelling
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.records import live


class Stage(Struct, frozen=True):
    """How many records are at a stage, in one currency where their kind has a forecast, and what they add up to."""

    key: str | None  # as stages are compared
    name: str | None  # as `spelling` has it
    records: int
    currency: str | None = None
    amount: int | None = None


class Ended(Struct, frozen=True):
    """How many records ended with a status in one currency, and what they add up to."""

    status: str
    currency: str
    records: int
    amount: int | None


def created(connection: Connection, kind: Kind, workspace_id: str, span: Span) -> int:
    """Return how many live records were created in the span: of the index on `created_at` alone."""
    if span.is_all:
        return live(connection, workspace_id, kind.plural)
    number: int = (
        (Statement("SELECT count(*)") + _within(kind, workspace_id, span, "created_at")).run(connection).fetchone()[0]
    )
    return number


def by_stage(connection: Connection, kind: Kind, workspace_id: str, span: Span, most: int) -> list[Stage]:
    """Return the newest `most` records that were created in the span, by stage, those of amounts by currency too."""
    forecast = kind.forecast
    stage = kind.by_name["stage"]
    columns = [f"r.{quoted(stage.compared)} AS stage_key"]
    if forecast:
        columns += ["r.currency AS currency", f"r.{quoted(forecast.amount)} AS amount"]
    rows = Statement(f"SELECT {', '.join(columns)}") + _within(kind, workspace_id, span, "created_at")
    rows += Statement(" ORDER BY r.created_at DESC, r.id DESC") + at_most(connection.dialect, most)
    more, by = (f", currency, {added('amount')}", ", currency") if forecast else ("", "")
    sql = Statement(f"SELECT stage_key, count(*){more} FROM (") + rows
    found = (sql + Statement(f") AS q GROUP BY stage_key{by}")).run(connection).fetchall()
    names = spelling.spelled(connection, kind, workspace_id, {key for key, *_ in found if key is not None})
    return [_stage(key, names.get(key), *row) for key, *row in found]


def ended(connection: Connection, kind: Kind, workspace_id: str, span: Span, statuses: Sequence[str]) -> list[Ended]:
    """Return the records that have one of these statuses and were closed in the span: of the index alone."""
    status, amount = kind.by_name["status"], kind.forecast.amount if kind.forecast else ""
    keys = {status.type.key(name): name for name in statuses}
    column = f"r.{quoted(status.compared)}"
    sql = Statement(f"SELECT {column}, r.currency, count(*), {added(f'r.{quoted(amount)}')}")
    sql += _within(kind, workspace_id, span, "closed_at")
    sql += Statement(f" GROUP BY {column}, r.currency ORDER BY {column}, r.currency")
    found = sql.run(connection).fetchall()
    return [
        Ended(keys[key], currency, records, whole(high, low))
        for key, currency, records, high, low in found
        if key in keys
    ]


def _within(kind: Kind, workspace_id: str, span: Span, name: str) -> Statement:
    """Return the FROM and WHERE of a workspace's records of which the time `name` lies in the span."""
    sql = Statement(f" FROM {quoted(kind.plural)} AS r WHERE r.workspace_id = ?", (workspace_id,))
    return sql + span.holds(f"r.{quoted(name)}")


def _stage(key: str | None, name: str | None, records: int, currency: str | None = None, *parts: Any) -> Stage:
    return Stage(key, name, records, currency, whole(*parts) if parts else None)
