"""Records that wait to be paired: those that were there before pairs were kept, or are read in another country now; and
those with accents that were there before records were looked up without.

A workspace has a row for each kind, which says how far its records are paired: in `unpaired` where all wait, in
`unfilled` where those with accents do.
"""

from collections.abc import Sequence

from msgspec import Struct

from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.columns import columns_of, quoted, whole
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace

ROWS = 100  # that a step pairs: some milliseconds
ROWS_READ = 300  # that it looks at where it pairs few of them

_FIND = " UNION ALL ".join(
    f"SELECT u.workspace_id, w.number, w.country, u.kind, u.last, {accents} FROM {table} AS u "
    "JOIN workspaces AS w ON w.id = u.workspace_id"
    for table, accents in (("unpaired", 0), ("unfilled", 1))
)


class Unpaired(Struct, frozen=True):
    """The records of a kind, named by its plural, in a workspace; those up to the row `last` are paired.

    Of those after it all wait, or only those with `accents`.
    """

    workspace: Workspace
    country: str
    plural: str
    last: int
    accents: bool

    @property
    def table(self) -> str:
        return "unfilled" if self.accents else "unpaired"


def first(connection: Connection) -> Unpaired | None:
    """Return the first records that are not paired, None where all are."""
    row = connection.execute(f"{_FIND} {connection.dialect.limit}", (1,)).fetchone()
    if row is None:
        return None
    id, number, country, plural, last, accents = row
    return Unpaired(Workspace(id, number), country or "", plural, last, bool(accents))


def add(tx: Tx, workspace_id: str, plural: str) -> None:
    """Have all records of a kind paired again."""
    tx.connection.execute(
        "INSERT INTO unpaired (workspace_id, kind, last) VALUES (?, ?, 0) "
        "ON CONFLICT (workspace_id, kind) DO UPDATE SET last = 0",
        (workspace_id, plural),
    )


def rows_of(connection: Connection, kind: Kind, left: Unpaired) -> list[tuple[int, Record]]:
    """Return the next rows: each row's number, and its record."""
    rows = Statement(
        f"SELECT {whole(connection.dialect, kind)} FROM {quoted(kind.plural)} AS r "
        "WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq",
        (max(left.last, left.workspace.first), left.workspace.last),
    )
    found = (rows + at_most(connection.dialect, ROWS_READ if left.accents else ROWS)).run(connection).fetchall()
    return [(seq, records.shown(kind, packed)) for packed, seq in found]


def fill(tx: Tx, kind: Kind, rows: Sequence[tuple[int, Record]]) -> list[Record]:
    """Write the columns without accents of these rows, and return the records where these differ."""
    names = [field.plain for field in kind.accented]
    sets, found = ", ".join(f"{quoted(name)} = ?" for name in names), []
    for seq, record in rows:
        columns = columns_of(kind, {field.name: getattr(record, field.name) for field in kind.accented})
        values = [columns[name] for name in names]
        if any(value is not None for value in values):
            tx.connection.execute(f"UPDATE {quoted(kind.plural)} SET {sets} WHERE seq = ?", (*values, seq))
            found.append(record)
    return found


def note(tx: Tx, left: Unpaired, last: int | None) -> None:
    """Note that the records up to this row are paired; None says that all are."""
    key = (left.workspace.id, left.plural)
    if last is None:
        tx.connection.execute(f"DELETE FROM {left.table} WHERE workspace_id = ? AND kind = ?", key)
    else:
        tx.connection.execute(f"UPDATE {left.table} SET last = ? WHERE workspace_id = ? AND kind = ?", (last, *key))
