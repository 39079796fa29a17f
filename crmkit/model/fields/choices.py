"""One of a set of words; yes or no."""

from typing import Any, ClassVar

from crmkit.errors import nearest
from crmkit.model.cells import custom_value
from crmkit.model.fields.base import FieldType, Invalid
from crmkit.model.iso_codes import CURRENCIES
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets import numbers, words
from crmkit.model.sheets.habits import Habits, Read


class Choice(FieldType, frozen=True):
    """One of a few words, which sort in the order of their declaration; with `has_plurals` each in the plural too.

    The second column holds a word's place. Where words of a released kind change places, a migration ranks them anew.
    """

    choices: tuple[str, ...]
    has_plurals: bool = False

    key_column = "INTEGER"
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return f"one of {', '.join(self.choices)}"

    @property
    def brief(self) -> str:
        return "|".join(self.choices)

    @property
    def legend(self) -> str:
        return "a|b: one of these words"

    def from_cell(self, text: str, habits: Habits) -> Read:
        """Return the word that has these letters, email for `E-mail`, or that is meant by it: solved for `Closed`."""
        from crmkit.model.sheets import words  # late: a start does without

        return words.choice(text, self.choices) or text, ""

    def cleaned(self, value: str) -> str:
        chosen = value.strip().lower()
        if self.has_plurals and chosen not in self.choices:
            chosen = chosen.removesuffix("s")
        if chosen not in self.choices:
            raise Invalid(f"must be {self.says}{nearest(chosen, self.choices)}")
        return chosen

    def key(self, value: str | None) -> int | None:
        return None if value is None else self.choices.index(value)

    def operand(self, text: str) -> int | None:
        return self.key(self.accept(text))

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "enum": list(self.choices)}


class Currency(FieldType, frozen=True):
    """An ISO 4217 code."""

    bare: ClassVar[bool] = True
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return "an ISO 4217 currency code like USD"

    def from_cell(self, text: str, habits: Habits) -> Read:
        return numbers.currency(text, habits.asker.preferences.currency) or text, ""

    def cleaned(self, value: str) -> str:
        code = value.strip().upper()
        if code not in CURRENCIES:
            raise Invalid(f"must be {self.says}{nearest(code, CURRENCIES)}")
        return code


class Flag(FieldType, frozen=True):
    """Yes or no: true or false in JSON and in lines, 1 or 0 in its column."""

    column = "INTEGER"
    wire = bool
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return "true or false"

    @property
    def brief(self) -> str:
        return "true|false"

    def from_cell(self, text: str, habits: Habits) -> Read:
        flag = words.flag(text)
        return text if flag is None else flag, ""

    def from_own(self, text: str) -> Any:
        return custom_value(text)

    def operand(self, text: str) -> bool:
        word = text.strip().lower()
        if word not in ("true", "false"):
            raise Invalid(f"must be {self.says}")
        return word == "true"
