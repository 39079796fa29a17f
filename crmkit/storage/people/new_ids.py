"""Ids for new users, workspaces, tokens and invites."""

from crmkit import ids
from crmkit.storage.interface.tx import Tx


def unused(tx: Tx, table: str, prefix: str, workspace_id: str | None = None) -> str:
    """Return a new id that no row of the table has; with `workspace_id`, that no row of this workspace has."""
    scope, args = ("", ()) if workspace_id is None else ("workspace_id = ? AND ", (workspace_id,))
    while True:
        id = ids.mint(prefix)
        if tx.connection.execute(f"SELECT 1 FROM {table} WHERE {scope}id = ?", (*args, id)).fetchone() is None:
            if tx.made is not None:
                tx.made.append(id)
            return id
