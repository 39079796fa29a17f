"""What comes next in a series that repeats.

A series has the times that a clock shows in a zone, beginning with its first. Where the clock is put forward and a time
does not exist, the time that is as much later stands for it; of a time that comes twice, the first counts.
"""

import calendar
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import count
from typing import Any

from crmkit.clock import moment, stamp
from crmkit.model.recurrence.rule import FREQUENCIES, BadRule, Rule, parse

_DAYS = {"daily": 1, "weekly": 7}
_MONTHS = {"monthly": 1, "yearly": 12}
# how long a step of a rule is that does not go by months
_LONG = {
    "WEEKLY": timedelta(days=7),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
# A time is looked for in this many days; a step costs as much as some, and is a look at those of its month or year.
_MOST_DAYS, _STEP = 20_000, 10
_DAYS_OF_STEP = {"YEARLY": 366, "MONTHLY": 31, "WEEKLY": 7}
_SAY_DAYS = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO")  # and BYDAY: parts that say on which days a rule fires
_OVER_A_GAP = timedelta(hours=25)  # more than any clock was ever put forward by


def following(text: str, first: str, past: str, zone: tzinfo) -> str | None:
    """Return the time after `past` of the series whose `first` time is this, None if its rule has ended by then.

    Times are stamps; the clock is that of `zone`. Raises BadRule, also for a rule that fires never, or so rarely that
    it takes long to find out when.
    """
    rule = parse(text)
    try:
        until = last(text, zone)
        found = _first_after(_times(rule, _shown(first, zone), _since(past, zone)), past, until, zone)
    except OverflowError:  # datetime ends with the year 9999
        found = until = None
    if found is None and until is None:
        raise BadRule("never comes again")
    return None if found is None or (until is not None and found > until) else found


def last(text: str, zone: tzinfo) -> str | None:
    """Return the last moment that a rule allows, None if it says none that a calendar holds; raises BadRule."""
    rule = parse(text)
    try:
        return _stamped(rule.until, zone) if isinstance(rule, Rule) and rule.until else None
    except OverflowError:
        return None


def _first_after(times: Iterator[datetime], past: str, until: str | None, zone: tzinfo) -> str | None:
    found: str | None = None
    for time in times:
        at = _stamped(time, zone)
        if at > past:
            found = at if found is None else min(found, at)
            if time >= _shown(found, zone):  # else the clock skips that time, and an hour that it shows may come before
                return found
        if until is not None and at > until:
            return found
    return found


def _stamped(time: datetime, zone: tzinfo) -> str:
    return stamp(time if time.tzinfo else time.replace(tzinfo=zone))


def _shown(at: str, zone: tzinfo) -> datetime:
    """Return what the clock shows at a stamp, at least the first moment of the year 1."""
    return _in_zone(moment(at), zone)


def _since(at: str, zone: tzinfo) -> datetime:
    """Return what the clock shows at a stamp, or would show had it not been put forward on the day before."""
    try:
        before = moment(at) - _OVER_A_GAP
    except OverflowError:
        return _shown(at, zone)  # no clock was put forward in the year 1
    return min(_shown(at, zone), _in_zone(before, zone) + _OVER_A_GAP)


def _in_zone(at: datetime, zone: tzinfo) -> datetime:
    try:
        return at.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError:
        if at.year > datetime.min.year:
            raise
        return datetime.min


def _times(rule: Rule | str, first: datetime, since: datetime) -> Iterator[datetime]:
    """Yield the times of a series in order, of those before `since` only a few; raises OverflowError at the end."""
    if isinstance(rule, Rule):
        yield from (time for time in _of_rule(rule, first, since) if time >= first)
    elif rule in _DAYS:
        step = timedelta(days=_DAYS[rule])
        for number in count(max(0, (since - first) // step)):
            yield first + number * step
    else:
        for number in count(max(0, (_month(since) - _month(first)) // _MONTHS[rule])):
            begin = _moved(first, number * _MONTHS[rule])
            yield begin.replace(day=min(first.day, calendar.monthrange(begin.year, begin.month)[1]))


def _month(time: datetime) -> int:
    return time.year * 12 + time.month - 1


def _moved(time: datetime, months: int) -> datetime:
    """Return the first day of a month later; raises OverflowError past the year 9999."""
    year, month = divmod(_month(time) + months, 12)
    if year > datetime.max.year:
        raise OverflowError
    return time.replace(year=year, month=month + 1, day=1)


class _Interval(int):
    """The interval of a rule, which dateutil adds to a time at each step: raises BadRule when no step is `left`.

    It bounds the work of a rule that fires rarely or never, which dateutil would follow up to the year 9999.
    """

    left: int

    def __radd__(self, other: Any) -> Any:
        self._step()
        return int(self) + other

    def __mul__(self, other: Any) -> Any:  # WEEKLY adds the product with 7
        self._step()
        return int(self) * other

    def _step(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise BadRule("fires never, or too rarely")


def _of_rule(rule: Rule, first: datetime, since: datetime) -> Iterator[datetime]:
    """Yield the times of a rule from a while before `since` on, maybe also some before the `first`."""
    from dateutil import rrule  # imported late: few requests need it

    parts: dict[str, Any] = {name.lower(): numbers for name, numbers in rule.lists.items()}
    if rule.weekdays:
        parts["byweekday"] = [rrule.weekday(day, which or None) for day, which in rule.weekdays]
    if rule.frequency in _LONG:
        step = _LONG[rule.frequency] * rule.interval
        begin = first + step * max(0, (since - first) // step - 1)
    else:
        months = rule.interval * (12 if rule.frequency == "YEARLY" else 1)
        whole = first.replace(month=1, day=1) if rule.frequency == "YEARLY" else first
        begin = _moved(whole, months * max(0, (_month(since) - _month(whole)) // months))
        if not rule.weekdays and not any(name in rule.lists for name in _SAY_DAYS):
            parts["bymonthday"] = first.day
            if rule.frequency == "YEARLY":
                parts.setdefault("bymonth", first.month)
    interval = _Interval(rule.interval)
    interval.left = _MOST_DAYS // (_STEP + _DAYS_OF_STEP.get(rule.frequency, 1))
    number: Any = FREQUENCIES.index(rule.frequency)
    try:
        yield from rrule.rrule(number, dtstart=begin, interval=interval, wkst=rule.week_start, **parts)
    except BadRule:
        raise
    except ValueError:  # of dateutil: the parts exclude each other
        raise BadRule("never fires") from None
