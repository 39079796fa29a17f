"""Calls, emails and meetings that are dated ahead: what they add to records waits until they have taken place."""

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

Ids = tuple[str, str]  # of the workspace and of the activity


def add(tx: Tx, workspace_id: str, id: str, at: str) -> None:
    """Have an activity wait until it takes place."""
    tx.connection.execute("INSERT INTO ahead (at, workspace_id, id) VALUES (?, ?, ?)", (at, workspace_id, id))


def waits(connection: Connection, workspace_id: str, id: str) -> bool:
    """Tell whether an activity waits."""
    sql = "SELECT 1 FROM ahead WHERE workspace_id = ? AND id = ?"
    return connection.execute(sql, (workspace_id, id)).fetchone() is not None


def forget(tx: Tx, workspace_id: str, id: str) -> bool:
    """Have an activity wait no longer, and tell whether it did."""
    sql = "DELETE FROM ahead WHERE workspace_id = ? AND id = ?"
    return bool(tx.connection.execute(sql, (workspace_id, id)).rowcount)


def due(connection: Connection, now: str, most: int = 1) -> list[Ids]:
    """Return up to `most` activities, of all workspaces, that wait and whose time has come, the earliest first."""
    sql = f"SELECT workspace_id, id FROM ahead WHERE at <= ? ORDER BY at {connection.dialect.limit}"
    return [(workspace_id, id) for workspace_id, id in connection.execute(sql, (now, most)).fetchall()]
