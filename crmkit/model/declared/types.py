"""The types that a workspace declares for keys of `custom`: a value is checked, never coerced, and kept as sent.

A type has a text, its `form`, by which the storage keeps it: `of_form(type.form)` is the type again.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from crmkit.errors import in_quotes, nearest
from crmkit.model.actor import Asker
from crmkit.model.cells import json_of
from crmkit.model.fields import MAX_INTEGER, Date, FieldType, Flag, Invalid, Span, Time
from crmkit.model.fold import fold
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets import lists, numbers
from crmkit.model.sheets.habits import Habits, Read
from crmkit.model.times import written

Compared = str | int | float  # what filters and sorts compare in place of a value

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)


class Declared(FieldType, frozen=True, dict=True):
    """The base of these types. Filters of a type that is no `is_compared` are those of a key that is not declared."""

    word: ClassVar[str]  # as a client names the type
    is_compared: ClassVar[bool] = True
    is_text: ClassVar[bool] = False  # its values are texts in JSON

    @cached_property
    def form(self) -> str:
        return json.dumps([self.word])

    def compared(self, value: Any) -> Compared:
        """Return what a JSON value is compared by; raises Invalid for a value that is not of this type."""
        raise NotImplementedError

    def check(self, is_one: bool) -> None:
        if not is_one:
            raise Invalid(f"must be {self.says}")


class DeclaredText(Declared, frozen=True):
    word = "text"
    is_text = True
    taken = Taken.TEXT
    says = "text"

    def compared(self, value: Any) -> str:
        self.check(isinstance(value, str))
        return fold(value)

    def operand(self, text: str) -> str:
        return fold(text)


class DeclaredNumber(Declared, frozen=True):
    word = "number"
    adds = True
    says = "a number"

    def from_cell(self, text: str, habits: Habits) -> Read:
        value = numbers.number(text, habits.decimal)
        return text if value is None else float(value) if value % 1 else int(value), ""

    def compared(self, value: Any) -> int | float:
        self.check(isinstance(value, int | float) and not isinstance(value, bool))
        number: int | float = value
        return number

    def operand(self, text: str) -> int | float:
        self.check(_NUMBER.fullmatch(text) is not None)
        number = int(text) if _WHOLE.fullmatch(text) and abs(int(text)) <= MAX_INTEGER else float(text)
        self.check(math.isfinite(number))
        return number


class DeclaredBool(Declared, frozen=True):
    word = "bool"
    taken = Taken.EXACT
    says = "true or false"

    def from_cell(self, text: str, habits: Habits) -> Read:
        return Flag().from_cell(text, habits)

    def compared(self, value: Any) -> int:
        self.check(isinstance(value, bool))
        return int(value)

    def operand(self, text: str) -> int:
        return int(Flag().operand(text))


class DeclaredDate(Declared, frozen=True):
    word = "date"
    is_text = True
    dated = True
    taken = Taken.TIME
    says = "a date like 2026-06-30"

    def from_cell(self, text: str, habits: Habits) -> Read:
        return Date().from_cell(text, habits)

    def compared(self, value: Any) -> str:
        self.check(isinstance(value, str) and written.date_of(value) is not None)
        return str(value)

    def operand(self, text: str) -> str:
        return Date().cleaned(text)

    def meant(self, raw: Any, asker: Asker) -> Any:
        return Date().meant(raw, asker)

    def period(self, text: str, asker: Asker) -> Span:
        return Date().period(text, asker)


class DeclaredTime(Declared, frozen=True):
    """A moment, compared to the second as UTC."""

    word = "time"
    is_text = True
    dated = True
    taken = Taken.TIME
    says = "a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset)"

    def from_cell(self, text: str, habits: Habits) -> Read:
        value, rest = Time().from_cell(text, habits)
        return Time().meant(value, habits.asker), rest

    def compared(self, value: Any) -> str:
        self.check(isinstance(value, str) and value == value.strip() and written.date_of(value) is None)
        self.check(" " not in value[11:])  # in a filter it may stand for a +
        found = written.parse(value)
        self.check(found is not None)
        return str(found)

    def operand(self, text: str) -> str:
        return str(Time().operand(text))

    def meant(self, raw: Any, asker: Asker) -> Any:
        return Time().meant(raw, asker)

    def span(self, text: str, asker: Asker) -> Span | None:
        return Time().span(text, asker)

    def period(self, text: str, asker: Asker) -> Span:
        return Time().period(text, asker)


class DeclaredChoice(Declared, frozen=True, dict=True):
    """One of a few texts, written just so; filters find it without case, and it sorts in the declared order."""

    choices: tuple[str, ...]
    word = "choice"
    is_text = True
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return f"one of {in_quotes(self.choices)}"

    @cached_property
    def form(self) -> str:
        return json.dumps([self.word, *self.choices])

    @cached_property
    def _places(self) -> Mapping[str, int]:
        return {choice: place for place, choice in enumerate(self.choices)}

    @cached_property
    def _folded(self) -> Mapping[str, int]:
        return {fold(choice): place for choice, place in self._places.items()}

    def from_cell(self, text: str, habits: Habits) -> Read:
        place = self._folded.get(fold(text))
        return text if place is None else self.choices[place], ""

    def compared(self, value: Any) -> int:
        place = self._places.get(value) if isinstance(value, str) else None
        if place is None:
            raise Invalid(f"must be {self.says}{nearest(value, self.choices) if isinstance(value, str) else ''}")
        return place

    def operand(self, text: str) -> int:
        place = self._folded.get(fold(text.strip()))
        if place is None:
            raise Invalid(f"must be {self.says}{nearest(text, self.choices)}")
        return place


class DeclaredList(Declared, frozen=True):
    word = "list"
    is_compared = False
    says = "a list"

    def from_cell(self, text: str, habits: Habits) -> Read:
        return lists.listed(text), ""

    def compared(self, value: Any) -> int:
        self.check(isinstance(value, list))
        return len(value)


class DeclaredObject(Declared, frozen=True):
    word = "object"
    is_compared = False
    says = "an object"

    def from_cell(self, text: str, habits: Habits) -> Read:
        try:
            return json_of(text), ""
        except ValueError:
            return text, ""

    def compared(self, value: Any) -> int:
        self.check(isinstance(value, dict))
        return len(value)


_MAKE: dict[str, Callable[..., Declared]] = {
    type_.word: type_
    for type_ in (DeclaredText, DeclaredNumber, DeclaredBool, DeclaredDate, DeclaredTime, DeclaredList, DeclaredObject)
} | {DeclaredChoice.word: lambda *choices: DeclaredChoice(choices)}

TYPES = ("text", "number", "bool", "date", "time", "choice", "list", "object")


def declared_type(word: str, choices: tuple[str, ...] = ()) -> Declared:
    """Return the type that a client names; only `choice` has choices."""
    return _MAKE[word](*choices)


@lru_cache(1024)
def of_form(form: str) -> Declared:
    """Return the type that has this form."""
    word, *choices = json.loads(form)
    return declared_type(word, tuple(choices))


def continues(old: str, new: str) -> bool:
    """Tell whether values of the form `old` are compared alike, and all valid, in the form `new`."""
    was, now = json.loads(old), json.loads(new)
    return bool(now[: len(was)] == was)
