"""The verb that merges two records of a kind in two steps: one goes, and its id answers as the other from then on."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec import structs
from msgspec.structs import replace

from crmkit.core import confirm, derived, lookup
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.merging import moved
from crmkit.core.merging.united import United, united
from crmkit.core.reading import opened
from crmkit.core.records import versions
from crmkit.core.records.settled import Saved
from crmkit.core.rules.rule import Write
from crmkit.errors import Problem, listed
from crmkit.model.fields import Key, Link
from crmkit.model.form import REQUIRED, Field, Form
from crmkit.model.record import Kind, Kinds, Record
from crmkit.render import text
from crmkit.storage.interface.tx import Tx

MAX_SHOWN = 60  # characters of a name or a value in the hint
MAX_TOLD = 40  # fields that it tells of in one way


@cache
def form(kind: Kind) -> Form:
    """Return the form of the body that names the record to merge."""
    link = Link(kind.prefix, kind.prefixes, kind.forms)
    return Form("merge", (Field("from", link, False, frozenset({REQUIRED}), f"the {kind.name} that goes"),))


async def merge(call: Call, kind: Kind, id: str, body: Mapping[str, Any], if_match: int | None = None) -> Saved:
    """Merge the record that `body` names into that of the path, and return it, if `call.confirm` is a token for that.

    Else raises `confirmation_required`, which tells a token that reads the kind what becomes of each field, or
    `version_conflict`; also `not_found`, `invalid_reference` and what `united` raises.
    """
    crm, sent, named = call.crm, call.confirm, lookup.id_or_key(kind, id)
    source = form(kind).filled(body)["from"]

    def unit(tx: Tx) -> Saved | Problem:
        stays = lookup.existing(tx.connection, kind, tx.by, named)
        goes = _other(tx, kind, stays, source, lookup.notes(named, stays))
        versions.check(stays, [if_match], "POST")
        found = united(Write(tx, crm, kind, stays), goes)
        notes = (*lookup.notes(named, stays), *lookup.notes(source, goes))
        both = [(each.handle, versions.of(each)) for each in (stays, goes)]
        bound = confirm.binding(f"{kind.name}.merge", both, body=goes.id.encode())
        shown = found if tx.by.access.allows(opened.scope(kind)) else None
        says = " ".join((*(f"{note}." for note in notes), _outcome(crm.kinds, kind, stays, goes, shown)))
        path, again = f"POST {kind.path}/{stays.id}/merge", f'{{"from":"{goes.id}"}}'
        refused = confirm.require(tx, sent, bound, says, path, again)
        if refused is not None:
            refused.facts |= {"into": stays.handle, "from": goes.handle}
            if shown is not None:
                refused.facts |= {"kept": shown.kept, "dropped": shown.dropped, "filled": shown.filled}
            return refused
        saved = merged(tx, crm, kind, stays, goes, found)
        return replace(saved, notes=notes)

    return await call.write(unit)


def merged(tx: Tx, crm: Crm, kind: Kind, stays: Record, goes: Record, found: United) -> Saved:
    """Return the record that stays, with what the other one gives it and with all that was linked to that."""
    kinds = crm.kinds
    moved.move(tx, kinds, kind, goes, structs.replace(stays, **found.values))
    derived.put_and_follow(tx, kinds, kind, goes, None, merged_into=stays.id)  # first, since unique values move
    before = lookup.existing(tx.connection, kind, tx.by, stays.id)  # with what follows from the moves
    derived.put_and_follow(tx, kinds, kind, before, structs.replace(before, **found.values))
    return Saved(lookup.existing(tx.connection, kind, tx.by, stays.id), created=False)


def _other(tx: Tx, kind: Kind, stays: Record, source: str | Key, notes: tuple[str, ...]) -> Record:
    """Return the record that is to go; raises `invalid_reference`, and `invalid_value` if it is the one that stays.

    `notes` say that the path names the one that stays by the id of another.
    """
    goes = lookup.find(tx.connection, kind, tx.by, source)
    if goes is None:
        what = lookup.nothing([kind], source)
        raise Problem("invalid_reference", f"GET {kind.path} lists what there is.", fields={"from": what})
    if goes.id == stays.id:
        done = (*notes, *lookup.notes(source, goes))
        what = f"is the {kind.name} of the path itself{f': {done[0]}' if done else ''}"
        hint = "There is nothing left to merge." if done else f"Send the id of another {kind.name}."
        raise Problem("invalid_value", hint, fields={"from": what})
    return goes


def _outcome(kinds: Kinds, kind: Kind, stays: Record, goes: Record, found: United | None) -> str:
    """Return the sentences that say what becomes of each field, and of what is linked to the record that goes.

    Without `found` they name no value of the two.
    """
    linked = [kinds.activity.plural] if kind.is_logged else []
    linked += [reference.kind.plural.replace("_", " ") for reference in kinds.references[kind]]
    moving = f"the {listed(dict.fromkeys(linked))} of {goes.id} move, and " if linked else ""
    after = f"{moving}{goes.id} answers as {stays.id}."
    after = f"{after[0].upper()}{after[1:]}"
    if found is None:
        return f"{goes.handle} goes into {stays.handle}. {after}"
    return f"{_titled(kind, goes)} goes into {_titled(kind, stays)}. {_fields(found)}{after}"


def _fields(found: United) -> str:
    """Return the sentence on the fields of the record that stays, "" where nothing is said of any."""
    kept = [f"{_shown(name, value)} (not {_value(found.dropped[name])})" for name, value in found.kept.items()]
    filled = [_shown(name, value) for name, value in found.filled.items()]
    lost = [_shown(name, value) for name, value in found.dropped.items() if name not in found.kept]
    told = {"keeps": kept, "gets": filled, "does not get": lost}
    parts = [f"{verb} {listed(_first(fields))}" for verb, fields in told.items() if fields]
    return f"It {listed(parts)}. " if parts else ""


def _titled(kind: Kind, record: Record) -> str:
    return f"{record.handle} ({_value(getattr(record, kind.title.name))})" if kind.has_title else record.handle


def _first(fields: list[str]) -> list[str]:
    more = len(fields) - MAX_TOLD
    return [*fields[:MAX_TOLD], f"{more} more"] if more > 0 else fields


def _shown(name: str, value: Any) -> str:
    return f"{name if len(name) <= MAX_SHOWN else f'{name[:MAX_SHOWN]}…'}={_value(value)}"


def _value(value: Any) -> str:
    shown = text.value(value)
    if len(shown) <= MAX_SHOWN:
        return shown
    return text.value(f"{value[:MAX_SHOWN]}…") if isinstance(value, str) else f"{shown[:MAX_SHOWN]}…"
