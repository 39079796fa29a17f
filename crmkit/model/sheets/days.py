"""Days and times as other programs write them: `5/17/2026`, `17.5.26 9:14`, `05 Apr 2026`, `2026-03-01 09:14:00 +0200`.

A date of three numbers has an order; one with a year of four digits before them, or with the name of a month, tells it.
"""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, timezone, tzinfo

from msgspec import Struct

from crmkit.errors import listed
from crmkit.model import fold
from crmkit.model.sheets.habits import ORDERS
from crmkit.model.sheets.patterns import LatePattern

LONGEST = 80  # characters of what may be a date

_CLOCK = (
    r"(?:(?:\s*[,T]\s*|\s+(?:at\s+|um\s+)?)(?P<hour>\d{1,2})[:.h](?P<minute>\d\d)(?:[:.](?P<second>\d\d)(?:[.,]\d{1,9})?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<offset>z|utc|gmt|(?:utc|gmt)?[+-]\d\d:?\d\d)?)?"
)
_DAY_NAME = r"(?:[^\W\d_]{2,12}\.?,?\s+)?"
_NUMERIC = LatePattern(
    rf"{_DAY_NAME}(\d{{1,4}})\s*([./-])\s*(\d{{1,2}})\s*\2\s*(\d{{1,4}})\.?{_CLOCK}", re.ASCII | re.IGNORECASE
)
_DAY_FIRST = LatePattern(
    rf"{_DAY_NAME}(\d{{1,2}})(?:st|nd|rd|th|er|\.)?[\s-]*(?:de\s+)?([^\W\d_]{{3,12}})\.?[\s,-]*(?:de\s+)?(\d{{4}}|\d\d){_CLOCK}",
    re.IGNORECASE,
)
_MONTH_FIRST = LatePattern(
    rf"{_DAY_NAME}([^\W\d_]{{3,12}})\.?[\s-]+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}}){_CLOCK}", re.IGNORECASE
)
_EAST_ASIAN = LatePattern(rf"(\d{{4}})\s*[年년]\s*(\d{{1,2}})\s*[月월]\s*(\d{{1,2}})\s*[日일]{_CLOCK}", re.IGNORECASE)

_SPELLED = ((_DAY_FIRST, (3, 2, 1)), (_MONTH_FIRST, (3, 1, 2)), (_EAST_ASIAN, (1, 2, 3)))  # where year, month, day are

# names of months, a language in each line
_MONTHS = """
    january february march april may june july august september october november december
    januar februar marz april mai juni juli august september oktober november dezember
    janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre
    enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
    gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
    janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro
    januari februari maart april mei juni juli augustus september oktober november december
    stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia
    januari februari mars april maj juni juli augusti september oktober november december
"""


class Moment(Struct, frozen=True):
    """A day, and the time of a clock on it, if any, with the zone that stands behind it, if any."""

    day: date
    clock: time | None = None
    zone: tzinfo | None = None

    def at(self, zone: tzinfo) -> datetime | None:
        """Return the moment; its clock is one in `zone` unless it tells. None for a day alone."""
        return None if self.clock is None else datetime.combine(self.day, self.clock, self.zone or zone)

    def day_in(self, zone: tzinfo) -> date:
        """Return the date that it is in `zone`."""
        at = self.at(zone) if self.zone is not None else None
        return self.day if at is None else at.astimezone(zone).date()


def only(text: str, orders: tuple[str, ...]) -> Moment | None:
    """Return what a text means, None for what is no date; raises ValueError for one that may be several."""
    found = read(text, orders)
    if len(found) > 1:
        meanings = listed([each.day.isoformat() for each in found], "or")
        raise ValueError(f"may be {meanings}: dates=dmy, dates=mdy or dates=ymd says which")
    return found[0] if found else None


def read(text: str, orders: tuple[str, ...]) -> list[Moment]:
    """Return what a text means by one of these orders, each meaning once; nothing for what is no date."""
    return list(dict.fromkeys(_meant(text, orders))) if len(text) <= LONGEST else []


def fitting(text: str) -> tuple[str, ...] | None:
    """Return the orders that a date of three numbers may have, None for a text whose order is known or that is none."""
    found = _NUMERIC.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or len(found[1]) > 2:
        return None
    return tuple(order for order in ORDERS if _ordered(found, order) is not None)


def _meant(text: str, orders: tuple[str, ...]) -> Iterator[Moment]:
    if found := _NUMERIC.fullmatch(text):
        known = ("ymd",) if len(found[1]) > 2 else orders
        days = (_ordered(found, order) for order in known)
        moments = (_moment(day, found) for day in days if day is not None)
        yield from (moment for moment in moments if moment is not None)
        return
    for pattern, (year, month, day) in _SPELLED:
        if found := pattern.fullmatch(text):
            number = int(found[month]) if found[month].isdecimal() else _month(found[month])
            whole = _date(found[year], number, int(found[day])) if number else None
            moment = _moment(whole, found) if whole is not None else None
            if moment is not None:
                yield moment
            return


def _ordered(found: re.Match[str], order: str) -> date | None:
    numbers = dict(zip(order, (found[1], found[3], found[4]), strict=True))
    year, month, day = numbers["y"], numbers["m"], numbers["d"]
    is_short = len(year) == 2 and order == "ymd"  # then month and day have two digits too
    if len(year) not in (2, 4) or len(day) > 2 or (is_short and (len(month), len(day)) != (2, 2)):
        return None
    return _date(year, int(month), int(day))


def _date(year: str, month: int, day: int) -> date | None:
    number = int(year)
    if len(year) == 2:  # as POSIX reads two digits
        number += 2000 if number < 69 else 1900
    try:
        return date(number, month, day)
    except ValueError:
        return None


def _moment(day: date, found: re.Match[str]) -> Moment | None:
    if found["hour"] is None:
        return Moment(day)
    hour, half = int(found["hour"]), (found["half"] or "")[:1].lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        clock = time(hour, int(found["minute"]), int(found["second"] or 0))
        return Moment(day, clock, _zone(found["offset"]))
    except ValueError:
        return None


def _zone(offset: str | None) -> tzinfo | None:
    if not offset:
        return None
    digits = re.sub(r"[^0-9]", "", offset)
    span = timedelta(hours=int(digits[:2] or 0), minutes=int(digits[2:] or 0))
    return timezone(-span if "-" in offset else span)


def _month(name: str) -> int | None:
    """Return the number of a month by its name or the first three letters or more of it."""
    word = fold.plain(name)
    exact = _NAMES.get(word)
    if exact is not None:
        return exact
    meant = {number for known, number in _NAMES.items() if known.startswith(word)}
    return meant.pop() if len(meant) == 1 else None


_NAMES = {name: at % 12 + 1 for at, name in enumerate(_MONTHS.split())} | {
    "mrz": 3,
    "sept": 9,
    "jun": 6,
    "jul": 7,
    "mar": 3,
    "mai": 5,
}
