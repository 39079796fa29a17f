"""Which live record a POST merges into: the first that a key of its values leads to (see Kind.merges_by).

With merge=alike, where no key leads to one, also a record that is likely the same (see Kind.alike).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from crmkit.core import lookup
from crmkit.core.duplicates import matching
from crmkit.core.records import relations
from crmkit.core.rules.rule import Values
from crmkit.errors import Problem, listed
from crmkit.model.record import Kind, Kinds, Record
from crmkit.storage import records
from crmkit.storage.duplicates import free
from crmkit.storage.duplicates.oldest import oldest
from crmkit.storage.interface.tx import Tx


class PostOptions(Struct, frozen=True):
    """What may become of a record that is sent.

    It may merge into one that is likely the same, and a setting may change the one that is `known_by` the same values.
    The live record with this `id`, if there is one, is changed as by a PATCH, whatever its keys are; else the oldest
    that has the value sent of the first of the fields `by` that leads to one. An import tells the `past` of a record
    (see Write).
    """

    create: bool = True
    merge: bool = True
    merge_alike: bool = False
    change_setting: bool = False
    id: str = ""
    by: Sequence[str] = ()
    past: Mapping[str, str | None] = field(default_factory=dict)


POST = PostOptions()

_EMPTY: tuple[Any, ...] = (None, "", [], {})  # of a key of custom


def allowed(
    tx: Tx, kinds: Kinds, kind: Kind, values: Values, options: PostOptions
) -> tuple[Record | None, Values, list[str]]:
    """Return what `met` does, else `alike`; raises `duplicate` or `not_found` for what may not be done."""
    named = lookup.find(tx.connection, kind, tx.by, options.id) if options.id else _led_to(tx, kind, values, options.by)
    if named is not None and not options.merge:
        hint = f"{named.handle} is there already, and none is to be changed."
        raise Problem("duplicate", hint, facts={"handle": named.handle})
    if named is not None:
        return named, patched(tx, kind, named, values), []
    before = known(tx, kind, values) if kind.is_setting and options.change_setting else None
    notes: list[str] = []
    if before is None:
        before, values, notes = met(tx, kind, values)
    if before is None and options.merge_alike:
        values = relations.linked(tx, kinds, kind, values, notes)  # records are alike by the ids of what they link to
        before, values, reasons = alike(tx, kind, values)
        notes += reasons
    if before is not None and not options.merge:
        hint = f"{before.handle} has the same {_keys(kind)}, and none is to be changed."
        raise Problem("duplicate", hint, facts={"handle": before.handle})
    if before is None and not options.create:
        sent = [names for names in kind.known_by if all(values.get(name) is not None for name in names)]
        sent = [("id",), *sent] if options.id else sent
        lacks = f"has this {_keys(kind, sent)}" if sent else f"is named by {_keys(kind)}"
        raise Problem("not_found", f"No {kind.name} {lacks}, and none is to be created.")
    return before, values, notes


def _led_to(tx: Tx, kind: Kind, values: Values, names: Sequence[str]) -> Record | None:
    """Return the oldest record that has the value of the first of these fields of which any has it, or None."""
    country = values.get("country") or tx.by.preferences.country
    sent = ((name, values[name]) for name in names if values.get(name) is not None)
    found = (oldest(tx.connection, kind, tx.by.workspace_id, *each, country) for each in sent)
    return next((record for record in found if record is not None), None)


def known(tx: Tx, kind: Kind, values: Values) -> Record | None:
    """Return the setting that is known by these values, or None."""
    for names in kind.known_by:
        held = {name: values.get(name) for name in names}
        found = None if None in held.values() else records.find_by(tx.connection, kind, tx.by.workspace_id, held)
        if found is not None:
            return found
    return None


def _keys(kind: Kind, chosen: Sequence[Sequence[str]] = ()) -> str:
    return listed([listed(names, "and") for names in chosen or kind.known_by], "or")


def met(tx: Tx, kind: Kind, values: Values) -> tuple[Record | None, Values, list[str]]:
    """Return the record that a POST of these values merges into, None if it creates one, and what is written of them.

    A key that another record holds is left out, and a note names that record. Raises `already_exists` for one of a
    kind that is not merged.
    """
    if kind.is_setting:
        check_taken(tx, kind, None, values)
        return None, values, []
    found: Record | None = None
    held: dict[str, Record] = {}
    for name in kind.merges_by:
        value = values.get(name)
        if value is None or (found is not None and value == getattr(found, name)):
            continue
        if free.is_new(tx, kind, name, value):
            continue
        holder = records.find(tx.reading(kind.plural), kind, tx.by.workspace_id, name, value)
        if holder is not None and found is None:
            found = holder
        elif holder is not None and found is not None and holder.id != found.id:
            held[name] = holder
    if found is None:
        return None, values, []
    notes = [f"{name} belongs to {holder.handle}" for name, holder in held.items()]
    return found, {name: value for name, value in filled(kind, values).items() if name not in held}, notes


def filled(kind: Kind, values: Values) -> Values:
    """Return the values that are not empty: what a POST writes on a record that it merges into. Only a PATCH clears."""
    found = {name: value for name, value in values.items() if value is not None}
    for part in kind.merging:
        if isinstance(found.get(part.name), dict):
            found[part.name] = {key: value for key, value in found[part.name].items() if value not in _EMPTY}
    return {name: value for name, value in found.items() if value != {}}


def patched(tx: Tx, kind: Kind, before: Record, values: Values) -> Values:
    """Return what a PATCH of these values writes: what differs. Raises what forbids it."""
    found = differing(kind, before, filled(kind, values))
    fixed = [name for name in found if name not in kind.writable and getattr(before, name, None) is not None]
    if fixed:
        hint = f"Send {before.handle} as it is there, or leave its id out."
        raise Problem("invalid_value", hint, fields=dict.fromkeys(fixed, "cannot be changed"))
    check_taken(tx, kind, before, found)
    return found


def differing(kind: Kind, before: Record, values: Values) -> Values:
    """Return the values that a record does not have yet; of a part of a value, if it adds something."""
    parts = {field.name: field.type for field in kind.merging}
    joins = {field.name for field in kind.joins}  # of which a record holds nothing

    def differs(name: str, value: Any) -> bool:
        held = getattr(before, name)
        return bool((parts[name].merged(held, value) if name in parts else value) != held)

    return {name: value for name, value in values.items() if name in joins or differs(name, value)}


def alike(tx: Tx, kind: Kind, values: Values) -> tuple[Record | None, Values, list[str]]:
    """Return the same where a POST may merge into a record that is likely the same one, by a rule that merges."""
    title = kind.title.name
    parts = [values[part] for part in kind.title.parts if values.get(part)]
    sent = values if values.get(title) or not parts else {**values, title: " ".join(parts)}
    if sent.get(title):
        record = kind.new({name: value for name, value in sent.items() if name in kind.writable})
        country = tx.by.preferences.country
        for match in matching.matches(tx, kind, tx.by.workspace_id, record, country, is_stored=False):
            if match.rule.merges and not _differ(record, match.record, match.rule.unless):
                return match.record, filled(kind, values), [f"merged by {match.reason}"]
    return None, values, []


def _differ(record: Record, other: Record, name: str) -> bool:
    """Tell whether both have a value of the field, and not the same one."""
    return bool(name) and None not in (values := (getattr(record, name), getattr(other, name))) and len(set(values)) > 1


def check_taken(tx: Tx, kind: Kind, before: Record | None, values: Mapping[str, Any]) -> None:
    """Raise `already_exists`, with the handle, if another record has one of these values of unique fields."""
    for name in kind.keys:
        value = values.get(name)
        if value is None or (before is not None and value == getattr(before, name)):
            continue
        holder = records.find(tx.reading(kind.plural), kind, tx.by.workspace_id, name, value)
        if holder is not None and (before is None or holder.id != before.id):
            raise Problem(
                "already_exists",
                f"{holder.handle} has this {name}: change that one, or give this one another {name}.",
                fields={name: f"belongs to {holder.handle}"},
                facts={"handle": holder.handle},
            )
