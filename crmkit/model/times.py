"""Times and days as clients write them -> stamps."""

import re
from datetime import UTC, date, datetime, time, tzinfo

from crmkit.clock import stamp

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+ -]\d\d:[0-5]\d)", re.ASCII)
_LAST = time(23, 59, 59)


def parse(text: str) -> str:
    """Return the stamp of an RFC 3339 time with an offset, or of a date at midnight UTC; raises ValueError.

    A `+` that arrived as a space (an unescaped query string) is taken as the `+` it was.
    """
    text = text.strip()
    whole = date_of(text)
    if whole:
        return stamp(datetime.combine(whole, time.min, UTC))
    spelled = _TIME.fullmatch(text)
    if spelled:
        day, clock, _, offset = spelled.groups()
        try:
            return stamp(datetime.fromisoformat(f"{day}T{clock}{offset.upper().replace(' ', '+')}"))
        except (ValueError, OverflowError):
            pass
    raise ValueError("must be a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset), or a date like 2026-06-10")


def date_of(text: str) -> date | None:
    """Return the date that a text is, None if it is none."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def day(text: str, zone: tzinfo) -> tuple[str, str] | None:
    """Return the stamps of the first and the last second of a date in this zone, None if the text is no date.

    Raises OverflowError for a day that has no stamps.
    """
    found = date_of(text.strip())
    if found is None:
        return None
    first, last = datetime.combine(found, time.min, zone), datetime.combine(found, _LAST, zone)
    return stamp(first), stamp(last.replace(fold=1))
