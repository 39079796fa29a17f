"""The audit log: one entry per change, in the transaction of the change. No statement edits it; one erases content.

All entries of one unit in one workspace are one operation, and so are those of all steps of a job: `op` is the number
of the first of them, and NULL on the first itself. `version` is that of the record after the change, for a delete the
one that it had.

`changes` is {field: [old, new]} of a change, [null, {field: new}] of a record that is new, [{field: old}, null] of one
that is gone. Of one that was merged into another it is [{field: old}, {"merged_into": id}], and of one that is restored
after that [{"merged_into": id}, {field: new}]. It is null of an entry whose content was erased with a person
(storage/erasure), which stays to say that something happened.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from crmkit import ids
from crmkit.storage import sequence
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, within

Changes = Mapping[str, Any] | Sequence[Mapping[str, Any] | None] | None

ERASED = "null"  # the changes of an entry whose content was erased, as they are stored

_MERGED_INTO = "merged_into"
_INSERT = (
    'INSERT INTO audit (workspace_id, at, "by", token_name, action, changes, op, version, seq, id, target) '
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def append(tx: Tx, action: str, target: str, changes: Changes, version: int | None = None) -> None:
    """Log that the actor did `action` to `target` (a handle)."""
    append_all(tx, action, ((target, version),), changes)


def append_all(tx: Tx, action: str, targets: Iterable[tuple[str, int | None]], changes: Changes) -> None:
    """Log that the actor did `action` to each target (its handle and version), with the same changes."""
    encoded = _encoded(changes)
    _insert(tx, action, [(target, version, encoded) for target, version in targets])


def append_each(tx: Tx, action: str, entries: Iterable[tuple[str, int | None, Changes]]) -> None:
    """Log that the actor did `action` to each target: its handle, its version, and what changed of it."""
    _insert(tx, action, [(target, version, _encoded(changes)) for target, version, changes in entries])


def _encoded(changes: Changes) -> str:
    return msgspec.json.encode(changes).decode()


def _insert(tx: Tx, action: str, entries: Sequence[tuple[str, int | None, str]]) -> None:
    if not entries:
        return
    actor = tx.by
    same = (actor.workspace_id, tx.now, actor.email, actor.token_name, action)
    first = sequence.take(tx, "audit", len(entries))
    operation = tx.operations.setdefault(actor.workspace_id, first)
    for seq, (target, version, changes) in enumerate(entries, start=first):
        op = None if seq == operation else operation
        tx.add_row(_INSERT, (*same, changes, op, version, seq, ids.numbered("au", within(seq)), target))


def pairs(changes: Any) -> Mapping[str, list[Any]]:
    """Return [old, new] of each field that an entry names, whatever the form in which it has them."""
    if changes is None:
        return {}
    if isinstance(changes, dict):
        return changes
    before, after = (part or {} for part in changes)
    return {name: [before.get(name), after.get(name)] for name in {**before, **after}}


def merged(into: str) -> Mapping[str, str] | None:
    """Return how an entry tells the id of the record into which this one was merged, None if it was not."""
    return {_MERGED_INTO: into} if into else None


def merged_into(changes: Any) -> str:
    """Return the id that `merged` told, of an entry that merges a record or restores one after that; else ""."""
    parts = changes if isinstance(changes, list) else ()
    return next((part[_MERGED_INTO] for part in parts if part and part.keys() == {_MERGED_INTO}), "")


def operation_id(workspace_id: str, seq: int) -> str:
    """Return the id of the operation whose first entry has this number.

    The workspace's id says at which number its ids of operations begin. So an id that is sent to the wrong workspace
    names nothing there, but for rare chance, and operations keep their ids where a workspace moves to another server.
    """
    return ids.numbered("op", (within(seq) + _begin(workspace_id)) % ids.NUMBERS)


def first_entry(workspace: Workspace, operation_id: str) -> int:
    """Return the number of the first entry of the operation with this id."""
    found: int = (ids.number(operation_id) - _begin(workspace.id)) % ids.NUMBERS
    return workspace.first + found


@lru_cache(1024)
def _begin(workspace_id: str) -> int:
    return ids.number(workspace_id)
