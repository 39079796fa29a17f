"""Follow-ups that are due: one sorted query over all kinds that have them."""

from collections.abc import Sequence
from typing import Any

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.statement import Statement, at_most, joined

Reminder = tuple[str, str, str, str, str | None]  # kind, id, follow_up_at, title, follow_up_note


def due(
    connection: Connection, kinds: Sequence[Kind], workspace_id: str, until: str, past: Sequence[str] | None, most: int
) -> list[Reminder]:
    """Return the follow-ups up to `until`, soonest first; `past` is (follow_up_at, handle) of the last one seen."""
    parts = [_of_kind(connection.dialect, kind, workspace_id, until, past, most) for kind in kinds]
    sql = Statement("SELECT kind, id, follow_up_at, title, note FROM (") + _union(parts)
    sql += Statement(" ORDER BY follow_up_at, kind, id") + at_most(connection.dialect, most)
    return sql.run(connection).fetchall()


def count(connection: Connection, kinds: Sequence[Kind], workspace_id: str, until: str, most: int) -> int:
    """Return how many follow-ups are due up to `until`, at most `most`."""
    # of the index alone: neither sorted nor looked up
    parts = [
        Statement(
            f"SELECT 1 FROM {quoted(kind.plural)} WHERE workspace_id = ? AND follow_up_at <= ?", (workspace_id, until)
        )
        for kind in kinds
    ]
    sql = Statement("SELECT count(*) FROM (SELECT * FROM (") + _union(parts)
    number: int = (sql + at_most(connection.dialect, most) + Statement(") AS q")).run(connection).fetchone()[0]
    return number


def _union(parts: Sequence[Statement]) -> Statement:
    """Return the rows of all parts, which the caller opened a parenthesis for."""
    return joined(parts, ") AS q UNION ALL SELECT * FROM (") + Statement(") AS q")


def _of_kind(
    dialect: Dialect, kind: Kind, workspace_id: str, until: str, past: Sequence[Any] | None, most: int
) -> Statement:
    table = quoted(kind.plural)
    sql = Statement(
        f"SELECT '{kind.name}' AS kind, id, follow_up_at, {table}.{quoted(kind.title.name)} AS title, "
        f"follow_up_note AS note FROM {table} WHERE workspace_id = ? AND follow_up_at <= ?",
        (workspace_id, until),
    )
    if past is not None:
        at, name, id = past
        sql += Statement(
            f" AND follow_up_at >= ? AND (follow_up_at > ? OR ('{kind.name}', id) > (?, ?))", (at, at, name, id)
        )
    return sql + Statement(" ORDER BY follow_up_at, id") + at_most(dialect, most)
