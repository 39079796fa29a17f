"""All workspaces of a server, some at a time."""

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace


def workspaces(connection: Connection, after: int, most: int) -> list[Workspace]:
    """Return the next workspaces after a number."""
    sql = f"SELECT id, number FROM workspaces WHERE number > ? ORDER BY number {connection.dialect.limit}"
    return [Workspace(id, number) for id, number in connection.execute(sql, (after, most)).fetchall()]
