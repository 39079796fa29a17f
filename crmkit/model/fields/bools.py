"""Yes or no."""

from dataclasses import dataclass
from typing import ClassVar

from crmkit.model.fields.base import EXACT, FieldType, Invalid


@dataclass(frozen=True)
class Bool(FieldType):
    """True or false, stored as JSON spells it."""

    bare: ClassVar[bool] = True
    structured = True
    operators = EXACT
    wire = bool

    @property
    def says(self) -> str:
        return "true or false"

    def operand(self, text: str) -> str:
        return spelled(text, self.says)


def spelled(text: str, says: str) -> str:
    """Return `true` or `false`, whichever a text says; raises Invalid for any other text."""
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise Invalid(f"must be {says}")
    return word
