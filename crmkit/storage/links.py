"""Which records link to a record."""

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection


def holders(connection: Connection, kind: Kind, workspace_id: str, link: str, id: str, most: int) -> list[str]:
    """Return the handles of up to `most` live records of a kind whose field `link` leads to this id, in order."""
    column = quoted(kind.by_name[link].name)
    scope = f"r.workspace_id = ? AND r.{column} = ? {connection.dialect.limit}"
    sql = f"SELECT r.id FROM {quoted(kind.plural)} AS r WHERE {scope}"
    return sorted(kind.handle(found) for (found,) in connection.execute(sql, (workspace_id, id, most)).fetchall())
