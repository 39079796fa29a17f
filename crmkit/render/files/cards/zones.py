"""A time zone as iCalendar tells it (RFC 5545, 3.6.5): since when its clocks show which time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)  # between which it is told
_STEP = timedelta(days=5)  # no clock since 1970 was put forward and back within
_SECOND = timedelta(seconds=1)

Clock = tuple[timedelta, str, bool]  # what it is ahead of UTC, its short name, whether it is summer time


@lru_cache(64)
def lines_of(name: str) -> tuple[str, ...]:
    """Return the content lines of the zone with this IANA name."""
    zone = ZoneInfo(name)
    first = _clock(zone, FIRST)
    changes = [(first, first, FIRST), *_changes(zone)]
    found = ["BEGIN:VTIMEZONE", f"TZID:{name}"]
    for (before, after), times in groupby(sorted(changes), key=lambda change: change[:2]):
        onsets = [shown(at.astimezone(UTC) + before[0]) for *_, at in times]
        sort = "DAYLIGHT" if after[2] else "STANDARD"
        found += [f"BEGIN:{sort}", f"DTSTART:{onsets[0]}"]
        if onsets[1:]:
            found.append(f"RDATE:{','.join(onsets[1:])}")
        found += [f"TZOFFSETFROM:{_offset(before[0])}", f"TZOFFSETTO:{_offset(after[0])}", f"TZNAME:{after[1]}"]
        found.append(f"END:{sort}")
    return (*found, "END:VTIMEZONE")


def local(at: datetime, zone: ZoneInfo) -> datetime | None:
    """Return what the clock of a zone shows, None where that does not say which moment it is, or is not told."""
    if not FIRST <= at < LAST:
        return None
    shows = at.astimezone(zone)
    return shows if shows.replace(fold=0).astimezone(UTC) == at else None


def shown(time: datetime) -> str:
    return f"{time:%Y%m%dT%H%M%S}"


def _changes(zone: ZoneInfo) -> Iterator[tuple[Clock, Clock, datetime]]:
    """Yield what a clock showed before, what after, and when it was changed."""
    at, clock = FIRST, _clock(zone, FIRST)
    while at < LAST:
        end = at + _STEP
        after = _clock(zone, end)
        if after != clock:
            low, high = at, end
            while high - low > _SECOND:
                middle = low + (high - low) // 2 // _SECOND * _SECOND
                low, high = (middle, high) if _clock(zone, middle) == clock else (low, middle)
            yield clock, after, high
        at, clock = end, after


def _clock(zone: ZoneInfo, at: datetime) -> Clock:
    there = at.astimezone(zone)
    return there.utcoffset() or timedelta(), there.tzname() or "", bool(there.dst())


def _offset(ahead: timedelta) -> str:
    sign, seconds = ("-", -ahead) if ahead < timedelta() else ("+", ahead)
    minutes, rest = divmod(int(seconds.total_seconds()), 60)
    return f"{sign}{minutes // 60:02}{minutes % 60:02}" + (f"{rest:02}" if rest else "")
