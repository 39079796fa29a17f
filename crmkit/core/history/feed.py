"""`/changes`: what became of records since a cursor or a time, at once or as soon as there is something."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from crmkit.core.call import Call
from crmkit.core.history import changes
from crmkit.core.history.changes import Nouns, Page, Round
from crmkit.core.history.combined import Change
from crmkit.core.reading import opened
from crmkit.errors import Problem, listed, nearest
from crmkit.model.fields import Invalid, Time
from crmkit.model.query.cursor import SHORTEST, seal, unseal
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.query.parse import limit_of
from crmkit.model.record import Kind, Kinds
from crmkit.model.times import relative
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace, within
from crmkit.storage.log import entries, outdated

PARAMETERS = ("since", "kinds", "limit", "wait", "cursor")
MAX_WAIT_SECONDS = 60
MOST_SLICES = 10  # of the log that one call reads
MORE = "there is more: go on with the cursor"


async def told(call: Call, parameters: Mapping[str, str]) -> MixedListing:
    """Return a page of what became of records, oldest first, of some `kinds`; each says what to go on with.

    `since` is the cursor of the page before, or a time or day; without it, the cursor of now is all that there is.
    `cursor` is another name for it. `wait` is for how many seconds the answer may wait until there is something.
    Without `kinds` it tells of those that the token reads; where no cursor is sent, a note says which those are not.
    """
    nouns, left_out = _nouns(call, parameters.get("kinds", ""))
    limit, notes = limit_of(parameters.get("limit"))
    seconds = _seconds(parameters.get("wait", ""))
    since = parameters.get("cursor") or parameters.get("since") or ""
    begun = await _begun(call, nouns, since)
    notes += left_out if not since.strip() or _time(call, since) else ()
    found = await _page(call, nouns, limit, begun)
    if begun.reached > begun.start and not found.changes and found.round.is_over:  # nothing was left of that round
        begun = await call.read(changes.beginning, Workspace.of(call.actor), found.round.end)
        found = await _page(call, nouns, limit, begun)
    if seconds and not found.changes and found.round.is_over:
        asks = " ".join([*sorted(nouns), str(limit)])
        news = await call.crm.waiting.news(
            call, Call(call.crm), nouns, asks, found.round.end, partial(_page, call, nouns, limit), seconds
        )
        found = Page((), Round(news, news, news)) if isinstance(news, int) else news
    if not found.changes and not found.round.is_over:
        notes += (MORE,)
    rows = tuple(shown(change) for change in found.changes)

    def cursor(round: Round) -> str:
        return seal(call.crm.key, _binding(call), _position(round, nouns))

    after = found.after
    paging = Paging(False, next_cursor=cursor(found.round), notes=notes, cursor_after=lambda rows: cursor(after(rows)))
    return MixedListing("changes", rows, paging)


def default_kinds(kinds: Kinds) -> Sequence[Kind]:
    """Return the kinds that are told unless some are named: all whose records have paths."""
    return (*kinds.records, kinds.activity, *kinds.settings)


async def _page(call: Call, nouns: Nouns, limit: int, round: Round) -> Page:
    """Return the next page of a round: without a change only where the round is over, or the log goes on for long."""
    workspace = Workspace.of(call.actor)
    found = Page((), round)
    for _ in range(MOST_SLICES):
        if found.changes or found.round.is_over:
            break
        found = await call.scan(changes.page, workspace, nouns, found.round, limit)
    return found


def shown(change: Change) -> tuple[str, dict[str, Any]]:
    """Return the handle that begins the line of a change, and what it says."""
    told = {"id": change.handle.partition("/")[2], "change": change.change, "at": change.at, "by": change.by}
    return change.handle, {**told, "fields": change.fields} | ({"into": change.into} if change.into else {})


def _binding(call: Call) -> str:
    return f"{call.actor.workspace_id}/changes"


def _position(round: Round, nouns: Nouns) -> list[Any]:
    """Return what the cursor of a page holds: of kinds only where the round goes on."""
    if round.is_over:
        return [within(round.end)]
    return [within(round.start), within(round.end), within(round.reached), sorted(nouns)]


async def _begun(call: Call, nouns: Nouns, since: str) -> Round:
    """Return the round that a cursor is in, or that begins at a time or now; raises `invalid_cursor`."""
    workspace, sent = Workspace.of(call.actor), since.strip()
    at = _time(call, since)
    if not sent or at:
        return await call.read(_from_time, workspace, at)
    position = unseal(call.crm.key, _binding(call), sent, _HINT)
    if len(position) > 1 and position[3] != sorted(nouns):
        raise Problem(
            "invalid_cursor",
            "More pages of this round follow: ask for them with the same kinds, then name others.",
            fields={"kinds": f"were {', '.join(position[3])} when the round began"},
        )
    start, *further = (workspace.first + number for number in position[:3])
    begun, is_kept = await call.read(_from_cursor, workspace, start)
    if not is_kept:
        raise Problem("invalid_cursor", _HINT)
    return Round(start, *further) if further else begun


_HINT = (
    "Send since= with a time, or with the next_cursor of the page before, in the same workspace. If it is that, the "
    "log does not reach back to it any more: read all records anew, after GET /changes without since, which gives the "
    "cursor of now."
)


def _time(call: Call, text: str) -> str:
    """Return the stamp of a time, of the first second of a day in the asker's zone; "" for what may be a cursor.

    Raises `invalid_value` for what is like a time that is told by the present.
    """
    try:
        return Time().first(text, call.asker) if text.strip() else ""
    except Invalid as error:
        if len(text) >= SHORTEST or not (relative.meant(text) or relative.is_told_by_now(text)):
            return ""
        raise Problem(
            "invalid_value",
            "Send since= with the next_cursor of the page before, or with a time; without it you get a first cursor.",
            fields={"since": str(error)},
        ) from None


def _from_time(connection: Connection, workspace: Workspace, at: str) -> Round:
    begin = outdated.begins_at(connection, workspace) if at else ""
    if at < begin:
        raise Problem("invalid_value", _HINT, fields={"since": f"the log begins at {begin}: older entries are gone"})
    start = entries.newest_before(connection, workspace, at) if at else entries.newest(connection, workspace)
    return changes.beginning(connection, workspace, start)


def _from_cursor(connection: Connection, workspace: Workspace, start: int) -> tuple[Round, bool]:
    """Return the round that begins at a number, and whether the log still has all that is after it, and had it."""
    begun = changes.beginning(connection, workspace, start)
    oldest = entries.oldest(connection, workspace)
    return begun, start <= begun.end and (oldest is None or oldest[0] <= start + 1)


def _nouns(call: Call, text: str) -> tuple[Nouns, opened.Notes]:
    """Return the kinds that a text names in the singular or plural, separated by commas; else the default ones.

    Raises `invalid_value`, and `scope_required` for one that the token does not read.
    """
    kinds = call.crm.kinds
    every = [*default_kinds(kinds), kinds.membership]
    words = {word: kind for kind in every for word in (kind.name, kind.plural)} | {_MEMBERSHIPS: kinds.membership}
    names = [word.strip().lower() for word in text.split(",") if word.strip()]
    for name in names:
        if name not in words:
            plurals = [*(kind.plural for kind in every[:-1]), _MEMBERSHIPS]
            raise Problem(
                "invalid_value",
                f"Leave kinds out to be told of all, or name some: {listed(plurals)}.",
                fields={"kinds": f"must be among {', '.join(plurals)}{nearest(name, words)}"},
            )
    named = [words[name] for name in names]
    of_areas = [kinds.whole.to if kind is kinds.membership else kind for kind in named]
    found, notes = opened.chosen(call.actor.access, every[:-1], of_areas)
    return changes.nouns(named or found), notes


_MEMBERSHIPS = "memberships"  # told where they are named: they have no paths of their own


def _seconds(text: str) -> int:
    text = text.strip()
    if not text:
        return 0
    if not re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) or int(text) > MAX_WAIT_SECONDS:
        raise Problem(
            "invalid_value",
            "Send wait=30 to wait up to 30 seconds for a change.",
            fields={"wait": f"must be 0 to {MAX_WAIT_SECONDS}"},
        )
    return int(text)
