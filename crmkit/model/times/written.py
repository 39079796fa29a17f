"""Times and days that are written in full."""

import re
from datetime import UTC, date, datetime, time, tzinfo

from crmkit.clock import stamp

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+ -]\d\d:[0-5]\d)", re.ASCII)
_LAST = time(23, 59, 59)

Seconds = tuple[str, str]  # the stamps of the first and the last second


def parse(text: str) -> str | None:
    """Return the stamp of an RFC 3339 time with an offset, or of a date at midnight UTC, None for another text.

    A `+` that arrived as a space (an unescaped query string) is taken as the `+` it was.
    """
    text = text.strip()
    whole = date_of(text)
    if whole:
        return stamp(datetime.combine(whole, time.min, UTC))
    spelled = _TIME.fullmatch(text)
    if spelled is None:
        return None
    day, clock, _, offset = spelled.groups()
    try:
        return stamp(datetime.fromisoformat(f"{day}T{clock}{offset.upper().replace(' ', '+')}"))
    except (ValueError, OverflowError):
        return None


def date_of(text: str) -> date | None:
    """Return the date that a text is, None if it is none."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def seconds_of(day: date, zone: tzinfo) -> Seconds:
    """Return the first and the last second of a day in a zone; raises OverflowError for one that has no stamps."""
    first, last = datetime.combine(day, time.min, zone), datetime.combine(day, _LAST, zone)
    return stamp(first), stamp(last.replace(fold=1))
