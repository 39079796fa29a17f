"""The end of a workspace: no table keeps a row of it, and after upkeep no byte of the file does; of other rows too.

Two places may keep bytes longer than the rows: the index of texts, until it is merged, and the log of the database,
until it is emptied. `erase` notes in its own transaction that both are due, so upkeep does them after a crash as well.
"""

from crmkit.model.record import Kinds
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import seals
from crmkit.storage.log.chain import Chain
from crmkit.storage.workspaces import owned


def erase(tx: Tx, kinds: Kinds, chain: Chain, workspace: Workspace) -> int:
    """Delete every row of a workspace and return how many there were."""
    execute = tx.connection.execute
    rows = sum(
        execute(f"DELETE FROM {quoted(table.name)} WHERE workspace_id = ?", (workspace.id,)).rowcount
        for table in owned.tables(kinds)
    )
    rows += tx.connection.texts.erase(tx, kinds, workspace)
    seals.forget(tx, chain, workspace)
    execute(f"DELETE FROM codes WHERE {tx.connection.dialect.contains.format('purpose', '?')}", (workspace.id,))
    execute("DELETE FROM workspaces WHERE id = ?", (workspace.id,))
    begin(tx)
    return rows


def begin(tx: Tx) -> int:
    """Note that rows were deleted of which no byte may stay, and return the number that `finish` is given then."""
    number: int = tx.connection.execute("INSERT INTO erasures (at) VALUES (?) RETURNING number", (tx.now,)).fetchone()[
        0
    ]
    return number


def is_pending(connection: Connection, number: int) -> bool:
    """Tell whether bytes of the erasure of a number may still be somewhere."""
    return connection.execute("SELECT 1 FROM erasures WHERE number = ?", (number,)).fetchone() is not None


def pending(connection: Connection) -> int:
    """Return the number of the newest erasure whose bytes may still be somewhere, 0 when there is none."""
    newest: int = connection.execute("SELECT coalesce(max(number), 0) FROM erasures").fetchone()[0]
    return newest


def finish(tx: Tx, upto: int) -> None:
    """Note that nothing is left of the erasures up to this number."""
    tx.connection.execute("DELETE FROM erasures WHERE number <= ?", (upto,))
