"""Finding workspaces: one by its id, all of them some at a time."""

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace


def find(connection: Connection, id: str) -> Workspace | None:
    """Return the workspace with this id, or None."""
    row = connection.execute("SELECT number FROM workspaces WHERE id = ?", (id,)).fetchone()
    return None if row is None else Workspace(id, row[0])


def existing(connection: Connection, id: str) -> Workspace:
    """Return the workspace with this id, which is there."""
    found = find(connection, id)
    if found is None:
        raise LookupError(f"there is no workspace/{id}")
    return found


def following(connection: Connection, number: int, most: int) -> list[Workspace]:
    """Return the next workspaces after the one with a number."""
    sql = f"SELECT id, number FROM workspaces WHERE number > ? ORDER BY number {connection.dialect.limit}"
    return [Workspace(id, found) for id, found in connection.execute(sql, (number, most)).fetchall()]
