"""Natural keys: what names a record in place of its id, like the email of a contact or `code:X`."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from msgspec import Struct

from crmkit.errors import listed
from crmkit.model.fields.base import FieldType, Invalid

_HEAD = re.compile(r"\s*([a-z_]+)(?:/|%2[Ff])")


class KeyForm(Struct, frozen=True):
    """How records of a kind are named by their unique field `name`: by its value, behind `word` and a colon if any.

    One that `needs_kind` is read only where it is known which kind is meant: its values may be any words.
    """

    name: str
    type: FieldType
    word: str = ""
    needs_kind: bool = False

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


class Key(Struct, frozen=True):
    """A natural key as it was sent, and what it may mean: prefix of the kind, unique field, value in stored form."""

    text: str
    readings: tuple[tuple[str, str, Any], ...]

    def of(self, prefix: str) -> list[tuple[str, Any]]:
        """Return the fields and values by which it may name a record of a kind, none if it names none of that kind."""
        return [(name, value) for found, name, value in self.readings if found == prefix]


def read(
    text: str, forms: KeyForms, prefixes: Mapping[str, str], in_query: bool = False, among: Collection[str] = ()
) -> Key | None:
    """Return the natural key in a text, None if it is none of any kind. A blank in a query may be meant as a plus.

    A kind before it (`contact/jane@acme.com`) says of which kind it is, unless an address begins so. `prefixes` is that
    of ids.parse. `among` has those of the kinds of which one is meant, where that is known.
    """
    readings, head = _readings(text, forms, in_query, among), _HEAD.match(text)
    own = {prefix: each for prefix, each in forms.items() if head and prefixes.get(prefix) == head[1]}
    if head and own:
        rest = text[head.end() :]
        text, readings = text if readings else rest, readings + _readings(rest, own, in_query, own)
    return Key(text, tuple(readings)) if readings else None


def _readings(text: str, forms: KeyForms, in_query: bool, among: Collection[str]) -> list[tuple[str, str, Any]]:
    return [
        (prefix, form.name, value)
        for prefix, each in forms.items()
        for form in each
        if not form.needs_kind or prefix in among
        if (value := form.read(text, in_query)) is not None
    ]


def names(forms: Sequence[KeyForm]) -> str:
    """Return what a record of a kind may be named by: `id, email, code:X or source:X`."""
    return listed(("id", *(form.says for form in forms)), "or")
