"""What is due: one sorted query over all kinds that have something to remind of."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.statement import Statement, at_most, joined

Reminder = tuple[str, str, str, str, str | None]  # kind, id, when, title, note


class Source(Struct, frozen=True):
    """What a kind reminds of: the names of the field that says when, of its note, of the flag that says it is done."""

    kind: Kind
    at: str
    note: str = ""
    done: str = ""


class Due(Struct, frozen=True):
    """Which reminders are asked for: those of one owner, of all if it is empty, from the stamp `since` to `until`."""

    workspace_id: str
    owner: str
    until: str
    since: str = ""


def due(
    connection: Connection, sources: Sequence[Source], asked: Due, past: Sequence[str] | None, most: int
) -> list[Reminder]:
    """Return what is due, soonest first; `past` is (when, kind, id) of the last one seen."""
    parts = [_of_kind(connection.dialect, source, asked, past, most) for source in sources]
    sql = Statement("SELECT kind, id, at, title, note FROM (") + _union(parts)
    sql += Statement(" ORDER BY at, kind, id") + at_most(connection.dialect, most)
    return sql.run(connection).fetchall()


def count(connection: Connection, sources: Sequence[Source], asked: Due, most: int) -> int:
    """Return how much is due, at most `most`."""
    # of the index alone: neither sorted nor looked up
    parts = [Statement("SELECT 1") + _rows(connection.dialect, source, asked) for source in sources]
    sql = Statement("SELECT count(*) FROM (SELECT * FROM (") + _union(parts)
    number: int = (sql + at_most(connection.dialect, most) + Statement(") AS q")).run(connection).fetchone()[0]
    return number


def _union(parts: Sequence[Statement]) -> Statement:
    """Return the rows of all parts, which the caller opened a parenthesis for."""
    return joined(parts, ") AS q UNION ALL SELECT * FROM (") + Statement(") AS q")


def _rows(dialect: Dialect, source: Source, asked: Due) -> Statement:
    """Return the FROM and WHERE that find what a kind reminds of, in the order of an index."""
    sql = Statement(f" FROM {quoted(source.kind.plural)} AS r WHERE r.workspace_id = ?", (asked.workspace_id,))
    if asked.owner:
        sql += Statement(" AND r.owner = ?", (asked.owner,))
    if source.done:
        sql += Statement(f" AND r.{quoted(source.done)} = 0")
    if asked.since:
        sql += Statement(f" AND r.{quoted(source.at)} >= ?", (asked.since,))
    return sql + Statement(f" AND {dialect.likely.format(f'r.{quoted(source.at)} <= ?')}", (asked.until,))


def _of_kind(dialect: Dialect, source: Source, asked: Due, past: Sequence[Any] | None, most: int) -> Statement:
    kind, at = source.kind, f"r.{quoted(source.at)}"
    note = f"r.{quoted(source.note)}" if source.note else "NULL"
    sql = Statement(
        f"SELECT '{kind.name}' AS kind, r.id, {at} AS at, r.{quoted(kind.title.name)} AS title, {note} AS note"
    ) + _rows(dialect, source, asked)
    if past is not None:
        last, name, id = past
        sql += Statement(f" AND {dialect.likely.format(f'{at} >= ?')}", (last,))
        sql += Statement(f" AND ({at} > ? OR ('{kind.name}', r.id) > (?, ?))", (last, name, id))
    return sql + Statement(f" ORDER BY {at}, r.id") + at_most(dialect, most)
