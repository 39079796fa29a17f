"""Records that wait to be paired: those that were there before pairs were kept, or are read in another country now.

A workspace has a row for each kind, which says how far its records are paired.
"""

from msgspec import Struct

from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace

ROWS = 100  # that a step looks at: some milliseconds

_FIND = (
    "SELECT u.workspace_id, w.number, w.country, u.kind, u.last FROM unpaired AS u "
    "JOIN workspaces AS w ON w.id = u.workspace_id"
)


class Unpaired(Struct, frozen=True):
    """The records of a kind, named by its plural, in a workspace; those up to the row `last` are paired."""

    workspace: Workspace
    country: str
    plural: str
    last: int


def first(connection: Connection) -> Unpaired | None:
    """Return the first records that are not paired, None where all are."""
    row = connection.execute(f"{_FIND} {connection.dialect.limit}", (1,)).fetchone()
    if row is None:
        return None
    id, number, country, plural, last = row
    return Unpaired(Workspace(id, number), country or "", plural, last)


def add(tx: Tx, workspace_id: str, plural: str) -> None:
    """Have all records of a kind paired again."""
    tx.connection.execute(
        "INSERT INTO unpaired (workspace_id, kind, last) VALUES (?, ?, 0) "
        "ON CONFLICT (workspace_id, kind) DO UPDATE SET last = 0",
        (workspace_id, plural),
    )


def rows_of(connection: Connection, kind: Kind, left: Unpaired) -> list[tuple[int, Record]]:
    """Return the next rows that are not paired: each row's number, and its record."""
    rows = Statement(
        f"SELECT {whole(connection.dialect, kind)} FROM {quoted(kind.plural)} AS r "
        "WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq",
        (max(left.last, left.workspace.first), left.workspace.last),
    )
    found = (rows + at_most(connection.dialect, ROWS)).run(connection).fetchall()
    return [(seq, records.shown(kind, packed)) for packed, seq in found]


def note(tx: Tx, left: Unpaired, last: int | None) -> None:
    """Note that the records up to this row are paired; None says that all are."""
    key = (left.workspace.id, left.plural)
    if last is None:
        tx.connection.execute("DELETE FROM unpaired WHERE workspace_id = ? AND kind = ?", key)
    else:
        tx.connection.execute("UPDATE unpaired SET last = ? WHERE workspace_id = ? AND kind = ?", (last, *key))
