"""The verbs of activities: log one, read the log, delete one.

An activity belongs to the record it was logged on: its deal, else its contact, else its company. It goes when that one
goes; a record that it only carries along (the contact and company of its deal) just loses the link.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from crmkit.core.crm import Crm
from crmkit.core.reading import feeds
from crmkit.core.records import lookup, quotas
from crmkit.model.actor import Actor
from crmkit.model.listing import Listing
from crmkit.model.record import Kind, Record
from crmkit.records import ACTIVITY, COMPANY, CONTACT, DEAL
from crmkit.storage import activity_counts, records
from crmkit.storage.interface.tx import Tx

HOMES = (DEAL, CONTACT, COMPANY)  # whom an activity belongs to: the first that it links to

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
    """Return the new activity on a record; on a deal it also carries the deal's contact and company."""
    bare = lookup.bare(kind, id)
    sent = ACTIVITY.draft(body)
    ACTIVITY.check_required(sent)

    def unit(tx: Tx) -> Record:
        about = lookup.existing(tx.connection, kind, tx.by.workspace_id, bare)
        links = {f"{kind.name}_id": about.id}
        if kind is DEAL:
            links |= {name: getattr(about, name) for name in ("contact_id", "company_id")}
        quotas.check(tx, crm.settings, ACTIVITY.plural)
        at = sent.get("occurred_at") or tx.now
        activity = records.insert(tx, ACTIVITY, {**sent, **links, "occurred_at": at})
        show_on_records(tx, activity)
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
    """Delete an activity and return what it was; this takes one step."""
    bare = lookup.bare(ACTIVITY, id)

    def unit(tx: Tx) -> Record:
        activity = lookup.existing(tx.connection, ACTIVITY, tx.by.workspace_id, bare)
        _remove(tx, activity)
        return activity

    return await crm.change(actor, unit)


def links(activity: Record) -> Iterator[tuple[Kind, str]]:
    """Yield (kind, id) of every record the activity is about, the one it belongs to first."""
    for kind in HOMES:
        id = getattr(activity, f"{kind.name}_id")
        if id is not None:
            yield kind, id


def show_on_records(tx: Tx, activity: Record) -> None:
    """Let every record that the activity is about show it."""
    for kind, id in links(activity):
        activity_counts.add(tx, kind, id, activity.occurred_at)  # type: ignore[attr-defined]


def _remove(tx: Tx, activity: Record) -> None:
    """Delete the activity, and let the records it was about no longer show it."""
    records.remove(tx, ACTIVITY, activity)
    for kind, id in links(activity):
        activity_counts.drop(tx, kind, id)


def leave(tx: Tx, kind: Kind, record: Record) -> None:
    """Delete the activities that belong to a record that is about to go, and unlink those it is only carried by."""
    gone: Counter[tuple[Kind, str]] = Counter()
    for activity in records.linked(tx.connection, ACTIVITY, tx.by.workspace_id, f"{kind.name}_id", record.id):
        home, *carried = links(activity)
        if home == (kind, record.id):
            records.remove(tx, ACTIVITY, activity)
            gone.update(carried)
    activity_counts.let_go(tx, kind, record.id)
    for (other, id), times in gone.items():
        activity_counts.drop(tx, other, id, times)
