"""The life of an index: it is filled from the records there are, and emptied once it is dropped. A few rows a step."""

from typing import Any

import msgspec

from crmkit.storage.columns import quoted
from crmkit.storage.custom import values
from crmkit.storage.custom.indexes import BUILDING, CustomIndex
from crmkit.storage.interface.dialect import Dialect
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace

ROWS = 250  # that a step looks at, or deletes: about 3 ms
BYTES = 256 * 1024  # of their keys, after which it stops

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def fill(tx: Tx, workspace: Workspace, place: int, table: str, last: int) -> int | None:
    """Write the entries of the next rows after the one numbered `last`.

    Return the number of the last row looked at; None once the index is ready, or was dropped. What a write put there
    meanwhile is newer, so it stays.
    """
    found = _index(tx, workspace, place)
    if found is None:
        return None
    kind_name, index = found
    rows = Statement(
        f"SELECT r.seq, r.id, r.updated_at, r.custom FROM {quoted(table)} AS r "
        "WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq",
        (last, workspace.last),
    )
    size = misfits = looked = 0
    for seq, id, updated_at, custom in (rows + at_most(tx.connection.dialect, ROWS)).run(tx.connection).fetchall():
        looked, last = looked + 1, seq
        if custom is not None:
            size += len(custom)
            entry = values.entry_of(index, _decode(custom))
            if entry is not None and values.insert(tx, workspace.id, entry, seq, id, updated_at):
                misfits += entry[0] < 0
        if size > BYTES:
            break
    if misfits:
        values.count_misfits(tx, workspace.id, kind_name, index.key, misfits)
    if looked == ROWS or size > BYTES:
        return last
    _be_ready(tx, workspace, kind_name, index)
    return None


def empty(tx: Tx, workspace: Workspace, place: int) -> bool:
    """Delete some entries of a dropped index, with the last ones the index; tell whether there may be more."""
    execute, dialect = tx.connection.execute, tx.connection.dialect
    for at in (place, -place):
        gone = _some(dialect, workspace, at).run(tx.connection).fetchall()
        for value, id in gone:
            sql = "DELETE FROM custom_values WHERE workspace_id = ? AND place = ? AND value = ? AND id = ?"
            execute(sql, (workspace.id, at, value, id))
        if gone:
            return True
    execute("DELETE FROM custom_indexes WHERE workspace_id = ? AND seq = ?", (workspace.id, place))
    return False


def show_building(tx: Tx, workspace_id: str, id: str) -> None:
    """Have a declaration show that its index is built anew."""
    sql = "UPDATE fields SET state = 'building', misfits = 0 WHERE workspace_id = ? AND id = ?"
    tx.connection.execute(sql, (workspace_id, id))


def _index(tx: Tx, workspace: Workspace, place: int) -> tuple[str, CustomIndex] | None:
    row = tx.connection.execute(
        'SELECT i."kind", seq, "key", form, required FROM custom_indexes AS i '
        "WHERE i.workspace_id = ? AND i.seq = ? AND i.state = 'building'",
        (workspace.id, place),
    ).fetchone()
    if row is None:
        return None
    kind_name, seq, key, form, required = row
    return kind_name, CustomIndex(seq, key, form, bool(required), BUILDING)


def _some(dialect: Dialect, workspace: Workspace, place: int) -> Statement:
    sql = "SELECT value, id FROM custom_values WHERE workspace_id = ? AND place = ?"
    return Statement(sql, (workspace.id, place)) + at_most(dialect, ROWS)


def _be_ready(tx: Tx, workspace: Workspace, kind_name: str, index: CustomIndex) -> None:
    sql = "UPDATE custom_indexes SET state = 'ready' WHERE workspace_id = ? AND seq = ?"
    tx.connection.execute(sql, (workspace.id, index.place))
    sql = 'UPDATE fields SET state = \'ready\' WHERE workspace_id = ? AND "kind" = ? AND "key" = ?'
    tx.connection.execute(sql, (workspace.id, kind_name, index.key))
