"""What is overdue and what is due today: first what is the asker's own, then what is others' or nobody's."""

from collections.abc import Sequence
from datetime import tzinfo

from crmkit.clock import after
from crmkit.model.actor import Actor
from crmkit.model.query.listing import Paging, RecordListing
from crmkit.model.times import relative, written
from crmkit.storage import records, reminders
from crmkit.storage.interface.connection import Connection
from crmkit.storage.lists.pages import COUNTED
from crmkit.storage.reminders import Due, Reminder, Source

Span = tuple[str, str]  # the first and the last stamp, "" for none


def spans(now: str, zone: tzinfo, zones: Sequence[tzinfo]) -> tuple[list[Span], list[Span]]:
    """Return when that was due which is overdue, and when that is due which is due today.

    The day is that of `zone`. What is due at midnight in one of `zones` may be meant for the whole day, so it is not
    overdue before that day ends there (see reminders.is_overdue).
    """
    midnights = sorted({_today(now, each)[0] for each in zones})
    overdue, today, begin = list[Span](), list[Span](), ""
    for midnight in midnights:
        if midnight < now:
            overdue.append((begin, after(midnight, seconds=-1)))
            today.append((midnight, midnight))
            begin = after(midnight, seconds=1)
    overdue.append((begin, after(now, seconds=-1)))
    today.append((now, _today(now, zone)[1]))
    return [span for span in overdue if span[0] <= span[1]], today


def within(
    connection: Connection, sources: Sequence[Source], actor: Actor, wanted: Sequence[Span], most: int
) -> tuple[RecordListing, int]:
    """Return up to `most` records due in these spans, and how many are due, at most COUNTED + 1."""
    found = _first(connection, sources, actor.workspace_id, actor.email, wanted, most + 1)
    if len(found) <= most:
        own = {(kind, id) for kind, id, *_ in found}
        everybodys = _first(connection, sources, actor.workspace_id, "", wanted, most + 1)
        found += [each for each in everybodys if each[:2] not in own]
    total = len(found)
    if total > most:
        total = 0
        for since, until in wanted:
            if total <= COUNTED:
                asked = Due(actor.workspace_id, "", until, since)
                total += reminders.count(connection, sources, asked, COUNTED + 1 - total)
    return _records(connection, sources, actor.workspace_id, found[:most]), total


def _first(
    connection: Connection, sources: Sequence[Source], workspace_id: str, owner: str, wanted: Sequence[Span], most: int
) -> list[Reminder]:
    """Return up to `most` reminders, soonest first within each span."""
    found: list[Reminder] = []
    for since, until in wanted:
        if len(found) < most:
            asked = Due(workspace_id, owner, until, since)
            found += reminders.due(connection, sources, asked, None, most - len(found))
    return found


def _records(
    connection: Connection, sources: Sequence[Source], workspace_id: str, found: Sequence[Reminder]
) -> RecordListing:
    by_name = {source.kind.name: source.kind for source in sources}
    live = {
        name: records.all_of(connection, kind, workspace_id, [id for other, id, *_ in found if other == name])
        for name, kind in by_name.items()
    }
    return RecordListing("reminders", tuple((by_name[name], live[name][id], {}) for name, id, *_ in found), Paging())


def _today(now: str, zone: tzinfo) -> Span:
    """Return the first and the last second of the present day in a zone."""
    return written.seconds_of(relative.today(now, zone), zone)
