"""Which cells of a workbook are dates and times: their number formats say so."""

import re
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from crmkit.files.table import invalid
from crmkit.files.xlsx.archive import Archive

_MOST_STYLES = 100_000
# the formats that workbooks name by number alone (ECMA-376, 18.8.30)
_DAYS = {14, 15, 16, 17, *range(27, 32), 36, *range(50, 59)}
_TIMES = {18, 19, 20, 21, 32, 33, 34, 35, 45, 47}
_BOTH = {22}
_ELAPSED = {46}
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!(?:h+|m+|s+)\])[^\]]*\]', re.IGNORECASE)
_LAST_DAY = 2_958_466  # of the year 9999, and one


class Shown(NamedTuple):
    """What of a number a format shows; `digits` is how many a whole number has at least, with zeros before it."""

    day: bool
    time: bool
    elapsed: bool = False
    digits: int = 0


def styles_of(archive: Archive, name: str) -> dict[int, Shown]:
    """Return of each style that shows a date or a time what it shows."""
    formats: dict[int, Shown | None] = {}
    found: dict[int, Shown] = {}
    count = 0
    inside = False  # the formats of cells; those of named styles are elements of the same name

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count, inside
        if tag == "numFmt":
            if len(formats) > _MOST_STYLES:
                raise invalid(f"The workbook has more than {_MOST_STYLES:,} formats.")
            formats[int(attributes.get("numFmtId", 0))] = _shown(attributes.get("formatCode", "")[:1000])
        elif tag == "cellXfs":
            inside = True
        elif tag == "xf" and inside:
            number = int(attributes.get("numFmtId", 0))
            shown = formats[number] if number in formats else _built_in(number)
            if shown:
                found[count] = shown
            count += 1
            if count > _MOST_STYLES:
                raise invalid(f"The workbook has more than {_MOST_STYLES:,} styles.")

    def end(tag: str) -> None:
        nonlocal inside
        inside = inside and tag != "cellXfs"

    archive.read(name, start, end)
    return found


def shown_as(number: float, shown: Shown, since_1904: bool) -> str | float:
    """Return the text of a date or time: `2026-03-01`, `2026-03-01T09:14:00`, `09:14:00`, `36:00:00`.

    A number that is no date, as one before the year 1900, stays a number. One with zeros before it is `02130`.
    """
    if shown.digits:
        return f"{int(number):0{shown.digits}}" if number.is_integer() and 0 <= number < 1e15 else number
    if shown.elapsed:
        seconds = round(abs(number) * 86_400)
        if seconds > 1e12:
            return number
        return f"{'-' * (number < 0)}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    days = number + 1_462 * since_1904
    if not 0 <= days < _LAST_DAY:
        return number
    if not since_1904 and days < 60:  # Excel counts a 29th of February 1900
        days += 1
    milliseconds = round(days * 86_400_000)
    if milliseconds >= _LAST_DAY * 86_400_000:  # which the last moment of all is rounded to
        return number
    moment = datetime(1899, 12, 30) + timedelta(milliseconds=milliseconds)
    if not moment.microsecond:
        moment = moment.replace(microsecond=0)
    if shown.time and not shown.day and number < 1:
        return moment.time().isoformat()
    has_time = shown.time or moment.time() != time()
    return moment.isoformat() if has_time else date.isoformat(moment)


def _built_in(number: int) -> Shown | None:
    if number in _ELAPSED:
        return Shown(False, True, elapsed=True)
    day, hour = number in _DAYS or number in _BOTH, number in _TIMES or number in _BOTH
    return Shown(day, hour) if day or hour else None


def _shown(code: str) -> Shown | None:
    """Return what a format like `yyyy-mm-dd hh:mm` shows, None for one of numbers or texts."""
    first = _LITERAL.sub("", code).split(";")[0].lower()
    if re.search(r"\[(h+|m+|s+)\]", first):
        return Shown(False, True, elapsed=True)
    if "general" in first:
        return None
    if re.fullmatch("0{2,15}", first):  # postal codes, numbers of articles
        return Shown(False, False, digits=len(first))
    hour = re.search(r"[hs]", first) is not None
    day = re.search(r"[dy]", first) is not None or ("m" in first and not hour)
    if "m" in first and hour and re.search(r"m{3,}", first):
        day = True
    # `e` is a year of Japan's and Chinese formats, and the exponent of numbers beside 0 and #
    if "e" in first and not re.search(r"[0#?]", first):
        day = True
    return Shown(day, hour) if day or hour else None
