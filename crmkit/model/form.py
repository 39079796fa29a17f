"""Forms: the fields that a class declares by its annotations, and the check of a request body against them."""

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cached_property
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from msgspec import Struct
from msgspec.structs import replace

from crmkit.errors import IS_EMPTY, IS_NEEDED, LOOK_IT_UP, Problem, a, nearest
from crmkit.model.actor import NOBODY, Asker
from crmkit.model.fields import BadReference, Custom, FieldType, Invalid
from crmkit.model.preferences import DEFAULTS, Preferences

MAX_UNKNOWN_FIELDS_SHOWN = 20


class Mark(Enum):
    """A property of a field, beside its type."""

    REQUIRED = "needed to create a record, and never empty"
    READ = "written by the server alone"
    PAST = "told by an import, of what took place elsewhere; else written by the server alone"
    ONCE = "sent with the POST that creates the record, and never changed"
    TITLE = "the name that people know the record by; search ranks matches in it first"
    SEARCHED = "search looks here too"
    DETAIL = "left out of list lines"
    DERIVED = "follows from other records: never logged, always recomputed"
    NUMBERED = "a new record without it gets the next number, if the workspace has a prefix for codes"


# so that declarations read `REQUIRED` for `Mark.REQUIRED`
REQUIRED, READ, PAST, ONCE, TITLE, SEARCHED, DETAIL, DERIVED, NUMBERED = Mark


class Default(Struct, frozen=True):
    """The value of a field in a new record that is created without it."""

    value: Any


class DefaultOf(Struct, frozen=True):
    """Marks a field whose default is what the workspace prefers: the preference of this name."""

    preference: str


class ComposedOf(Struct, frozen=True):
    """Marks a text that is made of other fields, the `parts`, unless it is sent itself; a flag tells which it is."""

    parts: tuple[str, ...]
    told_by: str


class NameOf(Struct, frozen=True):
    """Marks a field that holds a copy of the title of the record that the field `link` refers to."""

    link: str


class Through(Struct, frozen=True):
    """Where a link is kept that is no column of the record: in the rows of `table`.

    Each has the id of the record in its column `own`, and the id that the link leads to in its column `other`.
    """

    table: str
    own: str
    other: str


class Field(Struct, frozen=True, eq=False, dict=True):
    """One declared field. `type` checks its values; `help` is its line in the manual."""

    name: str
    type: FieldType
    nullable: bool
    marks: frozenset[Mark]
    help: str
    default: Any = None
    name_of: str = ""
    through: Through | None = None
    preference: str = ""
    parts: tuple[str, ...] = ()  # what it is composed of
    told_by: str = ""  # the field that is true while it is composed of them

    @property
    def noun(self) -> str:
        """The noun for the body in messages, like `contact`."""
        return self.name

    @cached_property
    def required(self) -> bool:
        return REQUIRED in self.marks

    @cached_property
    def needs_value(self) -> bool:
        """Whether a body may not leave it empty: nothing else makes its value."""
        return self.required and not self.parts

    @cached_property
    def writable(self) -> bool:
        return self.marks.isdisjoint((READ, PAST))

    @cached_property
    def listed(self) -> bool:
        return DETAIL not in self.marks

    @cached_property
    def derived(self) -> bool:
        """Whether it follows from other records."""
        return DERIVED in self.marks or self.name_of != ""

    def default_of(self, preferences: Preferences) -> Any:
        """Return its value in a new record of a workspace with these preferences, or where it is cleared."""
        return getattr(preferences, self.preference) if self.preference else self.default

    @cached_property
    def compared(self) -> str:
        """The column that filters and sorts use."""
        return f"{self.name}_key" if self.type.key_column else self.name

    @cached_property
    def plain(self) -> str:
        """The column that says what likely duplicates are looked up by, where that is not what filters compare."""
        return f"{self.name}_plain"


