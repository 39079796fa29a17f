"""The verbs of activities: log one, list them, delete one.

An activity belongs to one record: its deal, else its contact, else its company (the first in `Kinds.linking_first` that
it links to). It is deleted with that record. A kind may share its activities, as deals do with their contact and
company: they link to those too. When one of those is deleted, the activity loses the link.
"""

from collections.abc import Mapping
from typing import Any

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.reading import feeds
from crmkit.core.records import derived, quotas
from crmkit.model.listing import Listing
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx

FILTERS = {
    "kind": "kind=in:",
    "on_behalf_of": "on_behalf_of=in:",
    "since": "occurred_at=gte:",
    "until": "occurred_at=lt:",
}


def filters(kinds: Kinds) -> dict[str, str]:
    """Return what each parameter of a list of activities stands for (see feeds.read)."""
    return {kind.name: f"{kind.activity_link}=in:" for kind in kinds.logged} | FILTERS


async def log(call: Call, kind: Kind, id: str, body: Mapping[str, Any]) -> Record:
    """Return the new activity on a record, which is also on those that the record shares its activities with."""
    crm, named = call.crm, lookup.id_or_key(kind, id)
    log = crm.kinds.activity
    values = log.draft(body, call.actor.asker)
    log.check_required(values)

    def unit(tx: Tx) -> Record:
        return put(tx, crm, kind, lookup.existing(tx.connection, kind, tx.by.workspace_id, named), values)

    return await call.write(unit)


def put(tx: Tx, crm: Crm, kind: Kind, about: Record, values: Mapping[str, Any]) -> Record:
    """Log an activity of these values, in stored form, on a record of this kind."""
    log = crm.kinds.activity
    links = {kind.activity_link: about.id} | {
        link.to.activity_link: getattr(about, link.link)
        for link in crm.kinds.links[kind]
        if link.link in kind.shares_activities
    }
    quotas.check(tx, crm.settings, log.plural)
    at = values.get("occurred_at") or tx.now
    return derived.put_and_follow(tx, crm.kinds, log, None, log.new({**values, **links, "occurred_at": at}))


async def find_all(call: Call, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the workspace's activities, newest first."""
    kinds = call.crm.kinds
    return await feeds.read(call, kinds.activity, pairs, filters(kinds), details=details)


async def find_on(call: Call, kind: Kind, id: str, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the activities on one record, newest first; raises `not_found`."""
    named = lookup.id_or_key(kind, id)
    about = await call.read(lookup.existing, kind, call.actor.workspace_id, named)
    kinds, on = call.crm.kinds, [(kind.activity_link, f"eq:{about.id}")]
    return await feeds.read(call, kinds.activity, pairs, filters(kinds), on, details)


async def remove(call: Call, id: str) -> Record:
    """Delete an activity and return what it was; unlike a record's, this delete needs no confirm token."""
    kinds = call.crm.kinds
    named = lookup.id_or_key(kinds.activity, id)

    def unit(tx: Tx) -> Record:
        activity = lookup.existing(tx.connection, kinds.activity, tx.by.workspace_id, named)
        derived.put_and_follow(tx, kinds, kinds.activity, activity, None)
        return activity

    return await call.write(unit)


def delete_or_unlink(tx: Tx, kinds: Kinds, kind: Kind, record: Record) -> None:
    """Delete the activities that belong to a record about to be deleted; remove the links of others to it."""
    found = records.linked(tx.connection, kinds.activity, tx.by.workspace_id, kind.activity_link, record.id)
    gone = [activity for activity in found if next(derived.links(kinds, activity)) == (kind, record.id)]
    for activity in gone:
        records.put(tx, kinds.activity, activity, None)  # all are counted below at once, not one by one
    derived.follow(tx, kinds, kinds.activity, ((activity, None) for activity in gone))
    # the others lose the link to the record that goes, and no other record has fewer activities for it
    records.unlink(tx, kinds.activity, kind.activity_link, record.id)
