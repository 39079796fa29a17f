"""The types of the fields of a declaration that no other kind has: a key, the name of a kind, a list of texts."""

from collections.abc import Mapping
from typing import Any

from msgspec import field

from crmkit.errors import nearest
from crmkit.model.fields import Choice, FieldType, Invalid
from crmkit.model.fold import fold
from crmkit.model.names import trimmed
from crmkit.model.operators.rows import Taken
from crmkit.model.sheets.habits import Habits, Read


class KeyName(FieldType, frozen=True):
    """A key of custom, which counts with case and is kept as it was sent; its ends are characters that are seen."""

    most: int = 100
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return f"text of at most {self.most} characters"

    @property
    def brief(self) -> str:
        return f"exact {self.most}"

    def cleaned(self, value: str) -> str:
        if len(value) > self.most:
            raise Invalid(f"has {len(value):,} characters; at most {self.most} fit")
        if value != trimmed(value):
            raise Invalid("has white space or unseen characters at an end")
        return value


class NameOfKind(Choice, frozen=True):
    """The name of a kind of records, which sorts as text; `plurals` has it for each plural."""

    plurals: Mapping[str, str] = field(default_factory=dict)
    key_column = ""

    def cleaned(self, value: str) -> str:
        word = value.strip().lower()
        name = self.plurals.get(word, word)
        if name not in self.choices:
            raise Invalid(f"must be {self.says}{nearest(word, self.choices)}")
        return name

    def operand(self, text: str) -> Any:
        return self.accept(text)


class Texts(FieldType, frozen=True):
    """A list of texts in an order, none of them twice in whatever case."""

    most: int
    longest: int
    sortable = False
    structured = True
    taken = Taken.WHOLE
    wire = list[str]

    @property
    def says(self) -> str:
        return f"a list of at most {self.most} texts of up to {self.longest} characters"

    def from_cell(self, text: str, habits: Habits) -> Read:
        from crmkit.model.sheets import lists  # late: a start does without

        return lists.listed(text), ""

    def cleaned(self, value: list[str]) -> list[str] | None:
        texts = [trimmed(text) for text in value]
        if len(texts) > self.most or any(not 0 < len(text) <= self.longest for text in texts):
            raise Invalid(f"must be {self.says}")
        if len({fold(text) for text in texts}) < len(texts):
            raise Invalid("has a text twice")
        return texts or None
