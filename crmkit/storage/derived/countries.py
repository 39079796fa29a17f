"""What fields mean in the country of a workspace, read anew for a few records at a time."""

from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace

ROWS = 100  # that a step reads anew: some milliseconds


def read_anew(tx: Tx, kind: Kind, workspace: Workspace, last: int) -> int | None:
    """Write keys and texts of search of the next rows after the one numbered `last`: no version, no audit entry.

    Return the number of the last row; None after the last one there is.
    """
    found = tx.connection.execute("SELECT country FROM workspaces WHERE id = ?", (workspace.id,)).fetchone()
    if found is None:
        return None
    tx.country = found[0]
    has_any = " OR ".join(f"r.{quoted(field.name)} IS NOT NULL" for field in kind.by_country)
    rows = Statement(
        f"SELECT {whole(tx.connection.dialect, kind)} FROM {quoted(kind.plural)} AS r "
        f"WHERE r.seq > ? AND r.seq <= ? AND ({has_any}) ORDER BY r.seq",
        (last, workspace.last),
    )
    packed = (rows + at_most(tx.connection.dialect, ROWS)).run(tx.connection).fetchall()
    records.follow_country(tx, kind, [(seq, records.shown(kind, row)) for row, seq in packed])
    return packed[-1][1] if len(packed) == ROWS else None
