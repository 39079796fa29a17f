"""What records show of their activities: how many, and when the newest took place.

Stored on the record and updated with each activity.
"""

from crmkit.model.record import Kind
from crmkit.storage.columns import quoted
from crmkit.storage.interface.tx import Tx


def add(tx: Tx, kind: Kind, id: str, newest_at: str, times: int = 1) -> None:
    """Count activities more on a record, of which the newest took place then."""
    newest = tx.connection.dialect.greatest.format("coalesce(last_activity_at, ''), ?")
    tx.connection.execute(
        f"UPDATE {quoted(kind.plural)} SET activities = activities + ?, "
        f"last_activity_at = {newest} WHERE workspace_id = ? AND id = ?",
        (times, newest_at, tx.by.workspace_id, id),
    )


def drop(tx: Tx, kind: Kind, id: str, times: int = 1) -> None:
    """Count activities that are gone from a record; the newest is looked up by index."""
    workspace, link = tx.by.workspace_id, quoted(kind.activity_link)
    tx.connection.execute(
        f"UPDATE {quoted(kind.plural)} SET activities = activities - ?, last_activity_at = "
        f"(SELECT max(a.occurred_at) FROM activities AS a WHERE a.workspace_id = ? AND a.{link} = ?) "
        "WHERE workspace_id = ? AND id = ?",
        (times, workspace, id, workspace, id),
    )
