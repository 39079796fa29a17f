"""The verbs of every record kind: look up, list, create or merge, change, delete in two steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmkit.core.crm import Crm
from crmkit.core.records import activities, lookup, quotas, relations
from crmkit.core.records.rules import rules_of
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.fields import Custom, Invalid
from crmkit.model.record import Kind, Record, Tracked
from crmkit.storage import confirmations, records
from crmkit.storage.interface.tx import Tx

CONFIRM_MINUTES = 10


@dataclass(frozen=True)
class Saved:
    """A record after a POST; `created` is False when the fields were merged into one that was there."""

    record: Record
    created: bool


async def save(crm: Crm, actor: Actor, kind: Kind, body: Mapping[str, Any]) -> Saved:
    """Create a record, or merge the fields sent into the live one that has the same upsert key."""
    sent = kind.draft(body)
    rules = rules_of(kind)

    def unit(tx: Tx) -> Saved:
        values = rules.settle(relations.linked(tx, kind, sent))
        key = values.get(rules.upsert_by)
        before = None if key is None else records.find(tx.connection, kind, tx.by.workspace_id, rules.upsert_by, key)
        if before is not None:
            return Saved(_changed(tx, kind, before, values), created=False)
        kind.check_required(values)
        quotas.check(tx, crm.settings, kind.plural)
        return Saved(records.insert(tx, kind, _merged(kind, None, values)), created=True)

    return await crm.change(actor, unit)


async def change(
    crm: Crm, actor: Actor, kind: Kind, id: str, body: Mapping[str, Any], if_match: int | None = None
) -> Record:
    """Return the record with the fields of `body` changed; a body or header version that is stale changes nothing.

    Raises `not_found`, `version_conflict` (which shows the current record), `already_exists`, and what draft raises.
    """
    bare = lookup.bare(kind, id)
    expected = {if_match, _version(body)} - {None}
    sent = kind.draft({name: value for name, value in body.items() if name != "version"})
    rules = rules_of(kind)

    def unit(tx: Tx) -> Record:
        before = lookup.existing(tx.connection, kind, tx.by.workspace_id, bare)
        _check_version(before, expected)
        values = rules.settle(relations.linked(tx, kind, sent))
        _check_taken(tx, kind, before, rules.upsert_by, values)
        return _changed(tx, kind, before, values)

    return await crm.change(actor, unit)


async def remove(crm: Crm, actor: Actor, kind: Kind, id: str, confirm: str) -> Record:
    """Delete the record and return what it was, if `confirm` is the token this caller was shown for it.

    Else raises `confirmation_required` with a fresh one.
    """
    bare = lookup.bare(kind, id)

    def unit(tx: Tx) -> tuple[Record, str]:
        before = lookup.existing(tx.connection, kind, tx.by.workspace_id, bare)
        version = _tracked(before).version
        if confirm and confirmations.consume(tx, before.handle, version, confirm, CONFIRM_MINUTES):
            activities.leave(tx, kind, before)
            relations.unlink(tx, kind, before)
            records.remove(tx, kind, before)
            return before, ""
        return before, confirmations.issue(tx, before.handle, version, CONFIRM_MINUTES)

    record, token = await crm.change(actor, unit)
    if not token:
        return record
    stale = "That confirm token is wrong, used or outdated. " if confirm else ""
    raise Problem(
        "confirmation_required",
        f"{stale}{rules_of(kind).farewell} Ask the user, then within {CONFIRM_MINUTES} minutes: "
        f"DELETE /{kind.plural}/{record.id}?confirm={token}",
        facts={"confirm": token},
    )


def _changed(tx: Tx, kind: Kind, before: Record, values: dict[str, Any]) -> Record:
    record = records.update(tx, kind, before, _merged(kind, before, values))
    if getattr(record, kind.title.name) != getattr(before, kind.title.name):
        relations.rename(tx, kind, record)
    return record


def _merged(kind: Kind, before: Record | None, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with custom merged, key by key, over what the record has."""
    if kind.custom is None or kind.custom.name not in values:
        return values
    name, type_ = kind.custom.name, kind.custom.type
    old = None if before is None else getattr(before, name)
    try:
        return {**values, name: type_.merged(old, values[name]) if isinstance(type_, Custom) else values[name]}
    except Invalid as error:
        raise Problem("invalid_value", "Keep less in custom.", fields={name: str(error)}) from None


def _check_taken(tx: Tx, kind: Kind, before: Record, name: str, values: Mapping[str, Any]) -> None:
    value = values.get(name)
    if value is None or value == getattr(before, name):
        return
    holder = records.find(tx.connection, kind, tx.by.workspace_id, name, value)
    if holder is not None:
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


def _check_version(before: Record, expected: set[int | None]) -> None:
    version = _tracked(before).version
    if expected - {version}:
        raise Problem(
            "version_conflict",
            f"The record is at version {version} now and nothing was changed. Look at it below, then repeat the PATCH "
            f"with If-Match: {version}.",
            facts={"version": version},
            shown=before,
        )


def _tracked(record: Record) -> Tracked:
    if not isinstance(record, Tracked):
        raise TypeError(f"{record.handle} has no version")
    return record


def upsert_field(kind: Kind) -> str:
    """Return the field whose value a POST merges by."""
    return rules_of(kind).upsert_by
