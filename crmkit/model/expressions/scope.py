"""What an expression is evaluated for."""

from datetime import date, tzinfo
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from crmkit.clock import moment
from crmkit.model.expressions.values import Value, counts, form, number
from crmkit.model.times import written

_DAY_SECONDS = 24 * 60 * 60


class Scope(Struct, frozen=True, dict=True):
    """A record at a moment, a stamp; days are those of a zone.

    What a text or list is compared by is made once, however often rules compare it: they are those of the record and of
    the rules, so each is known by its identity.
    """

    record: Any
    now: str
    zone: tzinfo
    forms: dict[int, Any] = field(default_factory=dict)
    items: dict[int, frozenset[Any]] = field(default_factory=dict)

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

    def equal(self, one: Value, other: Value) -> bool:
        """Tell whether two values are equal; a missing one is 0 beside a number."""
        if counts(one) and counts(other):
            return number(one) == number(other)
        are_alike = isinstance(one, str | list) and type(one) is type(other)
        return are_alike and bool(self._form(one) == self._form(other))

    def sign(self, one: Value, other: Value) -> int | None:
        """Return -1, 0 or 1 as the first is less than, equals or exceeds the other; None where they have no order."""
        if counts(one) and counts(other):
            a, b = number(one), number(other)
        elif isinstance(one, str) and isinstance(other, str):
            a, b = self._form(one), self._form(other)
        else:
            return None
        return (a > b) - (a < b)

    def has(self, held: Value, item: Value) -> bool:
        """Tell whether an item of a list equals another value; a value that is no list is one of itself."""
        if not isinstance(held, list):
            return held is not None and self.equal(held, item)
        if not (counts(item) or isinstance(item, str)):
            return False
        found = self.items.get(id(held))
        if found is None:
            found = self.items[id(held)] = frozenset(self._form(held))
        return (number(item) if counts(item) else self._form(item)) in found

    def _form(self, value: Value) -> Any:
        found = self.forms.get(id(value))
        if found is None:
            found = self.forms[id(value)] = form(value)
        return found
