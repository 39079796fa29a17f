"""The brief: what a session begins with, read of one moment."""

from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from crmkit.clock import Moment, after
from crmkit.core.brief import due, mark
from crmkit.core.call import Call
from crmkit.core.duplicates import listing
from crmkit.core.history import changes, feed
from crmkit.core.now import moment
from crmkit.core.proposals.verbs import seen
from crmkit.core.reading import opened, reminders
from crmkit.core.reading.lists import columns
from crmkit.core.webhooks import on_write
from crmkit.errors import Problem
from crmkit.model.actor import Actor, Asker
from crmkit.model.configuration.pipeline import OPEN
from crmkit.model.events.names import SENDS
from crmkit.model.fields import Invalid, Time
from crmkit.model.query import parse
from crmkit.model.query.chosen import ByKind
from crmkit.model.query.listing import Listing, MixedListing, Paging, RecordListing, Section
from crmkit.model.record import Kind, Kinds
from crmkit.model.times import periods, relative
from crmkit.storage.derived import open_sums
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages
from crmkit.storage.lists.pages import COUNTED
from crmkit.storage.proposals import kept
from crmkit.storage.proposals.kept import Asked
from crmkit.storage.proposals.proposal import OPEN as WAITING
from crmkit.storage.records import live
from crmkit.storage.reminders import Source
from crmkit.storage.requests import briefs
from crmkit.storage.requests.briefs import Mark
from crmkit.storage.webhooks import keys

PARAMETERS = ("since",)
ROWS = 12  # of each list at most

EMPTY = (
    'the workspace is empty; begin with POST /contacts {"name":"Jane Doe","email":"jane@example.com"}, '
    "GET /help tells the rest"
)


class Brief(Struct, frozen=True):
    """The lists of a brief as of `moment`; what changed is told since the stamp `since`."""

    sections: Sequence[Section]
    moment: Moment
    since: str
    notes: Sequence[str] = ()


class _Asked(Struct, frozen=True):
    every: Kinds
    kinds: Sequence[Kind]  # of which it tells: those that the token reads
    left_out: opened.Notes
    actor: Actor
    now: str
    since: str  # a stamp that was sent, or nothing
    details: bool  # whether rows of lists have all fields
    chosen: ByKind  # in place of these

    @property
    def asker(self) -> Asker:
        return self.actor.asker(self.now)

    @property
    def workspace(self) -> Workspace:
        return Workspace.of(self.actor)


async def told(call: Call, parameters: Mapping[str, str], details: bool = False, keeps: bool = True) -> Brief:
    """Return the brief of the workspace; changes are told since the token's last one, or since a time or day sent.

    That it was told is kept for the token's next one, unless a time was sent or `keeps` is false. With `details` its
    records have all fields, else those of list lines.
    """
    actor = call.actor
    present = moment(call)
    kinds, left_out = opened.chosen(actor.access, feed.default_kinds(call.crm.kinds))
    since = _since(call, parameters.get("since", ""))
    asked = _Asked(call.crm.kinds, kinds, left_out, actor, present.now, since, details, call.chosen)
    found, told, is_new = await call.scan(_read, asked)
    if is_new and keeps:
        unit = partial(briefs.put, workspace_id=actor.workspace_id, token_id=actor.token_id, mark=told)
        call.write_later(("brief", actor.token_id), unit)
    notes = [*await call.read(_waiting, asked), *await call.read(_stopped, asked)]
    is_empty = not any(each.total for each in found) and not await call.read(_has_records, asked)
    return Brief(found, present, told.since, (*notes, *asked.left_out, *((EMPTY,) if is_empty else ())))


def _waiting(connection: Connection, asked: _Asked) -> list[str]:
    """Return the note that says how many proposals wait, if any do."""
    areas = seen(asked.actor, asked.every)
    count = kept.count(connection, asked.workspace, Asked(WAITING, areas=areas), COUNTED + 1)
    many = f"{COUNTED}+" if count > COUNTED else count
    return [f"{many} proposal{'' if count == 1 else 's'} to approve: GET /proposals?state=open"] if count else []


def _stopped(connection: Connection, asked: _Asked) -> list[str]:
    """Return the notes about webhooks that send nothing though they are switched on."""
    if not asked.actor.access.allows("webhooks.read"):
        return []
    return on_write.told(keys.stopped(connection, asked.workspace.id, SENDS, on_write.MOST_TOLD))


def _since(call: Call, text: str) -> str:
    """Return the stamp of a time, of the first second of a day; "" for nothing. Raises `invalid_value`."""
    if not text.strip():
        return ""
    try:
        return Time().first(text, call.asker)
    except Invalid as error:
        raise Problem(
            "invalid_value",
            "Send since=2026-06-10T09:00:00Z or a day, or leave it out to be told what changed since the last brief.",
            fields={"since": str(error)},
        ) from None


