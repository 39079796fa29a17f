"""For whom the activities of a record were done: how many of them for each address.

So a delete of one activity shows whether another has the same address, however many there are.
"""

from collections.abc import Mapping

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx


def count(tx: Tx, workspace_id: str, record_id: str, times: Mapping[str, int]) -> bool:
    """Count so many activities more, or fewer, for each address; tell whether the record's addresses are others now."""
    is_other = False
    for address, by in sorted(times.items()):
        key = (workspace_id, record_id, address)
        if by:
            (left,) = tx.connection.execute(
                "INSERT INTO activity_addresses (workspace_id, record_id, address, times) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (workspace_id, record_id, address) "
                "DO UPDATE SET times = activity_addresses.times + excluded.times RETURNING times",
                (*key, by),
            ).fetchone()
            is_other = is_other or left in (by, 0)
            if left == 0:
                tx.connection.execute(
                    "DELETE FROM activity_addresses WHERE workspace_id = ? AND record_id = ? AND address = ?", key
                )
    return is_other


def first(connection: Connection, workspace_id: str, record_id: str, most: int) -> list[str]:
    """Return up to `most` addresses of a record, sorted."""
    rows = connection.execute(
        "SELECT address FROM activity_addresses WHERE workspace_id = ? AND record_id = ? "
        f"ORDER BY address {connection.dialect.limit}",
        (workspace_id, record_id, most),
    ).fetchall()
    return [address for (address,) in rows]


def forget(tx: Tx, record_id: str) -> None:
    """Drop what was counted of a record that is deleted."""
    tx.connection.execute(
        "DELETE FROM activity_addresses WHERE workspace_id = ? AND record_id = ?", (tx.by.workspace_id, record_id)
    )
