"""The texts compared with the records that they are of."""

from collections.abc import Iterator

from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.examining.mismatch import Mismatch
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, within
from crmkit.storage.search.texts import texts

ROWS = 200  # records that are compared in one moment


def compare(connection: Connection, kind: Kind, workspace: Workspace, after: int) -> tuple[list[Mismatch], int | None]:
    """Return what is wrong with the texts of the next records after a number, and that of the last, None at the end."""
    rows = _rows(connection, kind, workspace, after)
    last = rows[-1][1] if len(rows) == ROWS else workspace.last
    (country,) = connection.execute("SELECT country FROM workspaces WHERE id = ?", (workspace.id,)).fetchone() or ("",)
    sql = f"SELECT seq, title, text FROM {kind.plural}_texts WHERE seq > ? AND seq <= ? AND text IS NOT NULL"
    kept = {seq: (title, text) for seq, title, text in connection.execute(sql, (after, last)).fetchall()}
    wrong = list[Mismatch]()
    for packed, seq in rows:
        record = records.shown(kind, packed)
        title, rest = texts(kind, record, getattr(record, "country", None) or country)
        if kept.pop(seq, None) != (title, f"{title}\n{rest}"):
            wrong.append(Mismatch(f"{workspace.id} {record.handle} is not found by what it holds"))
    wrong += [
        Mismatch(f"{workspace.id}: the text of a {kind.name} that is gone, number {within(seq)}", is_trace=True)
        for seq in sorted(kept)
    ]
    return wrong, last if len(rows) == ROWS else None


def all_records(tx: Tx, kind: Kind) -> Iterator[list[tuple[int, Record | None]]]:
    """Yield all records of a kind with their numbers, some at a time; `tx` has the country of those meanwhile."""
    for id, number, country in tx.connection.execute("SELECT id, number, country FROM workspaces").fetchall():
        tx.country = country
        workspace = Workspace(id, number)
        after: int | None = workspace.first
        while after is not None:
            rows = _rows(tx.connection, kind, workspace, after)
            yield [(seq, records.shown(kind, packed)) for packed, seq in rows]
            after = rows[-1][1] if len(rows) == ROWS else None


def _rows(connection: Connection, kind: Kind, workspace: Workspace, after: int) -> list[tuple[str, int]]:
    sql = (
        f"SELECT {whole(connection.dialect, kind)} FROM {quoted(kind.plural)} AS r "
        "WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq"
    )
    statement = Statement(sql, (after, workspace.last)) + at_most(connection.dialect, ROWS)
    found: list[tuple[str, int]] = statement.run(connection).fetchall()
    return found
