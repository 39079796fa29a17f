"""The verbs of activities: log one, list them, delete one.

An activity belongs to one record: its deal, else its contact, else its company, and is deleted with that record. An
activity on a deal also links to the deal's contact and company; when one of those is deleted, it loses the link.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from crmkit.core import lookup
from crmkit.core.crm import Crm
from crmkit.core.reading import feeds
from crmkit.core.records import quotas
from crmkit.model.actor import Actor
from crmkit.model.listing import Listing
from crmkit.model.record import Kind, Record
from crmkit.records import ACTIVITY, COMPANY, CONTACT, DEAL
from crmkit.storage import activity_counts, records
from crmkit.storage.interface.tx import Tx

HOMES = (DEAL, CONTACT, COMPANY)  # an activity belongs to the record of the first of these that it links to

FILTERS = {
    "contact": "contact_id=in:",
    "company": "company_id=in:",
    "deal": "deal_id=in:",
    "kind": "kind=in:",
    "on_behalf_of": "on_behalf_of=in:",
    "since": "occurred_at=gte:",
    "until": "occurred_at=lt:",
}


async def log(crm: Crm, actor: Actor, kind: Kind, id: str, body: Mapping[str, Any]) -> Record:
    """Return the new activity on a record; on a deal it also links to the deal's contact and company."""
    bare = lookup.bare(kind, id)
    values = ACTIVITY.draft(body)
    ACTIVITY.check_required(values)

    def unit(tx: Tx) -> Record:
        about = lookup.existing(tx.connection, kind, tx.by.workspace_id, bare)
        links = {f"{kind.name}_id": about.id}
        if kind is DEAL:
            links |= {name: getattr(about, name) for name in ("contact_id", "company_id")}
        quotas.check(tx, crm.settings, ACTIVITY.plural)
        at = values.get("occurred_at") or tx.now
        activity = records.insert(tx, ACTIVITY, {**values, **links, "occurred_at": at})
        count_on_records(tx, activity)
        return activity

    return await crm.change(actor, unit)


async def find_all(crm: Crm, actor: Actor, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the workspace's activities, newest first."""
    return await feeds.read(crm, actor, ACTIVITY, pairs, FILTERS, details=details)


async def find_on(crm: Crm, actor: Actor, kind: Kind, id: str, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the activities on one record, newest first; raises `not_found`."""
    bare = lookup.bare(kind, id)
    await crm.database.read(actor, lookup.existing, kind, actor.workspace_id, bare)
    return await feeds.read(crm, actor, ACTIVITY, pairs, FILTERS, [(f"{kind.name}_id", f"eq:{bare}")], details)


async def remove(crm: Crm, actor: Actor, id: str) -> Record:
    """Delete an activity and return what it was; unlike a record's, this delete needs no confirm token."""
    bare = lookup.bare(ACTIVITY, id)

    def unit(tx: Tx) -> Record:
        activity = lookup.existing(tx.connection, ACTIVITY, tx.by.workspace_id, bare)
        _remove(tx, activity)
        return activity

    return await crm.change(actor, unit)


def links(activity: Record) -> Iterator[tuple[Kind, str]]:
    """Yield (kind, id) of every record that the activity links to, first the one that it belongs to."""
    for kind in HOMES:
        id = getattr(activity, f"{kind.name}_id")
        if id is not None:
            yield kind, id


def count_on_records(tx: Tx, activity: Record) -> None:
    """Count the activity on every record that it links to."""
    for kind, id in links(activity):
        activity_counts.add(tx, kind, id, activity.occurred_at)  # type: ignore[attr-defined]


def _remove(tx: Tx, activity: Record) -> None:
    """Delete the activity, and count it no longer on the records that it linked to."""
    records.remove(tx, ACTIVITY, activity)
    for kind, id in links(activity):
        activity_counts.drop(tx, kind, id)


def delete_or_unlink(tx: Tx, kind: Kind, record: Record) -> None:
    """Delete the activities that belong to a record about to be deleted; remove the links of others to it."""
    gone: Counter[tuple[Kind, str]] = Counter()
    for activity in records.linked(tx.connection, ACTIVITY, tx.by.workspace_id, f"{kind.name}_id", record.id):
        home, *others = links(activity)
        if home == (kind, record.id):
            records.remove(tx, ACTIVITY, activity)
            gone.update(others)
    activity_counts.unlink(tx, kind, record.id)
    for (other, id), times in gone.items():
        activity_counts.drop(tx, other, id, times)
