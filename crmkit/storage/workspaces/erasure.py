"""The end of a workspace: no table keeps a row of it, and after upkeep no byte of the file does.

Two places may keep bytes longer than the rows: the index of texts, until it is merged, and the log of the database,
until it is emptied. `erase` notes in its own transaction that both are due, so upkeep does them after a crash as well.
"""

from crmkit.model.record import Kinds
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.workspaces import owned


def erase(tx: Tx, kinds: Kinds, workspace: Workspace) -> int:
    """Delete every row of a workspace and return how many there were."""
    execute = tx.connection.execute
    rows = sum(
        execute(f"DELETE FROM {quoted(table.name)} WHERE workspace_id = ?", (workspace.id,)).rowcount
        for table in owned.tables(kinds)
    )
    rows += tx.connection.texts.erase(tx, kinds, workspace)
    execute(f"DELETE FROM codes WHERE {tx.connection.dialect.contains.format('purpose', '?')}", (workspace.id,))
    execute("DELETE FROM workspaces WHERE id = ?", (workspace.id,))
    execute("INSERT INTO erasures (at) VALUES (?)", (tx.now,))
    return rows


def pending(connection: Connection) -> int:
    """Return the number of the newest erasure whose bytes may still be somewhere, 0 when there is none."""
    newest: int = connection.execute("SELECT coalesce(max(number), 0) FROM erasures").fetchone()[0]
    return newest


def finish(tx: Tx, upto: int) -> None:
    """Note that nothing is left of the erasures up to this number."""
    tx.connection.execute("DELETE FROM erasures WHERE number <= ?", (upto,))
