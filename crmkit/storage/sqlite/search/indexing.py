"""Texts into the index: queued by the transaction of a write, indexed in batches later, merged when nobody writes."""

from collections.abc import Iterable
from itertools import accumulate
from typing import TYPE_CHECKING, cast

from crmkit.model.fields import MAX_INTEGER
from crmkit.model.record import Kind, Record
from crmkit.storage.columns import country_of
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.search.texts import texts
from crmkit.storage.sqlite.dialect import DIALECT
from crmkit.storage.sqlite.search import trigrams, vocabulary

if TYPE_CHECKING:
    from crmkit.storage.sqlite.engine.connection import SqliteConnection

MOST_AT_ONCE = 400  # texts indexed in one transaction
MOST_LETTERS = 20_000  # and how long they may be together, unless one alone is longer: other writes wait meanwhile
MERGED = 64  # pages of the index (of 4 KB) merged in one transaction: some milliseconds
SCATTERED = 256  # pages outside the largest segment that are never too many


def queue(tx: Tx, kind: Kind, rows: Iterable[tuple[int, Record | None]]) -> None:
    """Queue for the index the text of the record that each row holds now (None: deleted)."""
    sql = (
        f"INSERT INTO {kind.plural}_unindexed (seq, title, rest) VALUES (?, ?, ?) "
        "ON CONFLICT (seq) DO UPDATE SET title = excluded.title, rest = excluded.rest"
    )
    for seq, record in rows:
        tx.add_row(sql, (seq, *((None, None) if record is None else texts(kind, record, country_of(tx, record)))))


def waits(connection: Connection, kind: Kind, workspace: Workspace | None = None) -> bool:
    """Tell whether a text of this kind, in this workspace or in any, waits to be indexed."""
    first, last = (0, MAX_INTEGER) if workspace is None else (workspace.first, workspace.last)
    sql = f"SELECT 1 FROM {kind.plural}_unindexed WHERE seq BETWEEN ? AND ? LIMIT 1"
    return connection.execute(sql, (first, last)).fetchone() is not None


def index(tx: Tx, kind: Kind) -> bool:
    """Move queued texts, as many as one transaction should, into the index, and tell whether more wait."""
    execute = tx.connection.execute
    known, waiting, postings = f"{kind.plural}_texts", f"{kind.plural}_unindexed", f"{kind.plural}_search"
    queued = execute(
        "SELECT u.seq, u.title, u.rest, t.title, t.rest "
        f"FROM {waiting} AS u LEFT JOIN {known} AS t ON t.place = -u.seq "
        f"ORDER BY u.seq {DIALECT.limit}",
        (MOST_AT_ONCE,),
    ).fetchall()
    if not queued:
        return False
    lengths = accumulate(sum(map(len, filter(None, row[1:]))) for row in queued)
    noted = queued[: 1 + sum(length < MOST_LETTERS for length in lengths)]
    upto = (noted[-1][0],)
    gone = [(-row[0],) for row in noted if row[3] is not None]
    # FTS5 reads the old text to delete its entries, so the index goes first
    tx.connection.executemany(f"DELETE FROM {postings} WHERE rowid = ?", gone)
    tx.connection.executemany(f"DELETE FROM {known} WHERE place = ?", gone)
    come = [
        (-seq, title, rest, trigrams.coded(f"{title}\n{rest}"))
        for seq, title, rest, *_ in noted[::-1]
        if title is not None
    ]
    for table, key in ((known, "place"), (postings, "rowid")):
        tx.connection.executemany(f"INSERT INTO {table} ({key}, title, rest, codes) VALUES (?, ?, ?, ?)", come)
    execute(f"DELETE FROM {waiting} WHERE seq <= ?", upto)
    vocabulary.count(tx, kind, noted)
    return len(noted) < len(queued) or len(queued) == MOST_AT_ONCE


def is_scattered(connection: Connection, kind: Kind) -> bool:
    """Tell whether so much was written since the index was merged as a whole that this is worth doing again.

    Each trigram is looked up in every segment. FTS5 merges segments by level, whatever their size; left alone, a few
    hundred writes could copy a gigabyte.
    """
    pages = f"SELECT max(pgno) / 2 AS pages FROM {kind.plural}_search_idx GROUP BY segid"
    largest, every = connection.execute(f"SELECT max(pages), sum(pages) FROM ({pages}) AS q").fetchone()
    return largest is not None and every - largest > max(largest // 4, SCATTERED)


def merge(tx: Tx, kind: Kind, is_whole: bool) -> bool:
    """Merge some segments of the index, or of all of it, by a few pages; tell whether there may be more to merge."""
    connection = cast("SqliteConnection", tx.connection)
    before = connection.total_changes
    postings, pages = f"{kind.plural}_search", -MERGED if is_whole else MERGED
    connection.execute(f"INSERT INTO {postings} ({postings}, rank) VALUES ('merge', {pages})")
    return connection.total_changes - before > 1  # the command itself is one
