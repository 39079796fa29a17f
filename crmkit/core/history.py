"""What activities mean for the records they are logged on.

An activity belongs to the record it was logged on: its deal, else its contact, else its company. It goes when that one
goes; a record that it only carries along (the contact and company of its deal) just loses the link.
"""

from collections import Counter
from collections.abc import Iterator

from crmkit.model.record import Kind, Record
from crmkit.records import ACTIVITY, COMPANY, CONTACT, DEAL
from crmkit.storage import activities, records
from crmkit.storage.tx import Tx

HOMES = (DEAL, CONTACT, COMPANY)  # whom an activity belongs to: the first that it links to


def links(activity: Record) -> Iterator[tuple[Kind, str]]:
    """Yield (kind, id) of every record the activity is about, the one it belongs to first."""
    for kind in HOMES:
        id = getattr(activity, f"{kind.name}_id")
        if id is not None:
            yield kind, id


def add(tx: Tx, activity: Record) -> None:
    """Let every record that the activity is about show it."""
    for kind, id in links(activity):
        activities.add(tx, kind, id, activity.occurred_at)  # type: ignore[attr-defined]


def remove(tx: Tx, activity: Record) -> None:
    """Delete the activity, and let the records it was about no longer show it."""
    records.remove(tx, ACTIVITY, activity)
    for kind, id in links(activity):
        activities.drop(tx, kind, id)


def leave(tx: Tx, kind: Kind, record: Record) -> None:
    """Delete the activities that belong to a record that is about to go, and unlink those it is only carried by."""
    gone: Counter[tuple[Kind, str]] = Counter()
    for activity in records.linked(tx.connection, ACTIVITY, tx.by.workspace_id, f"{kind.name}_id", record.id):
        home, *carried = links(activity)
        if home == (kind, record.id):
            records.remove(tx, ACTIVITY, activity)
            gone.update(carried)
    activities.let_go(tx, kind, record.id)
    for (other, id), times in gone.items():
        activities.drop(tx, other, id, times)
