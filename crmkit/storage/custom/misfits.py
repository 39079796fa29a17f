"""Values that a type does not fit, found among the records there are."""

from typing import Any

import msgspec

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.workspace import Workspace

SHOWN = 10
LOOKED = 50_000  # newest rows of a short look
AT_ONCE = 50_000  # rows of a part of a look: 0.1 s, so that others have their turn and no part comes to the deadline
NEWEST = 2_000  # changes that are looked at in a transaction

Misfit = tuple[str, Any]  # id and value


def numbers(connection: Connection, kind: Kind, workspace: Workspace) -> tuple[int, int]:
    """Return the numbers of the first row of a kind that there may be, and of the newest."""
    sql = f"SELECT max(seq) FROM {quoted(kind.plural)} WHERE seq >= ? AND seq <= ?"
    (newest,) = connection.execute(sql, (workspace.first, workspace.last)).fetchone()
    return workspace.first, newest or workspace.first


def among(connection: Connection, kind: Kind, first: int, last: int, key: str, form: str) -> list[Misfit]:
    """Return the first misfits among the records of these numbers, which are of one workspace."""
    rows = Statement(f"{quoted(kind.plural)} AS r WHERE r.seq >= ? AND r.seq <= ?", (first, last))
    return _found(connection, rows, key, form)


def among_newest(
    connection: Connection, kind: Kind, workspace_id: str, key: str, form: str, since: str
) -> list[Misfit]:
    """Return the first misfits among the records that changed since then, of which it looks at the NEWEST."""
    rows = Statement(
        f"(SELECT id, custom FROM {quoted(kind.plural)} WHERE workspace_id = ? AND updated_at >= ? "
        "ORDER BY updated_at DESC",
        (workspace_id, since),
    )
    rows += at_most(connection.dialect, NEWEST) + Statement(") AS r WHERE TRUE")
    return _found(connection, rows, key, form)


def _found(connection: Connection, rows: Statement, key: str, form: str) -> list[Misfit]:
    dialect = connection.dialect
    value = dialect.custom_json(key)
    sql = Statement("SELECT r.id, ") + value + Statement(" FROM ") + rows + Statement(" AND ") + value
    sql += Statement(" IS NOT NULL AND ") + dialect.compared(form, key) + Statement(" IS NULL")
    found = (sql + at_most(dialect, SHOWN)).run(connection).fetchall()
    return [(id, msgspec.json.decode(text)) for id, text in found]
