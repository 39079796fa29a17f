"""Days, moments, and how a record repeats."""

from dataclasses import dataclass
from typing import Any, ClassVar

from crmkit.model import times
from crmkit.model.actor import Asker
from crmkit.model.fields.base import FieldType, Invalid, Span, checked
from crmkit.model.fold import fold
from crmkit.model.names import trimmed
from crmkit.model.operators.rows import Taken
from crmkit.model.recurrence import rule


@dataclass(frozen=True)
class Date(FieldType):
    """A day, without a time."""

    bare: ClassVar[bool] = True
    dated: ClassVar[bool] = True
    taken = Taken.TIME

    @property
    def says(self) -> str:
        return "a date like 2026-06-30"

    @property
    def brief(self) -> str:
        return "date"

    @property
    def legend(self) -> str:
        return "date: like 2026-06-30"

    def cleaned(self, value: str) -> str:
        text = value.strip()
        if times.date_of(text) is None:
            raise Invalid(f"must be {self.says}")
        return text


@dataclass(frozen=True)
class Time(FieldType):
    bare: ClassVar[bool] = True
    dated: ClassVar[bool] = True
    taken = Taken.TIME

    @property
    def says(self) -> str:
        return "a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset), or a date (its midnight)"

    @property
    def brief(self) -> str:
        return "time"

    @property
    def legend(self) -> str:
        return "time: like 2026-06-10T09:00:00Z, any RFC 3339 offset, or a date (its midnight)"

    def cleaned(self, value: str) -> str:
        return checked(times.parse, value)

    def meant(self, raw: Any, asker: Asker) -> Any:
        """Return the first second of a day, as the asker's zone has it."""
        span = self.span(raw, asker) if isinstance(raw, str) else None
        return span[0] if span else raw

    def span(self, text: str, asker: Asker) -> Span | None:
        """Return the first and the last second of a day."""
        try:
            return times.day(text, asker.zone)
        except OverflowError:
            raise Invalid(f"must be {self.says}") from None


@dataclass(frozen=True)
class Repeat(FieldType):
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
