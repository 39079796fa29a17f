"""Buckets of time: the day, week, month, quarter or year, in a time zone, in which a stamp or a date lies."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_REMEMBERED = (
    8_192  # dates, and hours, whose bucket is remembered: rows are mostly read in the order in which they were written
)


def _week(day: date) -> str:
    return (day - timedelta(days=day.weekday())).isoformat()


def _quarter(day: date) -> str:
    return f"{day.isoformat()[:4]}-Q{(day.month + 2) // 3}"


_NAMES: dict[str, Callable[[date], str]] = {
    "day": date.isoformat,
    "week": _week,  # its Monday
    "month": lambda day: day.isoformat()[:7],
    "quarter": _quarter,
    "year": lambda day: day.isoformat()[:4],
}
UNITS = tuple(_NAMES)


def bucket(unit: str, zone: str, value: str | None) -> str | None:
    """Return the bucket of a stamp, in the zone of this IANA name, or of a date; None for None."""
    if value is None:
        return None
    if len(value) == len("2026-06-10"):
        return _of_date(unit, value)
    return _of_hour(unit, zone, value[:13]) or _NAMES[unit](_local(zone, value)[0])


@lru_cache(_REMEMBERED)
def _of_date(unit: str, value: str) -> str:
    return _NAMES[unit](date.fromisoformat(value))


@lru_cache(_REMEMBERED)
def _of_hour(unit: str, zone: str, hour: str) -> str:
    """Return the bucket in which a whole hour of UTC lies, "" if another begins in it or the clocks are changed."""
    first, last = (_local(zone, f"{hour}:{rest}Z") for rest in ("00:00", "59:59"))
    name = _NAMES[unit](first[0])
    return name if first[1] == last[1] and name == _NAMES[unit](last[0]) else ""


def _local(zone: str, stamp: str) -> tuple[date, timedelta | None]:
    """Return the day of a stamp in a zone, and how far the zone is from UTC then."""
    moment = datetime.fromisoformat(stamp)
    try:
        moment = moment.astimezone(ZoneInfo(zone))
    except OverflowError:  # within a day of the first or the last moment that there is
        moment = moment.astimezone(UTC)
    return moment.date(), moment.utcoffset()
