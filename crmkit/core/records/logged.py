"""The verbs that log an activity: on the record that its body names or brings, or on that of a path."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.records import activities, nested, write
from crmkit.core.records.settled import Saved
from crmkit.core.rules.rule import Values
from crmkit.errors import IS_NEEDED, Problem, listed
from crmkit.model.actor import Asker
from crmkit.model.record import Kind
from crmkit.storage.interface.tx import Tx, Unit


async def save(call: Call, body: Mapping[str, Any]) -> Saved:
    """Log an activity on the record that the body names or brings (see `saving`)."""
    return await call.write(saving(call.crm, body, call.asker))


def saving(crm: Crm, body: Mapping[str, Any], asker: Asker) -> Unit[Saved]:
    """Return the unit that logs an activity on the record of one of its links (see `activities.put`).

    Raises what `drafted` raises, and `missing_field` if no link is sent; the unit raises `invalid_reference`.
    """
    kinds = crm.kinds
    draft = nested.drafted(kinds, kinds.activity, body, asker)
    sent = {name for name, value in draft.values.items() if value is not None}
    sent |= {reference.link for reference, _ in draft.related}
    kind = next((each for each in kinds.linking_first if each.activity_link in sent), None)
    if kind is None:
        names = [each.activity_link for each in kinds.logged]
        hint = f"Send {listed(names, 'or')}: the record that the activity is about."
        raise Problem("missing_field", hint, fields=dict.fromkeys(names, "is needed, unless another of these is sent"))
    link = kind.activity_link

    def put(tx: Tx, crm: Crm, values: Values) -> Saved:
        named = values.get(link)
        about = None if named is None else lookup.find(tx.connection, kind, tx.by, named)
        if about is None:
            activities.linked(tx, kinds, values)
            hint = f"Correct the {kind.name} that comes along."  # it was refused, else the link would be there
            raise Problem("missing_field", hint, fields={link: IS_NEEDED})
        others = {name: value for name, value in values.items() if name != link}
        return activities.put(tx, crm, kind, about, others)

    return lambda tx: _logged(tx, crm, draft, put)


async def log(call: Call, kind: Kind, id: str, body: Mapping[str, Any]) -> Saved:
    """Log an activity on a record (see `activities.put`)."""
    crm, named = call.crm, lookup.id_or_key(kind, id)
    if kind.name in body:
        raise activities.other_than_path(kind, kind.name)
    draft = nested.drafted(crm.kinds, crm.kinds.activity, body, call.asker)

    def unit(tx: Tx) -> Saved:
        about = lookup.existing(tx.connection, kind, tx.by, named)
        saved = _logged(tx, crm, draft, lambda tx, crm, values: activities.put(tx, crm, kind, about, values))
        return replace(saved, notes=(*lookup.notes(named, about), *saved.notes))

    return await call.write(unit)


def _logged(tx: Tx, crm: Crm, draft: nested.Draft, put: write.Save) -> Saved:
    """Log an activity after the records that it brings, none of which is written where it is there already."""
    kind = crm.kinds.activity
    write.check_scopes(tx, crm.kinds, kind, draft)
    known = activities.known(tx, crm, draft.values) if draft.is_nested else None
    return known or write.whole(tx, crm, kind, draft, put)
