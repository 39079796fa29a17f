"""Numbers."""

import re
from dataclasses import dataclass

from crmkit.model.fields.base import FieldType, Invalid

MAX_INTEGER = 2**63 - 1
MAX_CENTS = 2**53 - 1  # what every JSON reader holds exactly (RFC 8259, section 6)


@dataclass(frozen=True)
class Integer(FieldType):
    least: int = -MAX_INTEGER
    most: int = MAX_INTEGER

    column = "INTEGER"
    wire = int

    @property
    def says(self) -> str:
        if self.most == MAX_INTEGER:
            return "a whole number" + (", not negative" if self.least == 0 else "")
        return f"a whole number from {self.least:,} to {self.most:,}"

    def cleaned(self, value: int) -> int:
        if not self.least <= value <= self.most:
            raise Invalid(f"must be {self.says}")
        return value

    def operand(self, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text, re.ASCII):
            raise Invalid(f"must be {self.says}")
        return self.cleaned(int(text))
