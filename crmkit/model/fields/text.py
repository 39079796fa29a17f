"""Text: one line, paragraphs, an id of another system, a phone number."""

from typing import Any, ClassVar

from crmkit.model import phones
from crmkit.model.actor import Asker
from crmkit.model.fields.base import FieldType, Invalid
from crmkit.model.fold import fold
from crmkit.model.names import trimmed, undirected
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets import lists
from crmkit.model.sheets.habits import Habits, Read


class Text(FieldType, frozen=True):
    """One line or a few words, without white space and unseen characters at the ends; compared without case."""

    most: int
    key_column = "TEXT"
    accented = True
    taken = Taken.TEXT
    trim: ClassVar[Any] = staticmethod(trimmed)  # of its ends

    @property
    def says(self) -> str:
        return f"text of at most {self.most:,} characters"

    @property
    def brief(self) -> str:
        return f"text {self.most}"

    @property
    def legend(self) -> str:
        return "text N: at most N characters"

    def cleaned(self, value: str) -> str | None:
        text: str = self.trim(value)
        if len(text) > self.most:
            raise Invalid(f"has {len(text):,} characters; at most {self.most:,} fit")
        return text if trimmed(text) else None

    def is_stored(self, value: Any) -> bool:
        """Tell whether it is a text: one that other fields made, or an earlier version took, may be longer."""
        return isinstance(value, str)

    def operand(self, text: str) -> str | None:
        value = self.cleaned(text)
        return None if value is None else fold(value)

    def part(self, text: str) -> str:
        self.cleaned(text)
        return fold(text)


class LongText(Text, frozen=True):
    """Paragraphs: filtered, but neither sorted nor part of a list line; without white space at the ends."""

    key_column = ""
    accented = False
    unfolded = True
    sortable = False
    trim = staticmethod(str.strip)

    @property
    def brief(self) -> str:
        return f"long {self.most}"

    @property
    def legend(self) -> str:
        return "long N: paragraphs of at most N"


class Identifier(Text, frozen=True):
    """An id that another system gave, compared as it is written: two that differ in case are two."""

    key_column = ""
    accented = False

    @property
    def says(self) -> str:
        return f"{super().says}, whose case counts"

    @property
    def brief(self) -> str:
        return f"exact {self.most}"

    @property
    def legend(self) -> str:
        return "exact N: a text whose case counts"

    def operand(self, text: str) -> str | None:
        return self.cleaned(text)

    def part(self, text: str) -> str:
        self.cleaned(text)
        return text


class Phone(Text, frozen=True):
    """A phone number in any notation, without marks of direction; compared by its digits (see model/phones.py)."""

    trim = staticmethod(undirected)

    by_country = True
    accented = False

    def from_cell(self, text: str, habits: Habits) -> Read:
        """Return a number, and the further ones in the cell."""
        number = undirected(text)
        if lists.is_one_number(number):
            return number, ""
        first, *rest = lists.numbers(number) or [text]
        return first, "; ".join(rest)

    def key(self, value: str | None) -> str | None:
        return self.key_in(value, "")

    def key_in(self, value: str | None, country: str) -> str | None:
        return None if value is None else phones.key(value, country)

    def carried(self, value: str | None, country: str, there: str) -> str | None:
        return None if value is None else phones.abroad(value, country, there)

    def gist(self, value: str | None, country: str) -> str | None:
        digits = phones.digits(value, country) if value else ""
        return digits if len(digits) >= phones.ENDING else None  # an extension alone is that of many

    def asked(self, text: str, asker: Asker) -> tuple[str, ...] | None:
        value = self.cleaned(text)
        return None if value is None else phones.wanted(value, asker.country)

    def part(self, text: str) -> str:
        return super().part(undirected(text))
