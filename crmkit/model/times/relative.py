"""Times and days that are told by the present: `now`, `today`, `-30d`.

`d w mo y` keep the time that a clock in the zone shows, at the end of a month the last day that it has; `h` are exact.
A time that the clock skips is as much later as it was put forward by; of one that it shows twice it is the first.
"""

import re
from calendar import monthrange
from datetime import date, datetime, timedelta, tzinfo

from crmkit.clock import moment, stamp
from crmkit.errors import nearest

NOW = "now"
DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}
MOST = 36_500  # of any unit
OUTSIDE = "lies outside of the years 1 to 9999"
EXAMPLES = ("now", "today", "yesterday", "tomorrow", "-30d", "+2w", "-3mo", "+1y", "-12h")

# a blank before the number is the plus that it was in a query string that was not escaped
_SHIFT = re.compile(r"(?:\s*([+-])|\s+)(\d+)(h|d|w|mo|y)\s*", re.ASCII | re.IGNORECASE)
_LOST_PLUS = re.compile(r"(?:^|(?<=,))\s+(?=\d+(?:h|d|w|mo|y)\s*(?:,|$))", re.ASCII | re.IGNORECASE)
_NEAR = re.compile(r"\s*([+-]?)\s*(\d+)\s*([a-z]+)\s*", re.ASCII | re.IGNORECASE)
_UNITS = {"h": "h", "d": "d", "w": "w", "m": "mo", "y": "y"}  # by the first letter of their names


class OutOfRange(ValueError):
    """A time that is told by the present, and has no stamp; the message follows the name of a field."""


def time_of(text: str, now: str, zone: tzinfo) -> str | None:
    """Return the stamp of `now` or of so many hours, days, weeks, months or years before or after it.

    None for another text. Raises OutOfRange.
    """
    if text.strip().lower() == NOW:
        return now
    shift = _SHIFT.fullmatch(text)
    if shift is None:
        return None
    sign, digits, unit = shift[1], shift[2].lstrip("0") or "0", shift[3]
    if len(digits) > 5 or int(digits) > MOST:
        raise OutOfRange(f"counts 0 to {MOST} hours, days, weeks, months or years")
    count = -int(digits) if sign == "-" else int(digits)
    try:
        return stamp(_shifted(moment(now), count, unit.lower(), zone)) if count else now
    except (ValueError, OverflowError):
        raise OutOfRange(OUTSIDE) from None


def day_of(text: str, now: str, zone: tzinfo) -> date | None:
    """Return the date that yesterday, today or tomorrow is, None for another text; raises OutOfRange."""
    days = DAYS.get(text.strip().lower())
    if days is None:
        return None
    try:
        return today(now, zone) + timedelta(days=days)
    except OverflowError:
        raise OutOfRange(OUTSIDE) from None


def date_of(text: str, now: str, zone: tzinfo) -> date | None:
    """Return the date in the zone of what `day_of` or `time_of` returns, None if both return None."""
    day = day_of(text, now, zone)
    at = None if day else time_of(text, now, zone)
    if at is None:
        return day
    return today(at, zone)


def today(now: str, zone: tzinfo) -> date:
    """Return the date of the present in a zone; raises OutOfRange."""
    try:
        return moment(now).astimezone(zone).date()
    except OverflowError:
        raise OutOfRange(OUTSIDE) from None


def is_told_by_now(text: str) -> bool:
    """Tell whether a text is a time or a day that is told by the present."""
    return text.strip().lower() in (NOW, *DAYS) or _SHIFT.fullmatch(text) is not None


def with_plus(text: str) -> str:
    """Return a value, or values with commas, with the plus that a query string made a blank of."""
    return _LOST_PLUS.sub("+", text)


def meant(text: str) -> str:
    """Return ` (did you mean -3mo?)` for what a text may have been meant as, or nothing."""
    shift = _NEAR.fullmatch(text)
    if shift is None:
        return nearest(text, (NOW, *DAYS))
    sign, digits, word = shift.groups()
    unit = "" if word.lower().startswith("mi") else _UNITS.get(word[0].lower())  # minutes
    spelled = " or ".join(f"{each}{digits}{unit}" for each in (sign or "+-"))
    return f" (did you mean {spelled}?)" if unit else ""


def _shifted(at: datetime, count: int, unit: str, zone: tzinfo) -> datetime:
    if unit == "h":
        return at + timedelta(hours=count)
    shown = at.astimezone(zone).replace(tzinfo=None, fold=0)
    if unit in ("d", "w"):
        moved = shown + timedelta(days=count * (7 if unit == "w" else 1))
    else:
        year, month = divmod(shown.year * 12 + shown.month - 1 + count * (12 if unit == "y" else 1), 12)
        if not 1 <= year <= 9999:
            raise OverflowError
        moved = shown.replace(year=year, month=month + 1, day=min(shown.day, monthrange(year, month + 1)[1]))
    return moved.replace(tzinfo=zone)
