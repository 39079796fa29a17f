"""The end of a workspace: no table keeps a row of it, and after upkeep no byte of the file does.

Deleted rows are overwritten (`secure_delete`). Two places keep bytes longer: the search index, which only marks
what is gone until its segments are merged, and the write-ahead log, until it begins anew. `erase` notes in its own
transaction that this is due, so it is done after a crash as well.
"""

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace

# in an order that no foreign key minds; a test scans every table for what is left
OWNED = (
    "activities",
    "deals",
    "contacts",
    "companies",
    "audit",
    "deleted",
    "counts",
    "confirmations",
    "invites",
    "grants",
    "tokens",
    "memberships",
)


def erase(tx: Tx, workspace: Workspace) -> int:
    """Delete every row of a workspace and return how many there were."""
    execute = tx.connection.execute
    rows = sum(execute(f"DELETE FROM {table} WHERE workspace_id = ?", (workspace.id,)).rowcount for table in OWNED)
    rows += tx.connection.texts.erase(tx, workspace)
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
