"""The type of a field that holds an expression."""

from crmkit.model.expressions.parser import MOST_CHARACTERS
from crmkit.model.fields import LongText


class Formula(LongText, frozen=True):
    """An expression as it was written; whether it is one depends on the fields of a kind, so its rule checks that."""

    most: int = MOST_CHARACTERS

    @property
    def says(self) -> str:
        return f"an expression of at most {self.most:,} characters"

    @property
    def brief(self) -> str:
        return "expression"

    @property
    def legend(self) -> str:
        return ""

    def cleaned(self, value: str) -> str | None:
        """Return it without white space at the ends; one that is too long is refused with its place."""
        return value.strip() or None
