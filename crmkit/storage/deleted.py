"""Ids of records that are gone: none is given out again, and one that was merged leads to the record it went into."""

from collections.abc import Collection, Iterable

from msgspec import Struct

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

_AFTER_ALL = "{"  # comes after all characters of ids


class Deleted(Struct, frozen=True):
    """When a record went, and the id of the one that it was merged into, "" if it was not."""

    at: str
    merged_into: str


def add(tx: Tx, ids: Iterable[str], merged_into: str = "") -> None:
    """Note that these records are gone."""
    tx.known.unused.clear()
    rows = [(tx.by.workspace_id, id, tx.now, merged_into or None) for id in ids]
    tx.connection.executemany("INSERT INTO deleted (workspace_id, id, at, merged_into) VALUES (?, ?, ?, ?)", rows)


def forget(tx: Tx, id: str) -> Deleted | None:
    """Make the id of a record one that a row may have, and return what was known of it; None if it was not gone."""
    sql = "DELETE FROM deleted WHERE workspace_id = ? AND id = ? RETURNING at, merged_into"
    row = tx.connection.execute(sql, (tx.by.workspace_id, id)).fetchone()
    return None if row is None else Deleted(row[0], row[1] or "")


def find(connection: Connection, workspace_id: str, id: str) -> Deleted | None:
    """Return what is known of a record that is gone, None when there never was one here or it is live."""
    sql = "SELECT at, merged_into FROM deleted WHERE workspace_id = ? AND id = ?"
    row = connection.execute(sql, (workspace_id, id)).fetchone()
    return None if row is None else Deleted(row[0], row[1] or "")


def had(tx: Tx, id: str, start: str) -> bool:
    """Tell whether a record that is gone had this id, which begins with `start`, as other new ones may."""
    workspace_id = tx.by.workspace_id
    if (workspace_id, start) in tx.known.unused:
        return False
    sql = f"SELECT 1 FROM deleted WHERE workspace_id = ? AND id >= ? AND id < ? {tx.connection.dialect.limit}"
    if tx.connection.execute(sql, (workspace_id, start, start + _AFTER_ALL, 1)).fetchone() is None:
        tx.known.unused.add((workspace_id, start))
        return False
    return find(tx.connection, workspace_id, id) is not None


def successors(connection: Connection, workspace_id: str, ids: Collection[str]) -> dict[str, str]:
    """Return, of those of these ids that were merged, the id at which each arrives: live, or deleted since."""
    found = _merged(connection, workspace_id, ids)
    further = set(found.values())
    while further:  # what it was merged into may have been merged itself
        next_steps = _merged(connection, workspace_id, further - found.keys())
        found |= next_steps
        further = set(next_steps.values())
    return {id: _last(found, id) for id in ids if id in found}


def predecessors(connection: Connection, workspace_id: str, id: str) -> list[str]:
    """Return the ids of the records that were merged into this one, or into one that was."""
    sql = (
        "WITH RECURSIVE earlier (id) AS (SELECT id FROM deleted WHERE workspace_id = ? AND merged_into = ? UNION "
        "SELECT d.id FROM deleted AS d JOIN earlier ON d.merged_into = earlier.id WHERE d.workspace_id = ?) "
        "SELECT id FROM earlier"
    )
    return [found for (found,) in connection.execute(sql, (workspace_id, id, workspace_id)).fetchall()]


def _merged(connection: Connection, workspace_id: str, ids: Collection[str]) -> dict[str, str]:
    wanted = tuple(dict.fromkeys(ids))
    if not wanted:
        return {}
    sql = (
        "SELECT id, merged_into FROM deleted WHERE workspace_id = ? "
        f"AND id IN ({', '.join('?' * len(wanted))}) AND merged_into IS NOT NULL"
    )
    return dict(connection.execute(sql, (workspace_id, *wanted)).fetchall())


def _last(steps: dict[str, str], id: str) -> str:
    seen = {id}
    while (following := steps.get(id)) is not None and following not in seen:
        id = following
        seen.add(id)
    return id
