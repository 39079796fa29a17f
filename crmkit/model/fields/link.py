"""Links between records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from crmkit import ids
from crmkit.errors import a
from crmkit.model.fields.base import EXACT, FieldType, Invalid


@dataclass(frozen=True)
class Link(FieldType):
    """The id of a live record of another kind, which `prefix` names; `Kinds` tells it what prefixes stand for."""

    prefix: str
    prefixes: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    bare: ClassVar[bool] = True
    operators = EXACT

    @property
    def says(self) -> str:
        return f"the id of {a(self.prefixes[self.prefix])}, like {self.prefix}_k7m2q9xa"

    def cleaned(self, value: str) -> str:
        try:
            return ids.parse(value, self.prefix, self.prefixes)
        except ids.BadId as error:
            raise Invalid(str(error)) from None
