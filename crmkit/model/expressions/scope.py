"""What an expression is evaluated for."""

from datetime import date, tzinfo
from functools import cached_property
from typing import Any

from msgspec import Struct

from crmkit.clock import moment
from crmkit.model.expressions.values import Value
from crmkit.model.times import written

_DAY_SECONDS = 24 * 60 * 60


class Scope(Struct, frozen=True, dict=True):
    """A record at a moment, a stamp; days are those of a zone."""

    record: Any
    now: str
    zone: tzinfo

    @cached_property
    def today(self) -> date:
        return moment(self.now).astimezone(self.zone).date()

    def days_since(self, value: Value) -> float:
        """Return the whole days since a time or a date; 0 for one to come, and for any other value."""
        if not isinstance(value, str):
            return 0.0
        day = written.date_of(value)
        if day is not None:
            return float(max(0, (self.today - day).days))
        at = written.parse(value)
        if at is None:
            return 0.0
        return float(max(0, (moment(self.now) - moment(at)).total_seconds() // _DAY_SECONDS))
