"""Ids of records that are gone: none is given out again, and one that was merged leads to the record it went into."""

from collections.abc import Collection, Iterable

from msgspec import Struct

from crmkit import ids
from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

_AFTER_ALL = "{"  # comes after all characters of ids


class Deleted(Struct, frozen=True):
    """When a record went, and the id of the one that it was merged into, "" if it was not."""

    at: str
    merged_into: str


def add(tx: Tx, gone: Iterable[str], merged_into: str = "") -> None:
    """Note that these records are gone."""
    rows = [(tx.by.workspace_id, id, tx.now, merged_into or None) for id in gone]
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


def new_id(tx: Tx, kind: Kind) -> str:
    """Return an id that no record of the workspace has or had; it begins as the other new ones of its transaction."""
    start = tx.known.start
    while True:
        id, used = ids.mint(kind.prefix, start), _used(tx, kind, start)
        if id not in used:
            used.add(id)
            if tx.made is not None:
                tx.made.append(id)
            return id
        start = ids.start()  # the other one may be nearly used up


def _used(tx: Tx, kind: Kind, start: str) -> set[str]:
    """Return the ids of records, live or gone, that begin so, and those that were drawn since."""
    workspace_id, begins = tx.by.workspace_id, f"{kind.prefix}_{start}"
    found = tx.known.used.get((workspace_id, begins))
    if found is None:
        of = "FROM {} AS r WHERE r.workspace_id = ? AND r.id >= ? AND r.id < ?"
        args = (workspace_id, begins, begins + _AFTER_ALL)
        sql = f"SELECT r.id {of.format(quoted(kind.plural))} UNION ALL SELECT r.id {of.format('deleted')}"
        found = {id for (id,) in tx.reading(kind.plural).execute(sql, (*args, *args)).fetchall()}
        tx.known.used[workspace_id, begins] = found
    return found


def successors(connection: Connection, workspace_id: str, asked: Collection[str]) -> dict[str, str]:
    """Return, of those of these ids that were merged, the id at which each arrives: live, or deleted since."""
    found = _merged(connection, workspace_id, asked)
    further = set(found.values())
    while further:  # what it was merged into may have been merged itself
        next_steps = _merged(connection, workspace_id, further - found.keys())
        found |= next_steps
        further = set(next_steps.values())
    return {id: _last(found, id) for id in asked if id in found}


def predecessors(connection: Connection, workspace_id: str, id: str) -> list[str]:
    """Return the ids of the records that were merged into this one, or into one that was."""
    sql = (
        "WITH RECURSIVE earlier (id) AS (SELECT id FROM deleted WHERE workspace_id = ? AND merged_into = ? UNION "
        "SELECT d.id FROM deleted AS d JOIN earlier ON d.merged_into = earlier.id WHERE d.workspace_id = ?) "
        "SELECT id FROM earlier"
    )
    return [found for (found,) in connection.execute(sql, (workspace_id, id, workspace_id)).fetchall()]


def _merged(connection: Connection, workspace_id: str, asked: Collection[str]) -> dict[str, str]:
    wanted = tuple(dict.fromkeys(asked))
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
