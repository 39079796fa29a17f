"""Numbers that go up within a workspace: of new rows (see interface/workspace.py), of the codes that records get."""

from crmkit.model.form import Field
from crmkit.model.record import Kind
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


def code(tx: Tx, kind: Kind, field: Field, prefix: str) -> str:
    """Return the next code of the actor's workspace for records of a kind, which none of them has or was given.

    A number is given once, whatever becomes of the record; one that somebody took by hand is passed over.
    """
    execute, workspace, table = tx.connection.execute, tx.by.workspace_id, quoted(kind.plural)
    number = give(tx, workspace, kind.plural)
    (free,) = execute(
        "WITH RECURSIVE tried (number) AS (SELECT CAST(? AS bigint) UNION ALL SELECT number + 1 FROM tried "
        f"WHERE EXISTS (SELECT 1 FROM {table} AS r WHERE r.workspace_id = ? AND r.{quoted(field.compared)} = "
        "? || tried.number)) SELECT max(number) FROM tried",
        (number, workspace, field.type.key(prefix) if field.type.key_column else prefix),
    ).fetchone()
    if free != number:
        execute("UPDATE numbers SET last = ? WHERE workspace_id = ? AND kind = ?", (free, workspace, kind.plural))
    return f"{prefix}{free}"


def give(tx: Tx, workspace_id: str, name: str, numbers: int = 1) -> int:
    """Return the last of so many numbers that things of this name are given in a workspace; none is given twice."""
    last: int = tx.connection.execute(
        "INSERT INTO numbers (workspace_id, kind, last) VALUES (?, ?, ?) "
        "ON CONFLICT (workspace_id, kind) DO UPDATE SET last = numbers.last + excluded.last RETURNING last",
        (workspace_id, name, numbers),
    ).fetchone()[0]
    return last


def _newest(tx: Tx, table: str) -> int:
    workspace, found = Workspace.of(tx.by), None
    (found,) = tx.connection.execute(
        f"SELECT max(seq) FROM {quoted(table)} WHERE seq BETWEEN ? AND ?", (workspace.first, workspace.last)
    ).fetchone()
    return workspace.first if found is None else found
