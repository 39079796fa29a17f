"""The log of one record: its entries, who gave each field its value, and how the record was at a time."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from crmkit.core import lookup
from crmkit.core.call import Call
from crmkit.core.history import combined
from crmkit.core.reading import audit, feeds
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.fields import Invalid, Key, Time
from crmkit.model.query.listing import Listing, MixedListing, Paging
from crmkit.model.record import Kind, Record
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import entries, outdated
from crmkit.storage.log.entries import Entry

HISTORY_FILTERS = {name: audit.FILTERS[name] for name in ("by", "since", "until")}


class Past(Struct, frozen=True):
    """A record as it was `at` a time; of its fields, `names` are those that the log tells.

    A merged one is shown as it was before the merge; from then on the record that it was merged into is, with a note.
    """

    record: Record
    names: tuple[str, ...]
    at: str
    notes: tuple[str, ...] = ()


async def history(call: Call, kind: Kind, id: str, pairs: feeds.Pairs, details: bool = False) -> Listing:
    """Return a page of a record's log, newest first; of a deleted one too. `by`, `since` and `until` as for /audit."""
    handle, notes = await call.read(_named, kind, call.actor, lookup.id_or_key(kind, id))
    found = await audit.entries_of(call, pairs, HISTORY_FILTERS, [("target", f"eq:{handle}")], details)
    return replace(found, paging=found.paging.after(notes))


async def blame(call: Call, kind: Kind, id: str) -> MixedListing:
    """Return who gave each field its value or cleared it, with which token and when; of a deleted record too.

    A delete that was taken back changed no field.
    """
    workspace, named = Workspace.of(call.actor), lookup.id_or_key(kind, id)
    handle, notes = await call.read(_named, kind, call.actor, named)
    found = await call.scan(_newest_of_fields, kind, workspace, handle)
    rows = tuple(
        ("fields", {"field": name, "since": entry.at, "by": entry.by, "token_name": entry.token_name})
        for name in combined.given(kind)
        if (entry := found.get(name))
    )
    return MixedListing("fields", rows, Paging.whole(len(rows), notes))


async def as_of(call: Call, kind: Kind, id: str, text: str) -> Past:
    """Return a record as it was at a time, or at the end of a day.

    Also one that was deleted since. Raises `not_found` if there was none then, and says from when to when there was.
    """
    at = _time(call, text)
    return await call.scan(_as_of, kind, call.actor, lookup.id_or_key(kind, id), at)


def _time(call: Call, text: str) -> str:
    """Return the stamp of a time, of the last second of a day in the asker's zone; raises `invalid_value`."""
    try:
        return Time("its end").last(text, call.asker)
    except Invalid as error:
        raise Problem(
            "invalid_value",
            "Send as_of=2026-06-10T09:00:00Z, or as_of=2026-06-10 for the end of that day.",
            fields={"as_of": str(error)},
        ) from None


def _named(connection: Connection, kind: Kind, by: Actor, named: str | Key) -> tuple[str, tuple[str, ...]]:
    """Return the handle of the record that an id or a natural key names, live or deleted; raises `not_found`.

    The notes say which record the id of a merged one names, and whether older entries of it are gone.
    """
    workspace, record = Workspace.of(by), lookup.find(connection, kind, by, named)
    if record is None and isinstance(named, str) and entries.first_of(connection, workspace, kind.handle(named)):
        return kind.handle(named), _begins(connection, workspace, kind.handle(named))
    record = record or lookup.existing(connection, kind, by, named)
    return record.handle, (*lookup.notes(named, record), *_begins(connection, workspace, record.handle))


def _begins(connection: Connection, workspace: Workspace, handle: str) -> tuple[str, ...]:
    """Return the note that the log of a record does not tell how it was made, if that is so."""
    first = entries.first_of(connection, workspace, handle)
    begin = "" if first is not None and first.verb in entries.MADE else outdated.begins_at(connection, workspace)
    return (audit.begins(begin),) if begin else ()


def _newest_of_fields(connection: Connection, kind: Kind, workspace: Workspace, handle: str) -> Mapping[str, Entry]:
    """Return, by field, the newest entry that changed it."""
    found: dict[str, Entry] = {}
    for entry in entries.newest_first(connection, workspace, handle):
        if entry.verb == "restore" or entry.is_gone:
            continue
        for name, (old, new) in entry.changes.items():
            if old is not None or new is not None:
                found.setdefault(name, entry)
        if entry.verb == "create":
            break
    return found


def _as_of(connection: Connection, kind: Kind, by: Actor, named: str | Key, at: str) -> Past:
    workspace, own = Workspace.of(by), kind.handle(named) if isinstance(named, str) else ""
    live = records.fetch(connection, kind, workspace.id, named) if isinstance(named, str) else None
    first = entries.first_of(connection, workspace, own) if own else None
    if first is not None and first.is_erased:
        raise Problem("not_found", f"This {kind.noun} was erased: the log tells that it was there, and no more.")
    if live is None and first is None:
        live = lookup.existing(connection, kind, by, named)
    handle = live.handle if live else own
    log, later = entries.newest_first(connection, workspace, handle), list[Entry]()
    then = next(log, None)
    while then is not None and then.at > at:
        later.append(then)
        then = next(log, None)
    into = lookup.find(connection, kind, by, named) if then is not None and then.verb == "merge" else None
    if into is not None and into.handle != handle:  # else it was restored since
        return replace(_as_of(connection, kind, by, into.id, at), notes=lookup.notes(named, into))
    if then is None and not later and live is not None and _changed_at(live) <= at:  # its entries are gone
        return Past(live, tuple(field.name for field in kind.fields if not field.derived), at)
    if then is None or then.is_gone:
        raise _was_none(kind, live, then, later)
    values: dict[str, Any] = {field.name: getattr(live, field.name, None) for field in kind.fields if not field.derived}
    for entry in later:  # from now back to then
        values |= {name: old for name, (old, _) in entry.changes.items() if name in values}
    created = first or entries.first_of(connection, workspace, handle) or then
    version = then.version or 1 + sum(entry.verb == "update" for entry in (then, *log) if entry is not created)
    told: dict[str, Any] = {"id": handle.partition("/")[2], "version": version, "updated_at": then.at}
    if values.get("created_at") is None:  # an older entry of a delete does not tell it
        told |= {"created_at": created.at, "created_by": created.by}
    values |= {name: content for name, content in told.items() if name in values}
    _, *held = (values.get(name, default) for name, default in kind.blank.items())
    return Past(kind.build(told["id"], *held), tuple(values), at)


def _changed_at(record: Record | None) -> str:
    at: str | None = getattr(record, "updated_at", None)
    return at or "the present"


def _was_none(kind: Kind, live: Record | None, gone: Entry | None, later: list[Entry]) -> Problem:
    """Return the `not_found` of a record that was `gone` by an entry, or not there yet before the `later` ones."""
    if gone is not None:
        hint = f"This {kind.noun} was deleted at {gone.at}; send an earlier time."
    elif later and later[-1].verb == "create":
        hint = f"This {kind.noun} was created at {later[-1].at}; send that time or a later one."
    else:
        oldest = later[-1].at if later else _changed_at(live)
        hint = f"The log of this {kind.noun} begins at {oldest}; send that time or a later one."
    return Problem("not_found", hint)
