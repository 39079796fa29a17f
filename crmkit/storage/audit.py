"""The audit log: one row per change, in the transaction of the change. There is no statement that edits it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from crmkit import ids
from crmkit.storage import sequence
from crmkit.storage.interface.tx import Tx

_INSERT = (
    'INSERT INTO audit (workspace_id, at, "by", token_name, action, changes, seq, id, target) '
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def append(tx: Tx, action: str, target: str, changes: dict[str, Any]) -> None:
    """Log that the actor did `action` to `target` (a handle); `changes` maps each field to [old, new]."""
    append_all(tx, action, (target,), changes)


def append_all(tx: Tx, action: str, targets: Iterable[str], changes: dict[str, Any]) -> None:
    """Log that the actor did `action` to each target, with the same changes."""
    actor, targets = tx.by, tuple(targets)
    same = (actor.workspace_id, tx.now, actor.email, actor.token_name, action, msgspec.json.encode(changes).decode())
    before = sequence.before_first(tx)
    for seq, target in enumerate(targets, start=sequence.take(tx, "audit", len(targets))):
        tx.connection.execute(_INSERT, (*same, seq, ids.numbered("au", seq - before), target))
