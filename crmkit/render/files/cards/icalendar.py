"""iCalendar (RFC 5545): a to-do for each record that is due until it is done, an event for each that is followed up."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from crmkit.clock import moment
from crmkit.model.record import Kind, Record, Reminds
from crmkit.model.recurrence import series
from crmkit.render.files.cards import zones
from crmkit.render.files.cards.lines import stamp, text, texts, written
from crmkit.render.files.columns import Row
from crmkit.render.files.writer import Options, Writer

MEDIA = "text/calendar"
_UNTIL = re.compile(r";UNTIL=[^;]*|UNTIL=[^;]*;")

Values = Mapping[str, Any]

# further fields that become a property each, and how its value is written
_PROPERTIES: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("notes", "DESCRIPTION", text),
    ("contact_name", "CONTACT", text),
    ("tags", "CATEGORIES", texts),
    ("created_at", "CREATED", stamp),
    ("updated_at", "LAST-MODIFIED", stamp),
)


class CalendarWriter(Writer):
    """To-dos or events, each with title and time, whichever fields were chosen. What has no time is no event."""

    media_type = f"{MEDIA}; charset=utf-8"

    def __init__(self, kind: Kind, options: Options) -> None:
        super().__init__(kind, options)
        self._zone = options.zone if isinstance(options.zone, ZoneInfo) else ZoneInfo("UTC")

    @classmethod
    def has(cls, kind: Kind) -> bool:
        return kind.reminds is not None

    @classmethod
    def reads(cls, kind: Kind) -> tuple[str, ...]:
        own = kind.reminds or Reminds("")
        of_todos = ("done_at", "repeat", "repeats_from") if own.done else ()
        needed = (kind.title.name, own.at, own.note, own.done, *of_todos, "updated_at")
        return tuple(name for name in needed if name in kind.by_name)

    def start(self) -> bytes:
        return written(head(self._zone))

    def rows(self, batch: Sequence[Row]) -> bytes:
        kind, fields, own = self.kind, self.options.fields, self.kind.reminds
        parts = []
        for id, *values in batch:
            held = {"id": id, **dict(zip(fields, values, strict=True))}
            if own is not None and own.done:
                parts.append(written(_todo(kind, own, held, self._zone, self.options.now)))
            elif own is not None and held[own.at]:
                parts.append(written(event(kind, own, held, self._zone, self.options.now)))
        return b"".join(parts)

    def end(self) -> Iterator[bytes]:
        yield written(END)


END = ("END:VCALENDAR",)


def head(zone: ZoneInfo) -> Iterator[str]:
    """Yield how a calendar begins whose times are those of a zone."""
    yield from ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//crmkit//crmkit//EN")
    if zone.key != "UTC":
        yield from zones.lines_of(zone.key)


def reminders(batches: Iterable[Iterable[tuple[Kind, Record]]], zone: ZoneInfo, now: str) -> Iterator[bytes]:
    """Yield the calendar with an event for each record, whose kind reminds of it."""
    yield written(head(zone))
    for batch in batches:
        events = ((kind, kind.reminds, structs.asdict(record)) for kind, record in batch)
        yield b"".join(written(event(kind, own, held, zone, now)) for kind, own, held in events if own)
    yield written(END)


def event(kind: Kind, own: Reminds, held: Values, zone: ZoneInfo, now: str) -> Iterator[str]:
    """Yield the event of a reminder: it takes no time, blocks none, and rings as it begins."""
    title = text(held[kind.title.name])
    yield from ("BEGIN:VEVENT", f"UID:{held['id']}", f"DTSTAMP:{stamp(held.get('updated_at') or now)}")
    yield f"DTSTART{_at(held[own.at], zone)}"
    yield f"SUMMARY:{title}"
    note = held.get(own.note)
    yield from _more({**held, "notes": note or held.get("notes")})
    yield "TRANSP:TRANSPARENT"
    yield from ("BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:PT0S", f"DESCRIPTION:{title}", "END:VALARM", "END:VEVENT")


def _todo(kind: Kind, own: Reminds, held: Values, zone: ZoneInfo, now: str) -> Iterator[str]:
    yield from ("BEGIN:VTODO", f"UID:{held['id']}", f"DTSTAMP:{stamp(held.get('updated_at') or now)}")
    due, done = held[own.at], held[own.done]
    if due and held.get("repeat") and not done:  # a rule needs a DTSTART, and DUE would have to be later than that
        yield f"DTSTART{_at(due, zone)}"
        yield f"RRULE:{_rule(held['repeat'], held.get('repeats_from') or due, due, zone)}"
    elif due:
        yield f"DUE{_at(due, zone)}"
    yield f"SUMMARY:{text(held[kind.title.name])}"
    yield from _more(held)
    yield f"STATUS:{'COMPLETED' if done else 'NEEDS-ACTION'}"
    if done and held.get("done_at"):
        yield f"COMPLETED:{stamp(held['done_at'])}"
    yield "END:VTODO"


def _more(held: Values) -> Iterator[str]:
    for name, called, write in _PROPERTIES:
        if held.get(name):
            yield f"{called}:{write(held[name])}"


def _at(at: str, zone: ZoneInfo) -> str:
    """Return the parameters and the value of a time: its day where it is midnight, else what the clock shows."""
    when = moment(at)
    shows = zones.local(when, zone)
    if shows is not None and shows.time() == time.min:
        return f";VALUE=DATE:{shows:%Y%m%d}"
    if shows is None or zone.key == "UTC":
        return f":{stamp(at)}"
    return f";TZID={zone.key}:{zones.shown(shows)}"


def _rule(repeat: str, first: str, due: str, zone: ZoneInfo) -> str:
    """Return how a series goes on from `due` that began with `first`.

    The words monthly and yearly keep to the last day of a month that is too short, which a rule says at length.
    """
    word, began = repeat.lower(), zones.local(moment(first), zone) or moment(first)
    if word in ("daily", "weekly"):
        return f"FREQ={word.upper()}"
    days = ",".join(map(str, range(28, began.day + 1)))
    if word == "monthly":
        return f"FREQ=MONTHLY;BYMONTHDAY={days};BYSETPOS=-1" if began.day > 28 else "FREQ=MONTHLY"
    if word == "yearly":
        is_leap = (began.month, began.day) == (2, 29)
        return "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1" if is_leap else "FREQ=YEARLY"
    last = series.last(repeat, zone)
    until = "" if last is None else f";UNTIL={_until(last, ';VALUE=DATE:' in _at(due, zone), zone)}"
    return _UNTIL.sub("", repeat.upper().removeprefix("RRULE:")) + until


def _until(last: str, is_day: bool, zone: ZoneInfo) -> str:
    """Return the last moment of a series, as its day where its times are days."""
    shows = zones.local(moment(last), zone) or moment(last)
    return f"{shows:%Y%m%d}" if is_day else stamp(last)
