"""The texts and their index compared with the records, and both made anew."""

from collections.abc import Iterator

from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.examining.mismatch import Mismatch
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, within
from crmkit.storage.search.texts import texts
from crmkit.storage.sqlite.search import indexing

ROWS = 200  # records that are compared in one moment, of which the index is asked for one
_SHORTEST = 3  # letters that the index of trigrams can be asked for


def compare(connection: Connection, kind: Kind, workspace: Workspace, after: int) -> tuple[list[Mismatch], int | None]:
    """Return what is wrong with the texts of the next records after a number, and that of the last, None at the end."""
    country, rows = _country(connection, workspace), _rows(connection, kind, workspace, after)
    seqs = [seq for _, seq in rows]
    last = seqs[-1] if len(rows) == ROWS else workspace.last
    span, known, waiting = (after, last), f"{kind.plural}_texts", f"{kind.plural}_unindexed"
    sql = f"SELECT -place, title, rest FROM {known} WHERE place < ? AND place >= ?"
    indexed = {seq: found for seq, *found in connection.execute(sql, (-after, -last)).fetchall()}
    sql = f"SELECT seq, title, rest FROM {waiting} WHERE seq > ? AND seq <= ?"
    queued = {seq: found for seq, *found in connection.execute(sql, span).fetchall()}
    wrong, asked = list[Mismatch](), False
    for packed, seq in rows:
        record = records.shown(kind, packed)
        expected = [*texts(kind, record, getattr(record, "country", None) or country)]
        if queued.get(seq, indexed.get(seq)) != expected:
            wrong.append(Mismatch(f"{workspace.id} {record.handle} is not found by what it holds"))
        elif not asked and seq not in queued and len(expected[0]) > _SHORTEST:
            asked = True
            if not _is_found(connection, kind, seq, expected[0]):
                wrong.append(Mismatch(f"{workspace.id} {record.handle} is not in the index"))
    surplus = indexed.keys() - queued.keys() - {*seqs}
    wrong += [
        Mismatch(f"{workspace.id}: the text of a {kind.name} that is gone, number {within(seq)}", is_trace=True)
        for seq in sorted(surplus)
    ]
    return wrong, last if len(rows) == ROWS else None


def rebuild(tx: Tx, kind: Kind) -> None:
    """Drop all texts of a kind, and queue those of all its records."""
    execute, postings = tx.connection.execute, f"{kind.plural}_search"
    execute(f"INSERT INTO {postings} ({postings}) VALUES ('delete-all')")
    for table in (f"{kind.plural}_texts", f"{kind.plural}_unindexed"):
        execute(f"DELETE FROM {table}")
    for id, number, country in execute("SELECT id, number, country FROM workspaces").fetchall():
        tx.country = country
        for rows in _pages(tx.connection, kind, Workspace(id, number)):
            indexing.queue(tx, kind, [(seq, records.shown(kind, packed)) for packed, seq in rows])


def _pages(connection: Connection, kind: Kind, workspace: Workspace) -> Iterator[list[tuple[str, int]]]:
    after: int | None = workspace.first
    while after is not None:
        rows = _rows(connection, kind, workspace, after)
        yield rows
        after = rows[-1][1] if len(rows) == ROWS else None


def _rows(connection: Connection, kind: Kind, workspace: Workspace, after: int) -> list[tuple[str, int]]:
    sql = (
        f"SELECT {whole(connection.dialect, kind)} FROM {quoted(kind.plural)} AS r "
        "WHERE r.seq > ? AND r.seq <= ? ORDER BY r.seq"
    )
    found: list[tuple[str, int]] = (
        (Statement(sql, (after, workspace.last)) + at_most(connection.dialect, ROWS)).run(connection).fetchall()
    )
    return found


def _country(connection: Connection, workspace: Workspace) -> str:
    row = connection.execute("SELECT country FROM workspaces WHERE id = ?", (workspace.id,)).fetchone()
    return row[0] if row else ""


def _is_found(connection: Connection, kind: Kind, seq: int, title: str) -> bool:
    """Tell whether the index finds a record by its title."""
    phrase = '"' + title.replace('"', '""') + '"'
    sql = f"SELECT 1 FROM {kind.plural}_search WHERE {kind.plural}_search MATCH ? AND rowid = ?"
    return connection.execute(sql, (phrase, -seq)).fetchone() is not None
