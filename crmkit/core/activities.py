"""The verbs of activities: log one, read the log, delete one."""

from collections.abc import Mapping
from typing import Any

from crmkit.core import feeds, history, quotas, references
from crmkit.core.crm import Crm
from crmkit.model.actor import Actor
from crmkit.model.listing import Listing
from crmkit.model.record import Kind, Record
from crmkit.records import ACTIVITY, DEAL
from crmkit.storage import records
from crmkit.storage.tx import Tx

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
    bare = references.bare(kind, id)
    sent = ACTIVITY.draft(body)
    ACTIVITY.complete(sent)

    def unit(tx: Tx) -> Record:
        about = references.existing(tx.connection, kind, tx.by.workspace_id, bare)
        links = {f"{kind.name}_id": about.id}
        if kind is DEAL:
            links |= {name: getattr(about, name) for name in ("contact_id", "company_id")}
        quotas.check(tx, crm.settings, ACTIVITY.plural)
        at = sent.get("occurred_at") or tx.now
        activity = records.insert(tx, ACTIVITY, {**sent, **links, "occurred_at": at})
        history.add(tx, activity)
        return activity

    return await crm.change(actor, unit)


async def find_all(crm: Crm, actor: Actor, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the workspace's activities, newest first."""
    return await feeds.read(crm, actor, ACTIVITY, pairs, FILTERS, details=details)


async def find_on(crm: Crm, actor: Actor, kind: Kind, id: str, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the activities on one record, newest first; raises `not_found`."""
    bare = references.bare(kind, id)
    await crm.database.read(references.existing, kind, actor.workspace_id, bare)
    return await feeds.read(crm, actor, ACTIVITY, pairs, FILTERS, [(f"{kind.name}_id", f"eq:{bare}")], details)


async def remove(crm: Crm, actor: Actor, id: str) -> Record:
    """Delete an activity and return what it was; this takes one step."""
    bare = references.bare(ACTIVITY, id)

    def unit(tx: Tx) -> Record:
        activity = references.existing(tx.connection, ACTIVITY, tx.by.workspace_id, bare)
        history.remove(tx, activity)
        return activity

    return await crm.change(actor, unit)