def _read(connection: Connection, asked: _Asked) -> tuple[list[Section], Mark, bool]:
    """Return the lists, the mark that says from when on changes are told, and whether it is to be kept."""
    actor, workspace = asked.actor, asked.workspace
    if asked.since:
        told, is_new = mark.from_time(connection, workspace, asked.since), False
    else:
        told, is_new = mark.next_of(connection, workspace, actor.token_id, asked.now)
    zones = [ZoneInfo(name) for name in {actor.preferences.timezone, actor.timezone}]
    overdue, today = due.spans(asked.now, ZoneInfo(actor.timezone), zones)
    found = []
    if sources := [source for source in reminders.sources_of(asked.every) if source.kind in asked.kinds]:
        found.append(_due(connection, asked, sources, "overdue", "overdue", overdue, "/reminders"))
        found.append(_due(connection, asked, sources, "due_today", "due today", today, "/reminders?days=1"))
    found.append(_changed(connection, asked, told))
    forecast = [kind for kind in asked.kinds if kind.forecast is not None]
    found += [_pipeline(connection, asked, kind) for kind in forecast]
    found += [_closing(connection, asked, kind) for kind in forecast]
    found += [_quiet(connection, asked, kind) for kind in asked.kinds if kind.quiet_days]
    if alike := [kind for kind in asked.kinds if kind.alike]:
        found.append(_duplicates(connection, asked, alike, told))
    return found, told, is_new


def _due(
    connection: Connection,
    asked: _Asked,
    sources: Sequence[Source],
    key: str,
    says: str,
    spans: Sequence[due.Span],
    path: str,
) -> Section:
    page, total = due.within(connection, sources, asked.actor, spans, ROWS)
    return _counted(key, says, page, total, path)


def _changed(connection: Connection, asked: _Asked, told: Mark) -> Section:
    nouns = changes.nouns(asked.kinds)
    others = changes.by_others(connection, asked.workspace, nouns, told.since_seq, asked.actor.email, ROWS)
    page = MixedListing("changes", tuple(map(feed.shown, others.changes)), Paging())
    path = f"/changes?{urlencode({'since': told.since}, safe=':')}"
    return Section("changed", "changed by others", page, len(page.rows), path, not others.has_more)


def _pipeline(connection: Connection, asked: _Asked, kind: Kind) -> Section:
    workspace_id, summed = asked.actor.workspace_id, f"sum.{kind.forecast.amount}" if kind.forecast else ""
    sums = open_sums.largest(connection, kind, workspace_id, ROWS)
    total = len(sums) if len(sums) < ROWS else open_sums.count(connection, kind, workspace_id, COUNTED + 1)
    rows = tuple(
        (kind.plural, {"stage": each.stage, "count": each.records, summed: each.amount, "currency": each.currency})
        for each in sums
    )
    path = f"{kind.path}?status={OPEN}&sort=stage"
    says = f"rows of {OPEN} {kind.plural} by stage"
    return _counted("pipeline", says, MixedListing(kind.plural, rows, Paging()), total, path)


def _closing(connection: Connection, asked: _Asked, kind: Kind) -> Section:
    day = kind.forecast.closes if kind.forecast else ""
    first, last = periods.days("this_week", relative.today(asked.now, asked.asker.zone))
    pairs = [("status", OPEN), (day, f"gte:{first}"), (day, f"lte:{last}"), ("sort", day)]
    return _listed(connection, asked, "closing", f"{kind.plural} closing this week", kind, pairs)


def _quiet(connection: Connection, asked: _Asked, kind: Kind) -> Section:
    last = "last_contacted_at"
    pairs = [(last, f"lt:{after(asked.now, days=-kind.quiet_days)}"), ("sort", f"-{last}")]
    says = f"{kind.plural} not contacted for {kind.quiet_days} days"
    return _listed(connection, asked, "quiet", says, kind, pairs)


def _listed(
    connection: Connection, asked: _Asked, key: str, says: str, kind: Kind, pairs: Sequence[tuple[str, str]]
) -> Section:
    """Return the list that the pairs of a query find, as GET of its path lists it."""
    query = parse.parse(kind, [*pairs, ("limit", str(ROWS))], asked.asker)
    query = replace(query, fields=columns(kind, asked.chosen, asked.details))
    page = pages.fetch_page(connection, kind, asked.workspace, query, None)
    total = COUNTED + 1 if page.total is None else page.total
    path = f"{kind.path}?{urlencode(pairs, safe=':')}"
    return _counted(key, says, Listing(kind, query.fields, page.rows, Paging()), total, path)


def _duplicates(connection: Connection, asked: _Asked, alike: Sequence[Kind], told: Mark) -> Section:
    pairs = listing.newest(connection, alike, asked.actor, told.since, ROWS + 1)
    page = MixedListing(listing.ROW, tuple(pair.row for pair in pairs[:ROWS]), Paging())
    return Section("duplicates", "new duplicates", page, len(page.rows), "/duplicates", len(pairs) <= ROWS)


def _counted(key: str, says: str, page: Listing | MixedListing | RecordListing, total: int, path: str) -> Section:
    """Return the list of which `total` were counted; more than COUNTED were not."""
    return Section(key, says, page, min(total, COUNTED), path, total <= COUNTED)


def _has_records(connection: Connection, asked: _Asked) -> bool:
    return any(live(connection, asked.actor.workspace_id, kind.plural) for kind in asked.every.records)
