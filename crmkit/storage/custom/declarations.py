"""Look-ups among the declarations of a workspace."""

from crmkit.storage.interface.connection import Connection


def of_key(connection: Connection, workspace_id: str, kind_name: str, key: str) -> str | None:
    """Return the id of the field that declares this key, or None."""
    sql = 'SELECT f.id FROM fields AS f WHERE f.workspace_id = ? AND f."kind" = ? AND f."key" = ?'
    row = connection.execute(sql, (workspace_id, kind_name, key)).fetchone()
    return None if row is None else row[0]


def count(connection: Connection, workspace_id: str, kind_name: str) -> int:
    """Return how many keys of a kind are declared."""
    sql = 'SELECT count(*) FROM fields AS f WHERE f.workspace_id = ? AND f."kind" = ?'
    number: int = connection.execute(sql, (workspace_id, kind_name)).fetchone()[0]
    return number


def of(connection: Connection, workspace_id: str) -> list[str]:
    """Return the ids of all declared fields, by kind and key."""
    sql = 'SELECT f.id FROM fields AS f WHERE f.workspace_id = ? ORDER BY f."kind", f."key"'
    return [id for (id,) in connection.execute(sql, (workspace_id,))]
