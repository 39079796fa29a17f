"""How a record repeats."""

from dataclasses import dataclass

from crmkit.model.fields.base import EXACT, FieldType, Invalid
from crmkit.model.fold import fold
from crmkit.model.names import trimmed
from crmkit.model.recurrence import rule


@dataclass(frozen=True)
class Repeat(FieldType):
    """A word like weekly, or a rule of RFC 5545; kept as written, compared without case."""

    key_column = "TEXT"
    operators = EXACT

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
