"""What the indexes of declared keys hold: of each record that has a value, what that is compared by.

A value that does not fit its type is no part of the order; it stands at `-place`, and the declaration counts it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from crmkit.model.fields import Invalid
from crmkit.model.record import Kind, Record, Tracked
from crmkit.storage.custom import indexes
from crmkit.storage.custom.indexes import CustomIndex
from crmkit.storage.interface.tx import Tx

Entry = tuple[int, Any]  # the place, and what the value is compared by

_MISFIT = ""
_KEY = "workspace_id = ? AND place = ? AND value = ? AND id = ?"
_INSERT = (
    "INSERT INTO custom_values (workspace_id, place, value, id, seq, updated_at) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (workspace_id, place, value, id) DO "
)


def entry_of(index: CustomIndex, custom: Mapping[str, Any] | None) -> Entry | None:
    """Return the entry of a record that has these keys, None if it has none in this index."""
    value = None if custom is None else custom.get(index.key)
    if value is None:
        return None
    try:
        compared = index.type.compared(value)
    except Invalid:
        return -index.place, _MISFIT
    return (index.place, compared) if index.type.is_compared else None


def follow(tx: Tx, kind: Kind, seq: int, before: Record | None, after: Record | None) -> None:
    """Write what follows from one change of a record; no statement where its workspace declares no keys for the kind.

    An entry also has the time of the record's newest change, so each change writes all entries of the record.
    """
    old, new = _custom(kind, before), _custom(kind, after)
    if old is None and new is None:
        return
    for index in indexes.known(tx, kind):
        was, now = entry_of(index, old), entry_of(index, new)
        if before is not None and was is not None and was != now:
            _delete(tx, kind, index, was, before.id)
        if isinstance(after, Tracked) and now is not None:
            _write(tx, kind, index, now, seq, after)


def follow_all(tx: Tx, kind: Kind, rows: Iterable[tuple[int, Record]]) -> None:
    """Write what follows from a change of several records that changed no key of theirs."""
    if indexes.known(tx, kind):
        for seq, record in rows:
            follow(tx, kind, seq, record, record)


def insert(tx: Tx, workspace_id: str, entry: Entry, seq: int, id: str, updated_at: str) -> bool:
    """Write an entry unless it is there; tell whether it was written."""
    args = (workspace_id, *_held(tx, entry), id, seq, updated_at)
    return tx.connection.execute(f"{_INSERT}NOTHING", args).rowcount > 0


def count_misfits(tx: Tx, workspace_id: str, kind_name: str, key: str, more: int) -> None:
    """Add to the number of misfits that a declaration shows."""
    tx.connection.execute(
        'UPDATE fields SET misfits = misfits + ? WHERE workspace_id = ? AND "kind" = ? AND "key" = ?',
        (more, workspace_id, kind_name, key),
    )


def _held(tx: Tx, entry: Entry) -> Entry:
    return entry[0], tx.connection.dialect.held(entry[1])


def _custom(kind: Kind, record: Record | None) -> Mapping[str, Any] | None:
    if record is None or kind.custom is None:
        return None
    found: Mapping[str, Any] | None = getattr(record, kind.custom.name)
    return found


def _write(tx: Tx, kind: Kind, index: CustomIndex, entry: Entry, seq: int, record: Tracked) -> None:
    workspace_id = tx.by.workspace_id
    if entry[0] < 0:
        if insert(tx, workspace_id, entry, seq, record.id, record.updated_at):
            count_misfits(tx, workspace_id, kind.name, index.key, 1)
        return
    args = (workspace_id, *_held(tx, entry), record.id, seq, record.updated_at)
    tx.connection.execute(f"{_INSERT}UPDATE SET seq = excluded.seq, updated_at = excluded.updated_at", args)


def _delete(tx: Tx, kind: Kind, index: CustomIndex, entry: Entry, id: str) -> None:
    workspace_id = tx.by.workspace_id
    args = (workspace_id, *_held(tx, entry), id)
    deleted = tx.connection.execute(f"DELETE FROM custom_values WHERE {_KEY}", args).rowcount
    if deleted and entry[0] < 0:
        count_misfits(tx, workspace_id, kind.name, index.key, -1)
