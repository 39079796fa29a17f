"""Row numbers: a workspace's number leads them (`number << 32 | n`), so that its rows lie together, in their order."""

from crmkit.storage.tx import Tx


def take(tx: Tx, table: str, rows: int = 1) -> int:
    """Return the number of the first of so many new rows of the actor's workspace; the others follow it."""
    place = (table, tx.by.workspace_number)
    last = tx.known.last.get(place)
    if last is None:
        last = _newest(tx, table, before_first(tx))
    tx.known.last[place] = last + rows
    return last + 1


def before_first(tx: Tx) -> int:
    """Return the number before that of the workspace's first row."""
    return tx.by.workspace_number << 32


def _newest(tx: Tx, table: str, first: int) -> int:
    found: int | None
    (found,) = tx.connection.execute(
        f"SELECT max(seq) FROM {table} WHERE seq BETWEEN ? AND ?", (first, first | 0xFFFFFFFF)
    ).fetchone()
    return first if found is None else found
