"""Days, moments, and how a record repeats."""

from collections.abc import Callable
from datetime import date, timedelta, tzinfo
from functools import partial
from typing import Any, ClassVar, TypeVar

import msgspec

from crmkit.clock import stamp
from crmkit.model.actor import Asker
from crmkit.model.fields.base import FieldType, Invalid, Span, checked
from crmkit.model.fold import fold
from crmkit.model.names import trimmed
from crmkit.model.operators.rows import Taken
from crmkit.model.recurrence import rule
from crmkit.model.sheets import days
from crmkit.model.sheets.habits import Habits, Read
from crmkit.model.times import periods, relative, written

T = TypeVar("T")

_LIKE = f"like {', '.join(relative.EXAMPLES)}"


class Date(FieldType, frozen=True):
    """A day, without a time."""

    bare: ClassVar[bool] = True
    dated: ClassVar[bool] = True
    taken = Taken.TIME

    @property
    def says(self) -> str:
        return f"a date like 2026-06-30, or {_LIKE}"

    @property
    def brief(self) -> str:
        return "date"

    @property
    def legend(self) -> str:
        return "date: like 2026-06-30, today, +2w"

    def from_cell(self, text: str, habits: Habits) -> Read:
        found = checked(partial(days.only, orders=habits.orders), text)
        try:
            return found.day_in(habits.asker.zone).isoformat() if found else text, ""
        except OverflowError:
            return text, ""

    def cleaned(self, value: str) -> str:
        text = value.strip()
        if written.date_of(text) is None:
            raise Invalid(f"must be {self.says}{relative.meant(text)}")
        return text

    def meant(self, raw: Any, asker: Asker) -> Any:
        """Return the date, in the asker's zone, of a day or a time that is told by the present."""
        day = _by_now(relative.date_of, raw, asker)
        return raw if day is None else day.isoformat()

    def period(self, text: str, asker: Asker) -> Span:
        """Return the first day of a period and the first one after it, None for that where there is none."""
        first, last = _period(text, asker)
        return first.isoformat(), None if last == date.max else (last + timedelta(days=1)).isoformat()


class Time(FieldType, frozen=True):
    day: str = "its midnight"  # what a date stands for
    bare: ClassVar[bool] = True
    dated: ClassVar[bool] = True
    taken = Taken.TIME

    @property
    def says(self) -> str:
        return f"a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset), a date ({self.day}), or {_LIKE}"

    @property
    def brief(self) -> str:
        return "time"

    @property
    def legend(self) -> str:
        return "time: like 2026-06-10T09:00:00Z (any offset), a date (its midnight), now, -30d, +2w, -3mo, +1y, -12h"

    def from_cell(self, text: str, habits: Habits) -> Read:
        found = checked(partial(days.only, orders=habits.orders), text)
        at = found.at(habits.asker.zone) if found else None
        try:
            return stamp(at) if at else found.day.isoformat() if found else text, ""
        except OverflowError:
            return text, ""

    def cleaned(self, value: str) -> str:
        found = written.parse(value)
        if found is None:
            raise Invalid(f"must be {self.says}{relative.meant(value)}")
        return found

    def operand(self, text: str) -> Any:
        return msgspec.structs.replace(self, day="that whole day").accept(text)

    def meant(self, raw: Any, asker: Asker) -> Any:
        """Return the stamp of a time that is told by the present, of a day its first second in the asker's zone."""
        if not isinstance(raw, str):
            return raw
        span = self.span(raw, asker)
        return span[0] if span else _by_now(relative.time_of, raw, asker) or raw

    def span(self, text: str, asker: Asker) -> Span | None:
        """Return the first and the last second of a day in the asker's zone."""
        day = written.date_of(text.strip()) or _by_now(relative.day_of, text, asker)
        try:
            return written.seconds_of(day, asker.zone) if day else None
        except OverflowError:
            raise Invalid(f"must be {self.says}") from None

    def first(self, text: str, asker: Asker) -> str:
        """Return the stamp of a time, of a day that of its first second; raises Invalid."""
        return self.cleaned(self.meant(text, asker))

    def last(self, text: str, asker: Asker) -> str:
        """Return the stamp of a time, of a day that of its last second; raises Invalid."""
        span = self.span(text, asker)
        return span[1] if span else self.first(text, asker)

    def period(self, text: str, asker: Asker) -> Span:
        """Return the first moment of a period and the first one after it, None for that where there is none."""
        first, end = periods.bounds(_period(text, asker), asker.zone)
        return first, None if end == periods.LAST else end


def _by_now(read: Callable[[str, str, tzinfo], T], raw: Any, asker: Asker) -> T | None:
    """Return what is read of a text that is told by the present, None where there is none; raises Invalid."""
    if not isinstance(raw, str) or not asker.now:
        return None
    try:
        return read(raw, asker.now, asker.zone)
    except relative.OutOfRange as error:
        raise Invalid(str(error)) from None


def _period(text: str, asker: Asker) -> periods.Days:
    if not asker.now:
        raise Invalid("has no present that a period is told by")
    try:
        return periods.days(text, relative.today(asker.now, asker.zone))
    except (periods.BadPeriod, relative.OutOfRange) as error:
        raise Invalid(str(error)) from None


class Repeat(FieldType, frozen=True):
    """A word like weekly, or a rule of RFC 5545; kept as written, compared without case."""

    key_column = "TEXT"
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return f"{', '.join(rule.WORDS)} or an RFC 5545 rule like FREQ=WEEKLY;BYDAY=MO"

    def cleaned(self, value: str) -> str | None:
        text = trimmed(value)
        if not text:
            return None
        try:
            rule.parse(text)
        except rule.BadRule as error:
            raise Invalid(str(error)) from None
        return text

    def operand(self, text: str) -> str | None:
        value = self.cleaned(text)
        return None if value is None else fold(value)
