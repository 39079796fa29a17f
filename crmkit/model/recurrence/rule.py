"""The texts that say how something repeats: a word like weekly, or a rule of RFC 5545 (section 3.3.10)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from math import prod

from msgspec import Struct

from crmkit.errors import nearest

WORDS = ("daily", "weekly", "monthly", "yearly")
FREQUENCIES = ("YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY")  # as dateutil numbers them
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
MOST_LETTERS = 200
MOST_TIMES_A_DAY = 24 * 60

# the parts that are lists of numbers, each with the least and the greatest number
_LISTS = {
    "BYSECOND": (0, 60),  # a leap second, 60, counts as 59
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (1, 366),
}
_PARTS = ("FREQ", "INTERVAL", "UNTIL", *_LISTS, "BYDAY", "WKST")
_NOT_WITH = {  # the frequencies that a part does not go with
    "BYWEEKNO": FREQUENCIES[1:],
    "BYYEARDAY": ("MONTHLY", "WEEKLY", "DAILY"),
    "BYMONTHDAY": ("WEEKLY",),
}
_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
_UNTIL = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(Z)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?[0-9]{1,4}", re.ASCII)


class BadRule(ValueError):
    """What is wrong with a text that should say how something repeats; the message follows the field's name."""


class Rule(Struct, frozen=True):
    """A rule of RFC 5545, whose parts were checked."""

    frequency: str
    interval: int = 1
    until: datetime | None = None  # without a zone if the rule has none
    week_start: int = 0
    lists: Mapping[str, tuple[int, ...]] = {}  # of numbers, by the name of their part
    weekdays: tuple[tuple[int, int], ...] = ()  # (day, which one in its month or year; 0 for each)


@lru_cache(256)
def parse(text: str) -> Rule | str:
    """Return the rule that a text spells, or which of WORDS it is; raises BadRule."""
    if text.lower() in WORDS:
        return text.lower()
    if len(text) > MOST_LETTERS:
        raise BadRule(f"has {len(text):,} characters; at most {MOST_LETTERS} fit")
    if "=" not in text or not text.isascii():
        raise BadRule(f"must be {', '.join(WORDS)} or a rule like FREQ=WEEKLY;BYDAY=MO{nearest(text, WORDS)}")
    parts: dict[str, str] = {}
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name == "COUNT":
            raise BadRule("has COUNT, which is not kept; say UNTIL=20261231")
        if name not in _PARTS:
            raise BadRule(f"must be one rule of the parts {', '.join(_PARTS)}")
        if name in parts:
            raise BadRule(f"has {name} twice")
        parts[name] = value
    return _checked(parts)


def says_the_same(one: str, other: str) -> bool:
    """Tell whether two texts say the same rule, however they spell it; raises BadRule."""
    return _meant(one) == _meant(other)


def _meant(text: str) -> Rule | str:
    rule = parse(text)  # monthly and yearly have no rule that says the same: they keep to the last day of a month
    return Rule(rule.upper()) if rule in ("daily", "weekly") and isinstance(rule, str) else rule


def _checked(parts: Mapping[str, str]) -> Rule:
    """Return the rule of these parts, whose names and values are in upper case; raises BadRule."""
    frequency = parts.get("FREQ", "")
    if frequency not in FREQUENCIES:
        raise BadRule(f"needs FREQ, one of {', '.join(FREQUENCIES)}{nearest(frequency, FREQUENCIES)}")
    for name, frequencies in _NOT_WITH.items():
        if name in parts and frequency in frequencies:
            raise BadRule(f"has {name}, which does not go with FREQ={frequency}")
    if parts.get("WKST", "MO") not in WEEKDAYS:
        raise BadRule(f"has a WKST that is none of {', '.join(WEEKDAYS)}")
    lists = {name: _numbers(name, text) for name, text in parts.items() if name in _LISTS}
    if prod(len(lists.get(name, (0,))) for name in ("BYHOUR", "BYMINUTE", "BYSECOND")) > MOST_TIMES_A_DAY:
        raise BadRule(f"fires more than {MOST_TIMES_A_DAY:,} times a day")
    if "BYSETPOS" in lists and len(lists) == 1 and "BYDAY" not in parts:
        raise BadRule("has BYSETPOS without another part whose name begins with BY")
    return Rule(
        frequency,
        _number("INTERVAL", parts.get("INTERVAL", "1"), 1, 9_999),
        _last(parts["UNTIL"]) if "UNTIL" in parts else None,
        WEEKDAYS.index(parts.get("WKST", "MO")),
        lists,
        _weekdays(parts["BYDAY"], frequency, "BYWEEKNO" in parts) if "BYDAY" in parts else (),
    )


def _numbers(name: str, text: str) -> tuple[int, ...]:
    numbers = {_number(name, each, *_LISTS[name]) for each in text.split(",")}
    return tuple(sorted({min(number, 59) for number in numbers} if name == "BYSECOND" else numbers))


def _number(name: str, text: str, least: int, most: int) -> int:
    number = int(text) if _NUMBER.fullmatch(text) else most + 1
    is_from_end = number < 0 and least == 1 and name not in ("BYMONTH", "INTERVAL")
    if not least <= (-number if is_from_end else number) <= most:
        raise BadRule(f"has {name}={text[:20]}, which is no number from {least} to {most:,}")
    return number


def _weekdays(text: str, frequency: str, has_weeks: bool) -> tuple[tuple[int, int], ...]:
    found = set()
    for part in text.split(","):
        spelled = _DAY.fullmatch(part)
        which = int(spelled[1] or 0) if spelled else 0
        if spelled is None or (spelled[1] and not 1 <= abs(which) <= 53):
            raise BadRule(f"has BYDAY={part[:20]}, which is no day like MO or -1FR")
        if which and (frequency not in FREQUENCIES[:2] or has_weeks):
            raise BadRule(f"has BYDAY={part}, whose number is one of a month or a year")
        found.add((WEEKDAYS.index(spelled[2]), which))
    if len({which == 0 for _, which in found}) > 1:
        raise BadRule("has days with and without a number in BYDAY")
    return tuple(sorted(found))


def _last(text: str) -> datetime:
    """Return the last moment that UNTIL allows: of a day, its last second."""
    spelled = _UNTIL.fullmatch(text if "T" in text else f"{text}T235959")
    try:
        if spelled is None:
            raise ValueError
        year, month, day, hour, minute, second = (int(part) for part in spelled.groups()[:6])
        return datetime(
            year, month, day, hour, minute, 59 if second == 60 else second, tzinfo=UTC if spelled[7] else None
        )
    except ValueError:
        raise BadRule("has an UNTIL that is no time like 20261231 or 20261231T090000Z") from None
