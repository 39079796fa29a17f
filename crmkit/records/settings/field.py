"""Field: a key of `custom` that a workspace declares."""

from collections.abc import Sequence
from typing import Annotated

from msgspec.structs import replace

from crmkit.model.declared.parts import KeyName, NameOfKind, Texts
from crmkit.model.declared.types import TYPES
from crmkit.model.fields import Choice, Flag, Integer, Text, Word
from crmkit.model.form import DERIVED, READ, REQUIRED, Default
from crmkit.model.record import Kind, Tracked, index, kind_of

MOST = 50  # of one kind in a workspace


class DeclaredField(Tracked, frozen=True):
    """A key of custom that a workspace declares."""

    kind: Annotated[str, NameOfKind(()), REQUIRED, "of which records"]
    key: Annotated[str, KeyName(), REQUIRED, "the key in custom"]
    type: Annotated[str, Choice(TYPES), REQUIRED, "time is RFC 3339 with its offset"]
    about: Annotated[str | None, Text(200), "what it means"]
    choices: Annotated[list[str] | None, Texts(100, 100), "of a choice, in their order"]
    required: Annotated[bool, Flag(), Default(False), "needed to create, never cleared"]
    state: Annotated[str, Word(("building", "ready")), READ, DERIVED, Default("building"), "ready once indexed"]
    misfits: Annotated[int, Integer(), READ, DERIVED, Default(0), "older values that do not fit"]


def field_of(kinds: Sequence[Kind]) -> Kind:
    """Return the kind of the declarations for these kinds."""
    of_kinds = NameOfKind(tuple(kind.name for kind in kinds), plurals={kind.plural: kind.name for kind in kinds})
    made = kind_of(
        DeclaredField,
        name="field",
        plural="fields",
        prefix="f",
        indexes=(index("updated_at"), index("kind", "updated_at")),
        is_setting=True,
        is_admins=True,
        is_known_by=("kind", "key"),
    )
    fields = (replace(each, type=of_kinds) if each.name == "kind" else each for each in made.fields)
    return replace(made, fields=tuple(fields), called="declaration")
