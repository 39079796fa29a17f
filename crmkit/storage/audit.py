"""The audit log: one row per change, in the transaction of the change. There is no statement that edits it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from crmkit import ids
from crmkit.storage.tx import Tx


def append(tx: Tx, action: str, target: str, changes: dict[str, Any]) -> None:
    """Log that the actor did `action` to `target` (a handle); `changes` maps each field to [old, new]."""
    append_all(tx, action, (target,), changes)


def append_all(tx: Tx, action: str, targets: Iterable[str], changes: dict[str, Any]) -> None:
    """Log that the actor did `action` to each target, with the same changes."""
    actor = tx.by
    first = actor.workspace_number << 32
    (last,) = tx.connection.execute(
        "SELECT max(seq) FROM audit WHERE seq BETWEEN ? AND ?", (first, first | 0xFFFFFFFF)
    ).fetchone()
    place, same = (actor.workspace_id,), (tx.now, actor.email, actor.token_name, action)
    told = msgspec.json.encode(changes).decode()
    tx.connection.executemany(
        'INSERT INTO audit (seq, workspace_id, id, at, "by", token_name, action, target, changes) '
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (seq, *place, ids.numbered("au", seq - first), *same, target, told)
            for seq, target in enumerate(targets, start=(first if last is None else last) + 1)
        ),
    )
