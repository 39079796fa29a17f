"""The numbers of new rows, each one more than the newest of its workspace (see interface/workspace.py)."""

from crmkit.storage.columns import quoted
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace


def take(tx: Tx, table: str, rows: int = 1) -> int:
    """Return the number of the first of so many new rows of the actor's workspace; the others follow it."""
    key = (table, tx.by.workspace_number)
    last = tx.known.last.get(key)
    if last is None:
        last = _newest(tx, table)
    tx.known.last[key] = last + rows
    return last + 1


def _newest(tx: Tx, table: str) -> int:
    workspace, found = Workspace.of(tx.by), None
    (found,) = tx.connection.execute(
        f"SELECT max(seq) FROM {quoted(table)} WHERE seq BETWEEN ? AND ?", (workspace.first, workspace.last)
    ).fetchone()
    return workspace.first if found is None else found
