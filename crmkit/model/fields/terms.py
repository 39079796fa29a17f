"""The types of fields that only the server writes: words, handles, JSON."""

from collections.abc import Mapping
from typing import Any

from msgspec import field

from crmkit import ids
from crmkit.errors import nearest
from crmkit.model.actor import Asker
from crmkit.model.fields import keys
from crmkit.model.fields.base import FieldType, Invalid, Span
from crmkit.model.fields.keys import Key, KeyForms
from crmkit.model.operators.rows import Taken


class Word(FieldType, frozen=True):
    """A term that only the server writes, such as `contact.update`. With `known` there are no others."""

    known: tuple[str, ...] = ()

    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return "a word"

    def operand(self, text: str) -> str:
        word = text.strip()
        if not self.known:
            return word
        if word.lower() not in self.known:
            raise Invalid(f"must be one of {', '.join(self.known)}{nearest(word, self.known)}")
        return word.lower()


class Handle(FieldType, frozen=True):
    """The handle of a record, or of something that people have; only the server writes it.

    A filter takes an id or a natural key too, or a kind, which means all handles of that kind. `kinds` has the name
    that handles begin with for each word that names a kind; `known` are handles without an id. `Kinds` tells what
    prefixes stand for.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, ...] = ()
    prefixes: Mapping[str, str] = field(default_factory=dict)
    forms: KeyForms = field(default_factory=dict)
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return "a handle"

    def operand(self, text: str) -> str | Key:
        text = text.strip().replace("%2F", "/").replace("%2f", "/")
        if text.lower() in self.known:
            return text.lower()
        head, _, id = text.rpartition("/")
        prefix = id.partition("_")[0]
        kind = self.prefixes.get(prefix)
        if kind not in self.kinds.values() or "_" not in id:
            word, slash, rest = text.partition("/")
            of_kind = f"{self.kinds.get(word.lower(), word)}{slash}{rest}"
            key = keys.read(of_kind, self.forms, self.prefixes, in_query=True)
            if key is not None:
                return key
            # an id is like a word by chance
            near = "" if prefix in self.prefixes else nearest(text.partition("/")[0], self.kinds)
            raise Invalid(f"must be a handle, an id or a kind: {', '.join(self._names)}{near}")
        head = self.kinds.get(head.lower(), head)
        try:
            return f"{kind}/{ids.parse(f'{head}/{id}' if head else id, prefix, self.prefixes)}"
        except ids.BadId as error:
            raise Invalid(str(error)) from None

    def span(self, text: str, asker: Asker) -> Span | None:
        kind = self.kinds.get(text.strip().lower())
        return (f"{kind}/", f"{kind}/~") if kind else None

    @property
    def _names(self) -> list[str]:
        return list(dict.fromkeys(self.kinds.values()))


class Json(FieldType, frozen=True):
    """A JSON value that only the server writes, such as an audit's changes."""

    sortable = False
    structured = True
    taken = None
    wire = Any

    @property
    def says(self) -> str:
        return "a JSON object"
