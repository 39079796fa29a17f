"""The verbs that write records of any kind: create or merge, change, delete in two steps.

`body` is the JSON object that a client sent; `values` are its fields in stored form. In the transaction the titles of
linked records and what the kind's rules say join them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core import confirm, derived, followed, lookup, quotas, roles
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.records import activities, memberships, merging, nested, relations, versions
from crmkit.core.records.merging import POST, PostOptions
from crmkit.core.records.settled import Saved, checked, settled
from crmkit.core.requests.keyed import SCOPE
from crmkit.core.rules.rule import Values, Write
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage.interface.tx import Tx, Unit

Save = Callable[[Tx, Crm, Values], Saved]  # what writes the record itself of a body that nests others


async def save(
    call: Call, kind: Kind, body: Mapping[str, Any], merges_alike: bool = False, by: Sequence[str] = ()
) -> Saved:
    """Create a record, or merge the fields into a live one (see `saving`); `by` as in PostOptions."""
    return await call.write(saving(call.crm, kind, body, call.asker, PostOptions(merge_alike=merges_alike, by=by)))


def saving(crm: Crm, kind: Kind, body: Mapping[str, Any], asker: Asker, options: PostOptions = POST) -> "Saving":
    """Return the unit that creates a record, or merges the fields into the one that one of `merges_by` leads to.

    `options` say which of both it may do. Records that the body relates it to are created or merged first, activities
    are logged last. Raises what `draft` raises; the unit `scope_required` where the token may not write one of these.
    """
    return Saving(crm, kind, nested.drafted(crm.kinds, kind, body, asker), options)


class Saving(Struct, frozen=True):
    """The unit of work that `saving` returns."""

    crm: Crm
    kind: Kind
    draft: nested.Draft
    options: PostOptions

    @property
    def parts(self) -> Iterator[tuple[Kind, Values]]:
        """Each record that may be new, but for activities: its kind and its values."""
        yield self.kind, self.draft.values
        for reference, values in self.draft.related:
            yield reference.to, values

    def adding(self, **values: Any) -> "Saving":
        """Return the unit with values that only the server writes."""
        return replace(self, draft=replace(self.draft, values={**self.draft.values, **values}))

    def __call__(self, tx: Tx) -> Saved:
        crm, kind, draft = self.crm, self.kind, self.draft
        _check_role(tx, kind)
        check_scopes(tx, crm.kinds, kind, draft)
        return whole(tx, crm, kind, draft, partial(_saved, kind=kind, options=self.options), self.options.create)


async def change(call: Call, kind: Kind, id: str, body: Mapping[str, Any], if_match: int | None = None) -> Saved:
    """Return the record with the fields of `body` changed.

    Raises `version_conflict`, which shows the current record, unless that has the version that `if_match` and `body`
    expect; also `not_found`, `already_exists`, and what `draft` raises.
    """
    return await call.write(changing(call.crm, kind, id, body, call.asker, if_match))


def changing(
    crm: Crm, kind: Kind, id: str, body: Mapping[str, Any], asker: Asker, if_match: int | None = None
) -> Unit[Saved]:
    """Return the unit that changes a record; raises what `draft` raises, the unit what `change` does."""
    named = lookup.id_or_key(kind, id)
    expected = (if_match, versions.in_body(body))
    sent = {name: value for name, value in body.items() if name != "version"}
    values = kind.changes.draft(sent, asker, True)

    def unit(tx: Tx) -> Saved:
        _check_role(tx, kind)
        before = lookup.existing(tx.connection, kind, tx.by, named)
        versions.check(before, expected, "PATCH")
        saved = changed(tx, crm, kind, before, values)
        return replace(saved, notes=(*lookup.notes(named, before), *saved.notes))

    return unit


def changed(tx: Tx, crm: Crm, kind: Kind, before: Record, values: Values) -> Saved:
    """Return the record with these values, in stored form; raises `already_exists` for a key of another record."""
    merging.check_taken(tx, kind, before, values)
    return _written(Write(tx, crm, kind, before), values)


def check_change(tx: Tx, crm: Crm, kind: Kind, before: Record, values: Values) -> bool:
    """Tell whether the record has these values already; raises what `changed` would, as far as that can be told."""
    merging.check_taken(tx, kind, before, values)
    return checked(Write(tx, crm, kind, before), relations.linked(tx, crm.kinds, kind, values)) == before


async def remove(call: Call, kind: Kind, id: str, if_match: int | None = None, at_once: bool = False) -> Saved:
    """Delete the record and return what it was, if `call.confirm` is a token that this session was shown for it.

    Else raises `confirmation_required` with a fresh token, or `version_conflict` as `change` does. A setting of the
    workspace needs no token, and neither does what is deleted `at_once`, as clients of other services expect it.
    """
    kinds, sent, named = call.crm.kinds, call.confirm, lookup.id_or_key(kind, id)

    def unit(tx: Tx) -> Saved | Problem:
        _check_role(tx, kind)
        before = lookup.existing(tx.connection, kind, tx.by, named)
        versions.check(before, [if_match], "DELETE")
        bound = confirm.binding(f"{kind.name}.delete", [(before.handle, versions.of(before))])
        notes = lookup.notes(named, before)
        says = " ".join((*(f"{note}." for note in notes), relations.outcome_of_delete(kinds, kind, before)))
        again = f"DELETE {kind.path}/{before.id}"
        refused = None if kind.is_setting or at_once else confirm.require(tx, sent, bound, says, again)
        if refused is not None:
            return refused
        removed(tx, kinds, kind, before)
        return Saved(before, created=False, notes=notes)

    return await call.write(unit)


def removing(kinds: Kinds, kind: Kind, id: str) -> Unit[Saved]:
    """Return the unit that deletes a record at once; the unit raises `not_found`."""
    named = lookup.id_or_key(kind, id)

    def unit(tx: Tx) -> Saved:
        _check_role(tx, kind)
        before = lookup.existing(tx.connection, kind, tx.by, named)
        removed(tx, kinds, kind, before)
        return Saved(before, created=False, notes=lookup.notes(named, before))

    return unit


def removed(tx: Tx, kinds: Kinds, kind: Kind, before: Record, is_linked: bool = True) -> None:
    """Delete a record with what goes with it; what stays loses its links to it.

    Where it is known that no record links to it, `is_linked` is False, and none is looked for.
    """
    if kind.is_logged and is_linked:
        followed.delete_or_unlink(tx, kinds, kind, before)
    if kind in kinds.references and is_linked:
        relations.cascade(tx, kinds, kind, before)
    derived.put_and_follow(tx, kinds, kind, before, None)


def whole(tx: Tx, crm: Crm, kind: Kind, draft: nested.Draft, save: Save, creates: bool = True) -> Saved:
    """Write a record, as `save` does, with those that it nests, which it `creates` where there are none."""
    if not draft.is_nested:
        return save(tx, crm, draft.values)
    needed = [each.plural for each in (kind, crm.kinds.activity, *(link.to for link, _ in draft.related))]
    with quotas.as_before(tx, crm.settings, needed):
        return _saved_whole(tx, crm, kind, draft, save, creates)


def _saved_whole(tx: Tx, crm: Crm, kind: Kind, draft: nested.Draft, save: Save, creates: bool) -> Saved:
    """Do the same; raises one Problem for what is wrong with any of the records."""
    faults, values, notes = nested.Faults(), dict(draft.values), list[str]()

    def part(place: str, work: Callable[..., Saved], *args: Any, but: Collection[str] = ()) -> Saved | None:
        found = faults.of(place, work, tx, crm, *args, but=but)
        notes.extend(f"{place}: {note}" if place else note for note in (found.notes if found else ()))
        return found

    for reference, sent in draft.related:
        other = part(reference.place, _saved, sent, reference.to, PostOptions(create=creates))
        if other is not None:
            values[reference.link] = other.record.id
    saved = part("", save, values, but=[reference.link for reference, _ in draft.related])
    for number, sent in enumerate(draft.activities):
        place = f"{crm.kinds.activity.plural}.{number}"
        if saved is not None:
            part(place, activities.put, kind, saved.record, sent)
        else:
            faults.of(place, activities.linked, tx, crm.kinds, sent)
    faults.check()
    if saved is None:
        raise TypeError("what was not saved is a fault")
    record = lookup.existing(tx.connection, kind, tx.by, saved.record.id)
    return replace(saved, record=record, notes=tuple(notes))


def _check_role(tx: Tx, kind: Kind) -> None:
    """Raise `admin_required` where the actor may not write records of this kind."""
    if kind.is_admins:
        roles.check_admin(tx)


def check_scopes(tx: Tx, kinds: Kinds, kind: Kind, draft: nested.Draft) -> None:
    """Raise `scope_required` where the actor may not write what a body brings beside its own record.

    Of what a token proposes that is asked of whoever approves it.
    """
    access = tx.by.access
    if access.is_narrow or tx.rights is not None:
        scopes = nested.scopes(kinds, kind, draft)
        if not access.proposes:
            access.check(*scopes)
        if tx.rights is not None:
            tx.rights += [(SCOPE, scope) for scope in scopes]


def _saved(tx: Tx, crm: Crm, values: Values, kind: Kind, options: PostOptions) -> Saved:
    before, values, notes = merging.allowed(tx, crm.kinds, kind, values, options)
    saved = _written(Write(tx, crm, kind, before, notes, options.past), values)
    return saved if before is None else replace(saved, record=derived.reached(tx, kind, saved.record))


def _written(write: Write, values: Values) -> Saved:
    """Return the record with these values, whose links are resolved (see `settled`); it joins what they name."""
    values = relations.linked(write.tx, write.crm.kinds, write.kind, values, write.notes)
    joined = [id for field in write.kind.joins if (id := values.pop(field.name, None))]
    saved = settled(write, values)
    for id in joined:
        memberships.join(write.tx, write.crm.kinds, id, write.kind, saved.record.id)
    return saved
