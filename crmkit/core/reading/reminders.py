"""Reminders: follow-ups and open tasks, read from the records when a client asks. Nothing is sent to anybody."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct

from crmkit.clock import after
from crmkit.clock import moment as datetime_of
from crmkit.core.call import Call
from crmkit.core.now import moment
from crmkit.core.reading import opened
from crmkit.errors import Problem, listed
from crmkit.model.fields import Choice, Email, Invalid, Time
from crmkit.model.query.cursor import seal, unseal
from crmkit.model.query.listing import MixedListing, Paging, RecordListing
from crmkit.model.query.parse import DEFAULT_LIMIT, MAX_LIMIT, explains, limit_of
from crmkit.model.record import Kind, Kinds, Record
from crmkit.model.times import written
from crmkit.storage import records, reminders
from crmkit.storage.interface.connection import Connection
from crmkit.storage.lists.pages import COUNTED
from crmkit.storage.reminders import Due, Source

PARAMETERS = ("days", "owner", "kind", "limit", "cursor", "explain")
BESIDE = ("kind", "overdue")  # what a reminder has beside the fields of its record
MAX_DAYS = 3650


async def due(call: Call, parameters: Mapping[str, str], has_records: bool = False) -> MixedListing | RecordListing:
    """Return a page of what is due, or will be within `days`, earliest first, of one `owner` and of some kinds.

    It has the records themselves if it is to, or if some of their fields were chosen.
    """
    crm, actor = call.crm, call.actor
    has_records = has_records or bool(call.chosen)
    days, owner = parameters.get("days", ""), _owner(call, parameters.get("owner", ""))
    sources, left_out = _chosen(call, parameters.get("kind", ""))
    limit, notes = limit_of(parameters.get("limit"))
    is_explained = explains(parameters.get("explain", ""))
    present = moment(call)
    now, ahead = present.now, _until(call, days)
    binding = json.dumps(
        [actor.workspace_id, "reminders", days.strip(), owner, [source.kind.name for source in sources]]
    )
    cursor = parameters.get("cursor", "")
    notes += () if cursor else left_out
    # the first page decides until when, and its cursor keeps that for the next pages
    until, *position = unseal(crm.key, binding, cursor) if cursor else [ahead]
    asked = Due(actor.workspace_id, owner, until)
    rows, known = await call.scan(_read, sources, asked, position or None, limit + 1, has_records)
    total = at_least = next_cursor = None
    if not cursor:
        total = await call.scan(reminders.count, sources, asked, COUNTED + 1)
        total, at_least = (None, COUNTED) if total > COUNTED else (total, None)

    def cursor_after(shown: int) -> str:
        kind, id, at, *_ = rows[shown - 1]
        return seal(crm.key, binding, [until, at, kind, id])

    if len(rows) > limit:
        next_cursor = cursor_after(limit)
    by_kind = {source.kind.name: source for source in sources}
    # a date may have been sent by the workspace's days, or by those of the caller
    zones = [ZoneInfo(name) for name in {actor.preferences.timezone, actor.timezone}]
    shown = tuple(
        _shown(by_kind[row[0]], row, all(is_overdue(row[2], now, zone) for zone in zones)) for row in rows[:limit]
    )
    read_as = _read_as(sources, asked, actor.timezone, limit) if is_explained else ""
    paging = Paging(not cursor, total, at_least, next_cursor, notes, present, read_as, cursor_after)
    if not has_records:
        return MixedListing("reminders", shown, paging)
    found = zip(rows, shown, strict=False)
    return RecordListing(
        "reminders", tuple((by_kind[row[0]].kind, known[row[1]], told) for row, (_, told) in found), paging
    )


class Everything(Struct, frozen=True):
    """All reminders that are asked for."""

    sources: Sequence[Source]
    notes: opened.Notes
    asked: Due

    def batches(self, connection: Connection) -> Iterator[list[tuple[Kind, Record]]]:
        """Yield what they are of, earliest first, a page at a time."""
        kinds, past = {source.kind.name: source.kind for source in self.sources}, None
        while True:
            rows, known = _read(connection, self.sources, self.asked, past, MAX_LIMIT, True)
            if rows:
                yield [(kinds[name], known[id]) for name, id, *_ in rows]
            if len(rows) < MAX_LIMIT:
                return
            name, id, at, *_ = rows[-1]
            past = (at, name, id)


def everything(call: Call, parameters: Mapping[str, str]) -> Everything:
    """Return all that is due within `days`, or ever where they are left out, of one `owner` and of some kinds."""
    sources, notes = _chosen(call, parameters.get("kind", ""))
    until = _until(call, parameters.get("days", "").strip() or str(MAX_DAYS))
    return Everything(sources, notes, Due(call.actor.workspace_id, _owner(call, parameters.get("owner", "")), until))


def _read(
    connection: Connection,
    sources: Sequence[Source],
    asked: Due,
    position: Sequence[str] | None,
    most: int,
    whole: bool,
) -> tuple[list[reminders.Reminder], Mapping[str, Record]]:
    """Return what is due, and if they are wanted `whole`, the records by their ids."""
    rows = reminders.due(connection, sources, asked, position, most)
    known: dict[str, Record] = {}
    for kind in {source.kind for source in sources} if whole else ():
        ids = [id for name, id, *_ in rows if name == kind.name]
        known |= records.all_of(connection, kind, asked.workspace_id, ids) if ids else {}
    return rows, known


def _read_as(sources: list[Source], asked: Due, timezone: str, limit: int) -> str:
    """Return in words what is asked for."""
    page = "" if limit == DEFAULT_LIMIT else f"; {limit} on a page"
    of = listed(source.kind.plural for source in sources)
    whose = f" whose owner is {asked.owner}" if asked.owner else ""
    return f"reminders of {of}{whose}, due by {asked.until}; earliest first; days of {timezone}{page}"


def sources_of(kinds: Kinds) -> list[Source]:
    """Return what the kinds remind of: those that are followed up, and those that are due until they are done."""
    reminding = ((kind, kind.reminds) for kind in kinds.records)
    return [Source(kind, own.at, own.note, own.done) for kind, own in reminding if own]


def is_overdue(at: str, now: str, zone: tzinfo) -> bool:
    """Tell whether a stamp has passed; one at midnight in the zone stands for that whole day."""
    if at >= now or at < after(now, hours=-26):  # no day is longer
        return at < now
    day = datetime_of(at).astimezone(zone).date()
    first, last = written.seconds_of(day, zone)
    return at != first or now > last


def _shown(source: Source, row: reminders.Reminder, overdue: bool) -> tuple[str, dict[str, Any]]:
    kind, id, at, title, note = row
    shown = {"id": id, "kind": kind, source.at: at, "overdue": True if overdue else None, source.kind.title.name: title}
    return f"{kind}/{id}", shown | ({source.note: note} if source.note else {})


def _until(call: Call, text: str) -> str:
    """Return the stamp up to which reminders are asked for, by a number of days from now, by a time or by a day."""
    if not text:
        return call.now
    if re.fullmatch(r"[0-9]{1,4}", text, re.ASCII) and int(text) <= MAX_DAYS:
        return after(call.now, days=int(text))
    try:
        return Time().last(text, call.asker)
    except Invalid:
        wrong = f"must be 0 to {MAX_DAYS}, or a time like tomorrow or +2w"
        raise Problem("invalid_value", "Send days=7 to look a week ahead.", fields={"days": wrong}) from None


def _owner(call: Call, text: str) -> str:
    """Return an address in stored form, empty for everybody."""
    type_ = Email(takes_me=True)
    try:
        return type_.operand(type_.meant(text, call.asker)) or ""
    except Invalid as error:
        raise Problem("invalid_value", "Send owner=me, or an address.", fields={"owner": str(error)}) from None


def _chosen(call: Call, text: str) -> tuple[list[Source], opened.Notes]:
    """Return the sources of the kinds that a text names, separated by commas, else of those that the token reads.

    Also the note on those that it does not read.
    """
    sources = sources_of(call.crm.kinds)
    type_ = Choice(tuple(source.kind.name for source in sources), has_plurals=True)
    try:
        names = {type_.cleaned(word) for word in text.split(",") if word.strip()}
    except Invalid as error:
        raise Problem(
            "invalid_value", "Leave kind out to see all, or name some.", fields={"kind": str(error)}
        ) from None
    every = [source.kind for source in sources]
    kinds, notes = opened.chosen(call.actor.access, every, [kind for kind in every if kind.name in names])
    return [source for source in sources if source.kind in kinds], notes
