"""The audit log: one row per change, in the transaction of the change. There is no statement that edits it."""

from typing import Any

import msgspec

from crmkit import ids
from crmkit.storage.tx import Tx


def append(tx: Tx, action: str, target: str, changes: dict[str, Any]) -> None:
    """Log that the actor did `action` to `target` (a handle); `changes` maps each field to [old, new]."""
    actor = tx.by
    first = actor.workspace_number << 32
    (last,) = tx.connection.execute(
        "SELECT max(seq) FROM audit WHERE seq BETWEEN ? AND ?", (first, first | 0xFFFFFFFF)
    ).fetchone()
    seq = (first if last is None else last) + 1
    tx.connection.execute(
        'INSERT INTO audit (seq, workspace_id, id, at, "by", token_name, action, target, changes) '
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seq,
            actor.workspace_id,
            ids.numbered("au", seq - first),
            tx.now,
            actor.email,
            actor.token_name,
            action,
            target,
            msgspec.json.encode(changes).decode(),
        ),
    )
