"""What records show of their activities: how many, the newest, contacts made, for whom.

A call, email or meeting is a contact made once it has taken place. One that is dated ahead waits in a table of its own,
and upkeep counts it when its time has come: whether it is counted is known from that table alone, whatever the clock.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from crmkit.model.record import Kind, Kinds, Record
from crmkit.records.activity import CONTACTS
from crmkit.storage import records
from crmkit.storage.derived import addresses, ahead, tallies
from crmkit.storage.derived.tallies import Tally
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

AT_ONCE = 200  # activities counted in one transaction: some milliseconds

Change = tuple[Record | None, Record | None]  # before and after
Place = tuple[Kind, str]  # kind and id of a record


class _Shown(Struct, frozen=True):
    """What records show of an activity, and which do."""

    id: str = ""
    places: tuple[Place, ...] = ()
    at: str | None = None
    is_contact: bool = False
    address: str | None = None

    def on(self, place: Place, value: str | None) -> str | None:
        """Return the value if the activity shows on the record at this place, else None."""
        return value if place in self.places else None


def links(kinds: Kinds, activity: Record) -> Iterator[Place]:
    """Yield (kind, id) of every record that the activity links to, first the one that it belongs to."""
    for kind in kinds.linking_first:
        id = getattr(activity, kind.activity_link, None)
        if id is not None:
            yield kind, id


def follow(tx: Tx, kinds: Kinds, changes: Iterable[Change]) -> None:
    """Write what follows from changes to activities on the records that they link to, or linked to before."""
    workspace_id = tx.by.workspace_id
    found: defaultdict[Place, Tally] = defaultdict(Tally)
    for before, after in changes:
        was, now = _shown(kinds, before), _shown(kinds, after)
        if was == now:
            continue
        is_new = before is None and after is not None and records.version_of(after) == 1  # no restored one
        contact_was, contact_now = _contacts(tx, was, now)
        for place in dict.fromkeys((*was.places, *now.places)):
            tally = found[place]
            tally.all.note(was.on(place, was.at), now.on(place, now.at))
            tally.contacts.note(was.on(place, contact_was), now.on(place, contact_now))
            tally.address(was.on(place, was.address), now.on(place, now.address))
            if is_new:
                tally.reached_at = tx.now
    for (kind, id), tally in found.items():
        tallies.write(tx, workspace_id, kind, id, tally, CONTACTS)


def delete_or_unlink(tx: Tx, kinds: Kinds, kind: Kind, record: Record) -> None:
    """Delete the activities that belong to a record about to be deleted; remove the links of others to it."""
    linked = records.linked(tx.connection, kinds.activity, tx.by.workspace_id, kind.activity_link, record.id)
    gone = [activity for activity in linked if next(links(kinds, activity)) == (kind, record.id)]
    for activity in gone:
        records.put(tx, kinds.activity, activity, None)  # all are counted below at once, not one by one
    follow(tx, kinds, ((activity, None) for activity in gone))
    # the others lose the link to the record that goes, and no other record shows anything else for it
    records.relink(tx, kinds.activity, kind.activity_link, record.id, None)
    addresses.forget(tx, record.id)


def is_due(connection: Connection, now: str) -> bool:
    """Tell whether an activity that was dated ahead has taken place and is not counted."""
    return bool(ahead.due(connection, now))


def count_due(tx: Tx, kinds: Kinds) -> bool:
    """Count activities whose time has come, as many as one transaction should; tell whether there may be more."""
    first = ahead.due(tx.connection, tx.now, AT_ONCE)
    entered = {workspace_id for workspace_id, _ in first}
    tx.enter(*entered)
    due = [one for one in ahead.due(tx.connection, tx.now, AT_ONCE) if one[0] in entered]  # as nobody else changes it
    found: defaultdict[tuple[str, Place], Tally] = defaultdict(Tally)
    for workspace_id, id in due:
        ahead.forget(tx, workspace_id, id)
        shown = _shown(kinds, records.fetch(tx.connection, kinds.activity, workspace_id, id))
        for place in shown.places:
            found[workspace_id, place].contacts.note(None, shown.at)
    for (workspace_id, (kind, id)), tally in found.items():
        tallies.write(tx, workspace_id, kind, id, tally, CONTACTS)
    return len(first) == AT_ONCE


def _shown(kinds: Kinds, activity: Any) -> _Shown:
    if activity is None:
        return _Shown()
    is_contact = activity.kind in CONTACTS
    return _Shown(activity.id, tuple(links(kinds, activity)), activity.occurred_at, is_contact, activity.on_behalf_of)


def _contacts(tx: Tx, was: _Shown, now: _Shown) -> tuple[str | None, str | None]:
    """Return when the contact took place that an activity counted as, and the one that it counts as now.

    None where it is no contact, or one that waits for its time.
    """
    workspace_id, id = tx.by.workspace_id, was.id or now.id
    if was.is_contact and now.is_contact and was.at == now.at:
        at = None if ahead.waits(tx.connection, workspace_id, id) else now.at
        return at, at
    counted = was.is_contact and not ahead.forget(tx, workspace_id, id)
    if now.is_contact and now.at is not None and now.at > tx.now:
        ahead.add(tx, workspace_id, id, now.at)
        return was.at if counted else None, None
    return was.at if counted else None, now.at if now.is_contact else None
