"""Numbers."""

import math
import re
from typing import Any

from crmkit.model.cells import MAX_INTEGER, custom_value
from crmkit.model.fields.base import FieldType, Invalid
from crmkit.model.sheets import numbers, spans
from crmkit.model.sheets.habits import Habits, Read

MAX_EXACT = 2**53 - 1  # what every JSON reader holds exactly (RFC 8259, section 6)

_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)


class Integer(FieldType, frozen=True):
    adds = True

    least: int = -MAX_INTEGER
    most: int = MAX_INTEGER

    column = "INTEGER"
    wire = int

    @property
    def says(self) -> str:
        if self.most == MAX_INTEGER:
            return "a whole number" + (", not negative" if self.least == 0 else "")
        return f"a whole number from {self.least:,} to {self.most:,}"

    @property
    def brief(self) -> str:
        return "cents" if self.is_money else self.says

    @property
    def legend(self) -> str:
        return (
            f"cents: hundredths of the currency, whole, from {self.least:,} to {self.most:,}" if self.is_money else ""
        )

    @property
    def is_money(self) -> bool:
        """Whether it is an amount in cents of the record's currency."""
        return (self.least, self.most) == (-MAX_EXACT, MAX_EXACT)

    def from_cell(self, text: str, habits: Habits) -> Read:
        """Return a whole number. A cell of an amount of money is one of cents: `1234` are 1234 cents."""
        value = numbers.number(text.removesuffix("%"), habits.decimal)
        return text if value is None or value % 1 or numbers.is_like_grouped(value) else int(value), ""

    def from_own(self, text: str) -> Any:
        return custom_value(text)

    def cleaned(self, value: int) -> int:
        if not self.least <= value <= self.most:
            raise Invalid(f"must be {self.says}")
        return value

    def operand(self, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text, re.ASCII):
            raise Invalid(f"must be {self.says}")
        return self.cleaned(int(text))


class Minutes(Integer, frozen=True):
    """How long something takes."""

    def from_cell(self, text: str, habits: Habits) -> Read:
        found, _ = super().from_cell(text, habits)
        found = spans.minutes(text) if found == text else found
        return (None, text) if found is None else (found, "")


class Number(FieldType, frozen=True):
    """A number with a fraction or without: 64 bits of IEEE 754."""

    adds = True

    least: float = -math.inf
    most: float = math.inf

    column = "REAL"
    wire = float

    @property
    def says(self) -> str:
        return "a number" if self.most == math.inf else f"a number from {self.least:g} to {self.most:g}"

    def from_cell(self, text: str, habits: Habits) -> Read:
        value = numbers.number(text, habits.decimal)
        return text if value is None else float(value), ""

    def from_own(self, text: str) -> Any:
        return custom_value(text)

    def cleaned(self, value: float) -> float:
        if not (self.least <= value <= self.most and math.isfinite(value)):
            raise Invalid(f"must be {self.says}")
        return value + 0.0  # -0.0 is 0.0

    def operand(self, text: str) -> float:
        if not _NUMBER.fullmatch(text):
            raise Invalid(f"must be {self.says}")
        return self.cleaned(float(text))
