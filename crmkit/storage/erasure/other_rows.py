"""Rows beside records and their log that tell of a person: kept answers, links, reports of imports, proposals, jobs.

Which tables and columns those are is declared (storage/workspaces/owned.py).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.workspaces.owned import Owned

AT_ONCE = 100  # rows that are read together: an answer may be long

Key = Sequence[Any]


class Row(Struct, frozen=True):
    """A row by its key, with its columns `telling`."""

    key: Key
    told: Sequence[Any]


def rows(connection: Connection, table: Owned, workspace_id: str, after: Key) -> list[Row]:
    """Return the next rows of a workspace, in the order of their keys: those after a key, () before the first."""
    keys, told = [*map(quoted, table.key)], [*map(quoted, table.telling)]
    behind = f" AND ({', '.join(keys)}) > ({', '.join('?' * len(keys))})" if after else ""
    ended = f" AND {quoted(table.ended)} IS NOT NULL" if table.ended else ""
    found = connection.execute(
        f"SELECT {', '.join((*keys, *told))} FROM {quoted(table.name)} WHERE workspace_id = ?{behind}{ended} "
        f"ORDER BY {', '.join(keys)} {connection.dialect.limit}",
        (workspace_id, *after, AT_ONCE),
    ).fetchall()
    return [Row(row[: len(keys)], row[len(keys) :]) for row in found]


def clear(tx: Tx, table: Owned, workspace_id: str, found: Iterable[Row], tells: Callable[[str], bool]) -> None:
    """Drop these rows, or empty what they tell of the person where they stay."""
    named = " AND ".join(f"{quoted(name)} = ?" for name in table.key)
    where = f"{quoted(table.name)} WHERE workspace_id = ? AND {named}"
    if not table.stays:
        tx.connection.executemany(f"DELETE FROM {where}", [(workspace_id, *row.key) for row in found])
        return
    names = ", ".join(f"{quoted(name)} = ?" for name in table.telling)
    table_name, _, scope = where.partition(" ")
    tx.connection.executemany(
        f"UPDATE {table_name} SET {names} {scope}",
        [(*(emptied(value, tells) for value in row.told), workspace_id, *row.key) for row in found],
    )


def emptied(value: Any, tells: Callable[[str], bool]) -> Any:
    """Return a column's value without the texts that tell of the person: of JSON the single ones, else the whole."""
    if isinstance(value, bytes):
        return b""
    if not isinstance(value, str):
        return value
    if value[:1] in ("{", "["):
        return msgspec.json.encode(_emptied(msgspec.json.decode(value), tells)).decode()
    return "" if tells(value) else value


def _emptied(value: Any, tells: Callable[[str], bool]) -> Any:
    if isinstance(value, dict):
        return {("" if tells(name) else name): _emptied(each, tells) for name, each in value.items()}
    if isinstance(value, list):
        return [_emptied(each, tells) for each in value]
    return "" if isinstance(value, str) and tells(value) else value