class Form(Struct, frozen=True, eq=False, dict=True):
    """The fields of one kind of body; `name` is what the body describes.

    `draft(body)` checks what was sent and returns it in stored form: a PATCH, or a POST that may merge.
    `check_required(values)` then refuses a new record that lacks a required field.
    `filled(body)` is both at once, with None for what was not sent: for bodies that are no records, like an invite.
    """

    name: str
    fields: tuple[Field, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields}

    @cached_property
    def writable(self) -> Mapping[str, Field]:
        return {field.name: field for field in self.fields if field.writable}

    @cached_property
    def taken(self) -> Mapping[str, Field]:
        """The fields that a POST takes."""
        return self.writable

    @cached_property
    def edited(self) -> Mapping[str, Field]:
        """The fields that a PATCH takes."""
        return self.writable

    @cached_property
    def changes(self) -> "Form":
        """The form of a PATCH, which takes no field that only the POST takes."""
        if not any(ONCE in field.marks for field in self.fields):
            return self
        fields = (replace(field, marks=field.marks | {READ}) if ONCE in field.marks else field for field in self.fields)
        return Form(self.name, tuple(fields))

    @property
    def noun(self) -> str:
        """The noun for the body in messages, like `contact`."""
        return self.name

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names of the fields that a new record must have."""
        return tuple(field.name for field in self.fields if field.required)

    @cached_property
    def custom(self) -> Field | None:
        return next((field for field in self.fields if isinstance(field.type, Custom)), None)

    @cached_property
    def merging(self) -> tuple[Field, ...]:
        """The fields that may be merged into what a record has of them."""
        return tuple(field for field in self.fields if field.type.merges)

    def name_of(self, link: Field) -> str:
        """Return the name of the field that holds the title of what `link` refers to, "" where none does."""
        return next((field.name for field in self.fields if field.name_of == link.name), "")

    def draft(self, body: Mapping[str, Any], asker: Asker = NOBODY, is_edit: bool = False) -> dict[str, Any]:
        """Return the stored form of every field that `body` has; None for an empty one, which clears the field.

        The body of a PATCH `is_edit`: what it says of a field may be a change of what the record has.

        Raises one Problem for all wrong fields: `unknown_field` if there are unknown names, else `invalid_value`, else
        `missing_field` if a required field is empty, else `invalid_reference` for links that can lead to no record.
        """
        unknown: dict[str, str] = {}
        wrong: dict[str, str] = {}
        stray: dict[str, str] = {}
        empty: dict[str, str] = {}
        values: dict[str, Any] = {}
        known = self.edited if is_edit else self.taken
        for name, raw in body.items():
            field = known.get(name)
            if field is None and len(unknown) == MAX_UNKNOWN_FIELDS_SHOWN:
                break
            if field is None:
                unknown[name] = self._why_unknown(name, known)
                continue
            try:
                meant = field.type.meant(raw, asker)
                value = field.type.edit(meant) if is_edit else field.type.accept(meant)
            except Invalid as error:
                (stray if isinstance(error, BadReference) else wrong)[name] = str(error)
                continue
            if value is None and field.needs_value:
                empty[name] = IS_EMPTY
            values[name] = field.default_of(asker.preferences) if value is None else value
        faults = {**unknown, **wrong, **empty, **stray}
        if unknown:
            free = ' Keys of your own go into custom: {"custom":{"KEY":"value"}}.' if self.custom else ""
            raise Problem(
                "unknown_field",
                f"{a(self.noun).capitalize()} takes these fields: {', '.join(known)}.{free}",
                fields=faults,
            )
        if wrong:
            raise Problem("invalid_value", "Correct the fields named above and send the request again.", fields=faults)
        if empty:
            raise Problem("missing_field", f"Send {a(self.noun)} with {self._needs} that is not empty.", fields=faults)
        if stray:
            raise Problem("invalid_reference", LOOK_IT_UP, fields=faults)
        return values

    def with_defaults(self, values: dict[str, Any], preferences: Preferences) -> dict[str, Any]:
        """Return the values, those that are None replaced by the defaults of their fields."""
        empty = [name for name, value in values.items() if value is None and name in self.taken]
        return {**values, **{name: self.taken[name].default_of(preferences) for name in empty}} if empty else values

    def check_required(self, values: Mapping[str, Any]) -> None:
        """Raise `missing_field` unless `values`, those that were sent, have every required field."""
        missing = {
            name: IS_EMPTY if name in values else IS_NEEDED for name in self.required if values.get(name) is None
        }
        if missing:
            raise Problem("missing_field", f"Send {a(self.noun)} with {self._needs}.", fields=missing)

    @property
    def _needs(self) -> str:
        return " and ".join(" or ".join((name, *self.by_name[name].parts)) for name in self.required)

    def _why_unknown(self, name: str, known: Iterable[str]) -> str:
        if name in self.by_name and ONCE in self.by_name[name].marks:
            return "cannot be changed; leave it out"
        if name in self.by_name or name == "handle":
            return "is written by the server; leave it out"
        return f"is no field of {a(self.noun)}{nearest(name, known)}"

    def sent(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return `draft(body)`; raises `missing_field` where it has nothing."""
        values = self.draft(body)
        if not values:
            raise Problem("missing_field", f"Send what is to change: {', '.join(self.writable)}.")
        return values

    def filled(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return `draft(body)` with None for each field not sent; raises `missing_field` as `check_required` does."""
        values = self.draft(body)
        self.check_required(values)
        return dict.fromkeys(self.writable) | values


def form_of(declaration: type, name: str) -> Form:
    """Return the Form that a class declares."""
    return Form(name, declared(declaration))


def declared(declaration: type) -> tuple[Field, ...]:
    """Return the fields that a class declares by its annotations: its own first, then those it inherits."""
    hints = get_type_hints(declaration, include_extras=True)
    bases = reversed(declaration.__mro__[1:])
    inherited = dict.fromkeys(name for base in bases for name in getattr(base, "__annotations__", {}) if name in hints)
    order = [*(name for name in hints if name not in inherited), *inherited]
    return tuple(_field(name, hints[name]) for name in order if get_origin(hints[name]) is Annotated)


def _field(name: str, hint: Any) -> Field:
    value, type_, *rest = get_args(hint)
    marks = frozenset(part for part in rest if isinstance(part, Mark))
    default = next((part.value for part in rest if isinstance(part, Default)), None)
    name_of = next((part.link for part in rest if isinstance(part, NameOf)), "")
    preference = next((part.preference for part in rest if isinstance(part, DefaultOf)), "")
    made = next((part for part in rest if isinstance(part, ComposedOf)), ComposedOf((), ""))
    if preference:
        default = getattr(DEFAULTS, preference)
    return Field(
        name=name,
        type=type_,
        nullable=NoneType in get_args(value),
        marks=marks,
        help=rest[-1],
        default=default,
        name_of=name_of,
        preference=preference,
        parts=made.parts,
        told_by=made.told_by,
    )
