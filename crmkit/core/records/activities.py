"""The verbs of activities: log one, list them, delete one. They are changed as records are (see write.change).

An activity belongs to one record: its deal, else its contact, else its company (the first in `Kinds.linking_first` that
it links to). It is deleted with that record. A kind may share its activities, as deals do with their contact and
company: they link to those too. When one of those is deleted, the activity loses the link.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import structs
from msgspec.structs import replace

from crmkit.core import derived, followed, lookup
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.reading import feeds
from crmkit.core.records import relations, versions
from crmkit.core.records.settled import Saved, settled
from crmkit.core.rules.rule import Values, Write
from crmkit.errors import Problem, listed
from crmkit.model.actor import Asker
from crmkit.model.query.listing import Listing
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.derived import tallies
from crmkit.storage.interface.tx import Tx, Unit

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


async def save(call: Call, body: Mapping[str, Any]) -> Saved:
    """Log an activity on the record that the body names (see `saving`)."""
    return await call.write(saving(call.crm, body, call.asker))


def saving(crm: Crm, body: Mapping[str, Any], asker: Asker) -> Unit[Saved]:
    """Return the unit that logs an activity on the record that one of its links names (see `put`).

    Raises what `draft` raises, and `missing_field` if no link is sent; the unit raises `invalid_reference`.
    """
    kinds = crm.kinds
    values = kinds.activity.draft(body, asker)
    kind = next((each for each in kinds.linking_first if values.get(each.activity_link) is not None), None)
    if kind is None:
        names = [each.activity_link for each in kinds.logged]
        hint = f"Send {listed(names, 'or')}: the record that the activity is about."
        raise Problem("missing_field", hint, fields=dict.fromkeys(names, "is needed, unless another of these is sent"))
    named = values[kind.activity_link]
    others = {name: value for name, value in values.items() if name != kind.activity_link}

    def unit(tx: Tx) -> Saved:
        about = lookup.find(tx.connection, kind, tx.by, named)
        if about is None:
            linked(tx, kinds, values)
            raise LookupError(f"there is a {kind.name} {named} after all")
        return put(tx, crm, kind, about, others)

    return unit


async def log(call: Call, kind: Kind, id: str, body: Mapping[str, Any]) -> Saved:
    """Log an activity on a record (see `put`)."""
    crm, named = call.crm, lookup.id_or_key(kind, id)
    values = crm.kinds.activity.draft(body, call.asker)

    def unit(tx: Tx) -> Saved:
        about = lookup.existing(tx.connection, kind, tx.by, named)
        saved = put(tx, crm, kind, about, values)
        return replace(saved, notes=(*lookup.notes(named, about), *saved.notes))

    return await call.write(unit)


def put(tx: Tx, crm: Crm, kind: Kind, about: Record, values: Values) -> Saved:
    """Log an activity of these values on a record, and on those that they name or that one of them shares it with.

    If the workspace has an activity with the `source_id`, return that one as it is, with a note.
    """
    kinds, log = crm.kinds, crm.kinds.activity
    source_id = values.get("source_id")
    known = source_id and records.find(tx.connection, log, tx.by.workspace_id, "source_id", source_id)
    if known:
        for place in dict.fromkeys(((kind, about.id), *followed.links(kinds, known))):
            tallies.reach(tx, *place, tx.now)
        return Saved(known, created=False, notes=(KNOWN,))
    write = Write(tx, crm, log, None)
    return settled(write, {**values, **_links(write, kind, about, values)})


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
        raise Problem(
            "invalid_value",
            f"The path says which {kind.name} the activity is about: leave {own} out.",
            fields={own: f"is another {kind.name} than the path has"},
        )
    for other in kinds.linking_first:
        id = sent.get(other.activity_link) if other.shares_activities else None
        record = about if other is kind else id and records.fetch(tx.connection, other, tx.by.workspace_id, id)
        for link in kinds.links[other] if record else ():
            if link.link in other.shares_activities:
                sent.setdefault(link.to.activity_link, getattr(record, link.link))
    return sent
