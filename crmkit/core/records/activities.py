"""The verbs of activities: list them, delete one; what logs one (see `logged`). They are changed as records are.

An activity belongs to one record: its deal, else its contact, else its company (the first in `Kinds.linking_first` that
it links to). It is deleted with that record. A kind may share its activities, as deals do with their contact and
company: they link to those too. When one of those is deleted, the activity loses the link.
"""

from msgspec import structs

from crmkit.core import derived, followed, lookup
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.followed import Place
from crmkit.core.reading import feeds
from crmkit.core.records import relations, versions
from crmkit.core.records.settled import Saved, settled
from crmkit.core.rules.rule import Values, Write
from crmkit.errors import Problem
from crmkit.model.query.listing import Listing
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.derived import tallies
from crmkit.storage.interface.tx import Tx

FILTERS = {
    "kind": "kind=in:",
    "on_behalf_of": "on_behalf_of=in:",
    "by": "created_by=in:",
    "source_id": "source_id=eq:",
    "since": "occurred_at=gte:",
    "until": "occurred_at=lt:",
    "id": "id=",
}


KNOWN = "an activity with this source_id is there already; nothing was changed"


def filters(kinds: Kinds) -> dict[str, str]:
    """Return what each parameter of a list of activities stands for (see feeds.read)."""
    return {kind.name: f"{kind.activity_link}=in:" for kind in kinds.logged} | FILTERS


def put(tx: Tx, crm: Crm, kind: Kind, about: Record, values: Values) -> Saved:
    """Log an activity of these values on a record, and on those that they name or that one of them shares it with.

    If the workspace has an activity with the `source_id`, return that one as it is, with a note.
    """
    found = known(tx, crm, values, (kind, about.id))
    if found is not None:
        return found
    write = Write(tx, crm, crm.kinds.activity, None)
    return settled(write, {**values, **_links(write, kind, about, values)})


def known(tx: Tx, crm: Crm, values: Values, *about: Place) -> Saved | None:
    """Return the activity that has the `source_id` of these values, as it is, with a note; None if there is none.

    This reaches the records that it is logged on, and that which another one would be `about`.
    """
    source_id = values.get("source_id")
    if not source_id:
        return None
    found = records.find(tx.connection, crm.kinds.activity, tx.by.workspace_id, "source_id", source_id)
    if found is None:
        return None
    for place in dict.fromkeys((*about, *followed.links(crm.kinds, found))):
        tallies.reach(tx, *place, tx.now)
    return Saved(found, created=False, notes=(KNOWN,))


def other_than_path(kind: Kind, name: str) -> Problem:
    """Return the Problem that a field names another record than the path, which is of this kind."""
    hint = f"The path says which {kind.name} the activity is about: leave {name} out."
    return Problem("invalid_value", hint, fields={name: f"is another {kind.name} than the path has"})


async def find_all(call: Call, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the workspace's activities, newest first, or what a search finds, the best match first."""
    kinds = call.crm.kinds
    return await feeds.read(call, kinds.activity, pairs, filters(kinds), details=details)


async def find_on(call: Call, kind: Kind, id: str, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of the activities on one record, as `find_all` does; raises `not_found`."""
    named = lookup.id_or_key(kind, id)
    about = await call.read(lookup.existing, kind, call.actor, named)
    kinds, on = call.crm.kinds, [(kind.activity_link, f"eq:{about.id}")]
    found = await feeds.read(call, kinds.activity, pairs, filters(kinds), on, details)
    return structs.replace(found, paging=found.paging.after(lookup.notes(named, about)))


async def remove(call: Call, id: str, if_match: int | None = None) -> Saved:
    """Delete an activity and return what it was; unlike a record's, this delete needs no confirm token."""
    kinds = call.crm.kinds
    named = lookup.id_or_key(kinds.activity, id)

    def unit(tx: Tx) -> Saved:
        activity = lookup.existing(tx.connection, kinds.activity, tx.by, named)
        versions.check(activity, [if_match], "DELETE")
        derived.put_and_follow(tx, kinds, kinds.activity, activity, None)
        return Saved(activity, created=False)

    return await call.write(unit)


def linked(tx: Tx, kinds: Kinds, values: Values, notes: list[str] | None = None) -> Values:
    """Return the ids of the records that these values of an activity name, as relations.linked does."""
    sent = {link.link: values[link.link] for link in kinds.links[kinds.activity] if values.get(link.link) is not None}
    return relations.linked(tx, kinds, kinds.activity, sent, notes) if sent else sent


def _links(write: Write, kind: Kind, about: Record, values: Values) -> Values:
    """Return the links of a new activity about a record: those sent, then those that a linked record shares it with.

    Raises `invalid_value` if the link to the record itself is another, `invalid_reference` if another leads nowhere.
    """
    tx, kinds = write.tx, write.crm.kinds
    own, sent = kind.activity_link, linked(tx, kinds, values, write.notes)
    if sent.setdefault(own, about.id) != about.id:
        raise other_than_path(kind, own)
    for other in kinds.linking_first:
        id = sent.get(other.activity_link) if other.shares_activities else None
        record = about if other is kind else id and records.fetch(tx.connection, other, tx.by.workspace_id, id)
        for link in kinds.links[other] if record else ():
            if link.link in other.shares_activities:
                sent.setdefault(link.to.activity_link, getattr(record, link.link))
    return sent
