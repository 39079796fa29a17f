"""Links between records."""

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import field

from crmkit import ids
from crmkit.errors import a, listed
from crmkit.model.fields import keys
from crmkit.model.fields.base import BadReference, FieldType
from crmkit.model.fields.keys import Key, KeyForms
from crmkit.model.operators.rows import Taken


class Link(FieldType, frozen=True):
    """The id of a live record of another kind, which `prefix` names; `Kinds` tells it what prefixes stand for.

    A client may send a natural key of any kind that `forms` has, to be looked up in the transaction.
    When that record is deleted the link is emptied; with `cascades` the record that has the link is deleted too.
    """

    prefix: str
    prefixes: Mapping[str, str] = field(default_factory=dict)
    forms: KeyForms = field(default_factory=dict)
    cascades: bool = False
    bare: ClassVar[bool] = True
    taken = Taken.EXACT

    @property
    def says(self) -> str:
        return f"the id of {a(self.prefixes[self.prefix])}, like {self.prefix}_k7m2q9xa"

    @property
    def brief(self) -> str:
        return f"{self.prefix}_..."

    @property
    def legend(self) -> str:
        return "c_... and the like: the id of a record whose ids begin so, or its key (see WRITING)"

    def accept(self, raw: Any) -> Any:
        return raw if isinstance(raw, Key) else super().accept(raw)

    def cleaned(self, value: str) -> str | Key:
        return self._named(value, False)

    def operand(self, text: str) -> str | Key:
        return self._named(text, True)

    def _named(self, text: str, in_query: bool) -> str | Key:
        try:
            return ids.parse(text, self.prefix, self.prefixes)
        except ids.BadId as error:
            key = keys.read(text, self.forms, self.prefixes, in_query)
            if key is None:
                raise BadReference(str(error)) from None
            return key


class LinkToAny(FieldType, frozen=True):
    """The id, or a natural key, of a live record of one of several kinds, which `among` names by their prefixes."""

    among: tuple[str, ...]
    prefixes: Mapping[str, str] = field(default_factory=dict)
    forms: KeyForms = field(default_factory=dict)
    bare: ClassVar[bool] = True
    taken = None

    @property
    def says(self) -> str:
        kinds = listed([a(self.prefixes[prefix]) for prefix in self.among], "or")
        return f"the id of {kinds}, like {listed([f'{prefix}_k7m2q9xa' for prefix in self.among], 'or')}"

    def accept(self, raw: Any) -> Any:
        return raw if isinstance(raw, Key) else super().accept(raw)

    def cleaned(self, value: str) -> str | Key:
        prefix = ids.prefix_of(value)
        if prefix in self.among:
            try:
                return ids.parse(value, prefix, self.prefixes)
            except ids.BadId as error:
                raise BadReference(str(error)) from None
        key = keys.read(value, self.forms, self.prefixes)
        if key is None or not any(key.of(each) for each in self.among):
            raise BadReference(f"must be {self.says}")
        return key
