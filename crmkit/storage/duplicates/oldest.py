"""The record that has a value which several may have."""

from typing import Any

from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most


def oldest(connection: Connection, kind: Kind, workspace_id: str, name: str, value: Any, country: str) -> Record | None:
    """Return the oldest live record whose field `name` compares as this stored value does, read in a country; or None.

    Of a value that its record alone can have, it is that one.
    """
    field, dialect = kind.by_name[name], connection.dialect
    key = field.type.key_in(value, country) if field.type.key_column else value
    sql = f"SELECT {whole(dialect, kind)} FROM {quoted(kind.plural)} AS r WHERE r.workspace_id = ?"
    found = Statement(f"{sql} AND r.{quoted(field.compared)} = ? ORDER BY r.seq", (workspace_id, key))
    row = (found + at_most(dialect, 1)).run(connection).fetchone()
    return None if row is None else records.shown(kind, row[0])
