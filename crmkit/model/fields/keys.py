"""Natural keys: what names a record in place of its id, like the email of a contact or `code:X`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmkit.errors import listed
from crmkit.model.fields.base import FieldType, Invalid


@dataclass(frozen=True)
class KeyForm:
    """How records of a kind are named by their unique field `name`: by its value, behind `word` and a colon if any."""

    name: str
    type: FieldType
    word: str = ""

    @property
    def says(self) -> str:
        return f"{self.word}:X" if self.word else self.name

    def read(self, text: str, in_query: bool) -> Any:
        """Return the stored form of the value in a text, None if there is none."""
        if self.word:
            word, colon, text = text.strip().partition(":")
            if not colon or word.lower() != self.word:
                return None
        try:
            return self.type.operand(text) if in_query else self.type.accept(text)
        except Invalid:
            return None


KeyForms = Mapping[str, Sequence[KeyForm]]  # of each kind, by the prefix of its ids


@dataclass(frozen=True)
class Key:
    """A natural key as it was sent, and what it may mean: prefix of the kind, unique field, value in stored form."""

    text: str
    readings: tuple[tuple[str, str, Any], ...]

    def of(self, prefix: str) -> tuple[str, Any] | None:
        """Return field and value by which it names a record of a kind, None if no record of that kind is named so."""
        return next(((name, value) for found, name, value in self.readings if found == prefix), None)


def read(text: str, forms: KeyForms, in_query: bool = False) -> Key | None:
    """Return the natural key in a text, None if it is none of any kind. A blank in a query may be meant as a plus."""
    readings = [
        (prefix, form.name, value)
        for prefix, each in forms.items()
        for form in each
        if (value := form.read(text, in_query)) is not None
    ]
    return Key(text, tuple(readings)) if readings else None


def names(forms: Sequence[KeyForm]) -> str:
    """Return what a record of a kind may be named by: `id, email, code:X or source:X`."""
    return listed(("id", *(form.says for form in forms)), "or")
