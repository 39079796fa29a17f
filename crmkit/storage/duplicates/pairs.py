"""Pairs of records that are likely one, as they were found.

They follow from the records, so none is logged. A pair may outlive its reason: whoever reads it looks again.
"""

from collections.abc import Iterable, Sequence

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

MOST = 100  # pairs of one record, after which it is paired with no more

Pair = tuple[str, str]  # ids of two records of a kind, in the order of the alphabet

_OF_ONE = (
    "SELECT b FROM likely_duplicates WHERE workspace_id = ? AND a = ? UNION ALL "
    "SELECT a FROM likely_duplicates WHERE workspace_id = ? AND b = ?"
)
_INSERT = (
    "INSERT INTO likely_duplicates (workspace_id, kind, a, b, at) SELECT ?, ?, ?, ?, ? "
    "WHERE NOT EXISTS (SELECT 1 FROM dismissals AS d WHERE d.workspace_id = ? AND d.a = ? AND d.b = ?) "
    "ON CONFLICT (workspace_id, a, b) DO NOTHING"
)
_PAGE = (
    "SELECT a, b, at FROM likely_duplicates WHERE workspace_id = ? AND kind = ?{after} "
    "ORDER BY at DESC, a DESC, b DESC {limit}"
)


def pair_of(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def add(tx: Tx, workspace_id: str, plural: str, one: str, others: Iterable[str], at: str) -> None:
    """Pair a record with each of the others, unless somebody said that they are two."""
    for other in others:
        key = pair_of(one, other)
        tx.connection.execute(_INSERT, (workspace_id, plural, *key, at, workspace_id, *key))


def has_room(connection: Connection, workspace_id: str, id: str) -> bool:
    """Tell whether a record may have one more pair."""
    key = (workspace_id, id, workspace_id, id)
    return len(connection.execute(f"{_OF_ONE} {connection.dialect.limit}", (*key, MOST)).fetchall()) < MOST


def forget(tx: Tx, workspace_id: str, id: str) -> list[str]:
    """Drop the pairs of a record, and return the ids of those that it was paired with, MOST at most."""
    key = (workspace_id, id)
    found = tx.connection.execute(_OF_ONE, key * 2).fetchall()
    for side in ("a", "b") if found else ():
        tx.connection.execute(f"DELETE FROM likely_duplicates WHERE workspace_id = ? AND {side} = ?", key)
    return [other for (other,) in found[:MOST]]


def drop(tx: Tx, workspace_id: str, pair: Pair) -> None:
    """Drop one pair."""
    sql = "DELETE FROM likely_duplicates WHERE workspace_id = ? AND a = ? AND b = ?"
    tx.connection.execute(sql, (workspace_id, *pair))


def page(
    connection: Connection, workspace_id: str, plural: str, position: Sequence[str], most: int, since: str = ""
) -> list[tuple[str, str, str]]:
    """Return (id, id, when found) of pairs, those found last first, after this position: (when found, id, id).

    With `since`, only those that were found at that time or later.
    """
    after = (" AND (at, a, b) < (?, ?, ?)" if position else "") + (" AND at >= ?" if since else "")
    sql = _PAGE.format(after=after, limit=connection.dialect.limit)
    return connection.execute(sql, (workspace_id, plural, *position, *filter(None, (since,)), most)).fetchall()


def count(connection: Connection, workspace_id: str, plural: str, most: int) -> int:
    """Return how many pairs there are, counted up to `most`."""
    rows = f"SELECT 1 FROM likely_duplicates WHERE workspace_id = ? AND kind = ? {connection.dialect.limit}"
    found: int = connection.execute(f"SELECT count(*) FROM ({rows}) AS q", (workspace_id, plural, most)).fetchone()[0]
    return found
