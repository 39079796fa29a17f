"""The verbs that write records of any kind: create or merge, change, delete in two steps.

`body` is the JSON object that a client sent; `values` are its fields in stored form. In the transaction the titles of
linked records and what the kind's rules say join them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from msgspec import structs

from crmkit.core import confirm, lookup, rules
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.records import activities, derived, nested, quotas, relations
from crmkit.core.rules.rule import Values, Write
from crmkit.errors import Problem
from crmkit.model.fields import Invalid
from crmkit.model.record import Kind, Record, Tracked
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx


@dataclass(frozen=True)
class Saved:
    """A record after a POST; `created` is False if the fields were merged into an existing record."""

    record: Record
    created: bool


async def save(call: Call, kind: Kind, body: Mapping[str, Any]) -> Saved:
    """Create a record, or merge the fields into the live record that one of the kind's `merges_by` leads to.

    Records that the body relates it to are created or merged first, activities are logged last. Raises
    `already_exists` when another of the keys leads to another record.
    """
    crm = call.crm
    draft = nested.drafted(crm.kinds, kind, body, call.actor.asker)

    def unit(tx: Tx) -> Saved:
        return _saved_whole(tx, crm, kind, draft) if draft.is_nested else _saved(tx, crm, kind, draft.values)

    return await call.write(unit)


async def change(call: Call, kind: Kind, id: str, body: Mapping[str, Any], if_match: int | None = None) -> Record:
    """Return the record with the fields of `body` changed.

    Raises `version_conflict`, which shows the current record, unless that has the version that `if_match` and `body`
    expect; also `not_found`, `already_exists`, and what `draft` raises.
    """
    crm, named = call.crm, lookup.id_or_key(kind, id)
    expected = [version for version in (if_match, _version(body)) if version is not None]
    values = kind.draft({name: value for name, value in body.items() if name != "version"}, call.actor.asker, True)

    def unit(tx: Tx) -> Record:
        before = lookup.existing(tx.connection, kind, tx.by.workspace_id, named)
        _check_version(before, expected, "PATCH")
        _check_taken(tx, kind, before, values)
        return _written(Write(tx, crm, kind, before), values)

    return await call.write(unit)


async def remove(call: Call, kind: Kind, id: str, if_match: int | None = None) -> Record:
    """Delete the record and return what it was, if `call.confirm` is a token that this session was shown for it.

    Else raises `confirmation_required` with a fresh token, or `version_conflict` as `change` does.
    """
    kinds, sent, named = call.crm.kinds, call.confirm, lookup.id_or_key(kind, id)

    def unit(tx: Tx) -> Record | Problem:
        before = lookup.existing(tx.connection, kind, tx.by.workspace_id, named)
        _check_version(before, [] if if_match is None else [if_match], "DELETE")
        bound = confirm.binding(f"{kind.name}.delete", [(before.handle, _tracked(before).version)])
        says, again = relations.outcome_of_delete(kinds, kind), f"DELETE /{kind.plural}/{before.id}"
        refused = confirm.require(tx, sent, bound, says, again)
        if refused is not None:
            return refused
        if kind.is_logged:
            activities.delete_or_unlink(tx, kinds, kind, before)
        relations.unlink(tx, kinds, kind, before)
        derived.put_and_follow(tx, kinds, kind, before, None)
        return before

    return await call.write(unit)


def _saved_whole(tx: Tx, crm: Crm, kind: Kind, draft: nested.Draft) -> Saved:
    """Write a record with those that it nests; raises one Problem for what is wrong with any of them."""
    faults, values = nested.Faults(), dict(draft.values)
    for reference, part in draft.related:
        other = faults.of(reference.place, _saved, tx, crm, reference.to, part)
        values[reference.link] = None if other is None else other.record.id
    saved = faults.of("", _saved, tx, crm, kind, values)
    faults.check()
    if saved is None:
        raise TypeError("a part that was not saved is a fault")
    for part in draft.activities:
        activities.put(tx, crm, kind, saved.record, part)
    return replace(saved, record=lookup.existing(tx.connection, kind, tx.by.workspace_id, saved.record.id))


def _saved(tx: Tx, crm: Crm, kind: Kind, values: Values) -> Saved:
    before = _same(tx, kind, values)
    if before is not None:
        _check_taken(tx, kind, before, values)
    return Saved(_written(Write(tx, crm, kind, before), values), created=before is None)


def _written(write: Write, values: Values) -> Record:
    """Return the record with these values, after the rules of its kind, and with what they write on others."""
    tx, kinds, kind, before = write.tx, write.crm.kinds, write.kind, write.before
    values = relations.linked(tx, kinds, kind, values)
    for rule in rules.of(kind):
        values = rule.settle(write, values)
    if before is None:
        kind.check_required(values)
        quotas.check(tx, write.crm.settings, kind.plural)
    values = _merged(kind, before, values)
    after = kind.new(values) if before is None else structs.replace(before, **values)
    record = derived.put_and_follow(tx, kinds, kind, before, after)
    for rule in rules.of(kind):
        rule.after(write, record)
    return record


def _merged(kind: Kind, before: Record | None, values: Values) -> Values:
    """Return the values, with keys of custom and changes of tags merged into those that the record has."""
    found, wrong = {}, {}
    for field in kind.merging:
        if field.name in values:
            old = None if before is None else getattr(before, field.name)
            try:
                found[field.name] = field.type.merged(old, values[field.name])
            except Invalid as error:
                wrong[field.name] = str(error)
    if wrong:
        raise Problem("invalid_value", f"Keep less in {' and '.join(wrong)}.", fields=wrong)
    return values | found if found else values


def _same(tx: Tx, kind: Kind, values: Mapping[str, Any]) -> Record | None:
    """Return the live record that a POST of these values merges into, None if it creates one."""
    for name in kind.merges_by:
        value = values.get(name)
        if value is not None:
            found = records.find(tx.connection, kind, tx.by.workspace_id, name, value)
            if found is not None:
                return found
    return None


def _check_taken(tx: Tx, kind: Kind, before: Record, values: Mapping[str, Any]) -> None:
    """Raise `already_exists`, with the handle, if another record has one of these values of unique fields."""
    for name in kind.merges_by:
        value = values.get(name)
        if value is None or value == getattr(before, name):
            continue
        holder = records.find(tx.connection, kind, tx.by.workspace_id, name, value)
        if holder is not None and holder.id != before.id:
            raise Problem(
                "already_exists",
                f"{holder.handle} has this {name}: change that one, or give this one another {name}.",
                fields={name: f"belongs to {holder.handle}"},
                facts={"handle": holder.handle},
            )


def _version(body: Mapping[str, Any]) -> int | None:
    version = body.get("version")
    if version is None:
        return None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise Problem(
            "invalid_value",
            "Send the version you read, as a number, or leave it out.",
            fields={"version": "must be a whole number"},
        )
    return version


def _check_version(before: Record, expected: list[int], method: str) -> None:
    version = _tracked(before).version
    if any(wanted != version for wanted in expected):
        again = f"Look at it below, then repeat the {method}"
        stands = f"The record is at version {version} now and nothing was changed. {again}"
        raise Problem(
            "version_conflict",
            f"{stands} with If-Match: {version}.",
            for_tools=f'{stands} with "version":{version} in the body.',
            facts={"version": version},
            shown=before,
        )


def _tracked(record: Record) -> Tracked:
    if not isinstance(record, Tracked):
        raise TypeError(f"{record.handle} has no version")
    return record
