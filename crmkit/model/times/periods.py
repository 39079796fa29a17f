"""Periods: the words for spans of days -> their days, and the moments that bound them.

Weeks begin on Monday. `last_7_days` are today and the six days before, `next_7_days` today and the six after.
"""

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo

from crmkit.clock import stamp
from crmkit.errors import nearest
from crmkit.model.times import relative

MOST_DAYS = relative.MOST
SAYS = (
    "today, yesterday, tomorrow, this_, last_ or next_ before week, month, quarter or year, last_7_days, next_7_days, "
    "current_week, current_month or all_time"
)

Days = tuple[date, date]  # the first and the last, both of which are within
Bounds = tuple[str, str]  # the first moment that is within, and the first one after it

# the bounds of stamps; nothing is after the last
FIRST, LAST = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"

_SOME_DAY = date(2000, 1, 1)  # all periods are within the calendar
_COUNTED = re.compile(r"(last|next)_([0-9]+)_days?", re.ASCII)
_PLACES = {"last": -1, "this": 0, "current": 0, "next": 1}


class BadPeriod(ValueError):
    """A text that is no period; the message follows the name of what was sent."""


def period(text: str, now: str, zone: tzinfo) -> Bounds:
    """Return the moments that bound a period, as stamps; raises BadPeriod."""
    return bounds(days(text, relative.today(now, zone)), zone)


def days(text: str, today: date) -> Days:
    """Return the days of a period; raises BadPeriod."""
    word = text.strip().lower()
    try:
        found = _named(word, today) or _counted(word, today)
    except BadPeriod:
        raise
    except (ValueError, OverflowError):
        raise BadPeriod(relative.OUTSIDE) from None
    if found is None:
        raise BadPeriod(f"must be {SAYS}{nearest(word, [*NAMES, 'last_7_days', 'next_7_days'])}")
    return found


def is_period(text: str) -> bool:
    """Tell whether a text is a period, of any present."""
    try:
        days(text, _SOME_DAY)
    except BadPeriod:
        return False
    return True


def bounds(days: Days, zone: tzinfo) -> Bounds:
    """Return the first moment of days in a zone and the first one after them, as far as there are stamps."""
    first, last = days
    start = FIRST if first == date.min else _start_of(first, zone, FIRST)
    return start, LAST if last == date.max else _start_of(last + timedelta(days=1), zone, LAST)


def _start_of(day: date, zone: tzinfo, instead: str) -> str:
    try:
        return stamp(datetime.combine(day, time.min, zone))
    except OverflowError:
        return instead


def _named(word: str, today: date) -> Days | None:
    if word in relative.DAYS:
        day = today + timedelta(days=relative.DAYS[word])
        return day, day
    if word == ALL_TIME:
        return date.min, date.max
    place, _, unit = word.partition("_")
    return _UNITS[unit](today, _PLACES[place]) if place in _PLACES and unit in _UNITS else None


def _counted(word: str, today: date) -> Days | None:
    spelled = _COUNTED.fullmatch(word)
    if spelled is None:
        return None
    digits = spelled[2].lstrip("0")
    if not digits or len(digits) > 5 or int(digits) > MOST_DAYS:
        raise BadPeriod(f"counts 1 to {MOST_DAYS} days")
    others = timedelta(days=int(digits) - 1)
    return (today - others, today) if spelled[1] == "last" else (today, today + others)


def _week(today: date, place: int) -> Days:
    monday = today + timedelta(days=7 * place - today.weekday())
    return monday, monday + timedelta(days=6)


def _months(of: int) -> Callable[[date, int], Days]:
    """Return what finds the days of a span of so many months, of which one begins with each year."""

    def found(today: date, place: int) -> Days:
        first = ((today.year * 12 + today.month - 1) // of + place) * of
        last = first + of - 1
        return (
            date(first // 12, first % 12 + 1, 1),
            date(last // 12, last % 12 + 1, monthrange(last // 12, last % 12 + 1)[1]),
        )

    return found


ALL_TIME = "all_time"
_UNITS: dict[str, Callable[[date, int], Days]] = {
    "week": _week,
    "month": _months(1),
    "quarter": _months(3),
    "year": _months(12),
}
NAMES = (
    *relative.DAYS,
    *(f"{place}_{unit}" for place in ("this", "last", "next") for unit in _UNITS),
    "current_week",
    "current_month",
    ALL_TIME,
)
