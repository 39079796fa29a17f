"""What every type of field says and does."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import Struct

from crmkit.model.actor import Asker
from crmkit.model.cells import json_of
from crmkit.model.fold import fold, plain
from crmkit.model.operators.rows import TAKEN_BY, Taken
from crmkit.model.sheets.habits import Habits, Read

T = TypeVar("T")

Span = tuple[Any, Any]  # the first and the last of the stored values that a filter means


class Invalid(ValueError):
    """A value that does not fit its field; the message follows the field's name in a FIELD line."""


class BadReference(Invalid):
    """A text in place of the id or key of a record, which can be that of none."""


class FieldType(Struct, frozen=True):
    """The base of all types. Each has a `says` of its own: what a value must be, as the manual and errors put it."""

    column: ClassVar[str] = "TEXT"  # in SQL that every database understands
    key_column: ClassVar[str] = ""  # of a second column, which filters and sorts compare; "" if they compare the first
    by_country: ClassVar[bool] = False  # what that column holds depends on the country of the record too
    accented: ClassVar[bool] = False  # a text whose likely duplicates may differ in accents, as search compares it
    sortable: ClassVar[bool] = True
    unfolded: ClassVar[bool] = False  # filters ignore case without such a column: they fold each row they compare
    structured: ClassVar[bool] = False  # stored as JSON text
    merges: ClassVar[bool] = False  # what is sent may be merged into what is stored
    adds: ClassVar[bool] = False  # its values are numbers, which have a sum
    dated: ClassVar[bool] = False  # its values lie in a day, and in months
    names: ClassVar[bool] = False  # a unique value names its record by itself, without a word before it
    bare: ClassVar[bool] = False  # every value is a string that a line shows without quotes
    taken: ClassVar[Taken | None] = Taken.NUMBER  # as what operators take it, None if it is no filter
    wire: ClassVar[Any] = str

    @property
    def says(self) -> str:
        raise NotImplementedError

    @property
    def operators(self) -> tuple[str, ...]:
        return TAKEN_BY[self.taken] if self.taken else ()

    @property
    def brief(self) -> str:
        """Return what the manual's table of fields calls the type."""
        return self.says

    @property
    def legend(self) -> str:
        """Return what `brief` means, as the manual says it above the table; "" where it says that itself."""
        return ""

    def accept(self, raw: Any) -> Any:
        """Return the value to store for a JSON value, None for null and for empty text; raises Invalid."""
        if raw is None or (raw == "" and self.wire is str):
            return None
        try:
            value = msgspec.convert(raw, self.wire)
        except (msgspec.ValidationError, UnicodeEncodeError):  # half a surrogate pair is no value
            raise Invalid(f"must be {self.says}") from None
        return self.cleaned(value)

    def cleaned(self, value: Any) -> Any:
        return value

    def is_stored(self, value: Any) -> bool:
        """Tell whether a value, which came from elsewhere, is one that `accept` returns."""
        try:
            return value is not None and bool(self.accept(value) == value)
        except Invalid:
            return False

    def from_cell(self, text: str, habits: Habits) -> Read:
        """Return what a POST sends for the text of a cell, trimmed and not empty, and what of it is no value here.

        A text that is none of the type may be returned as it is, for `accept` to refuse. Raises Invalid for a cell that
        may mean several values.
        """
        return text, ""

    def from_own(self, text: str) -> Any:
        """Return the value that an export of ours wrote as this text."""
        if self.structured and text.startswith(("[", "{")):
            try:
                return json_of(text)
            except ValueError:  # somebody edited it
                return text
        return text

    def from_list(self, items: list[Any]) -> Any:
        """Return what a POST sends for a cell that is a list."""
        return items

    def edit(self, raw: Any) -> Any:
        """Return the same for what a PATCH sends, which may say more."""
        return self.accept(raw)

    def merged(self, before: Any, sent: Any) -> Any:
        """Return what is stored in place of `before` once `sent`, as accepted, has come; raises Invalid."""
        return sent

    def united(self, kept: Any, other: Any) -> Any:
        """Return what a record holds that another one is merged into, of both values; raises Invalid past a limit."""
        return other if kept is None else kept

    def carried(self, value: Any, country: str, there: str) -> Any:
        """Return what a value of a record in one country is in another, so that it means the same there."""
        return value

    def operand(self, text: str) -> Any:
        """Return what a filter compares the column with for equality, None if the text is empty.

        Raises Invalid for a value that no record can hold.
        """
        return self.accept(text)

    def asked(self, text: str, asker: Asker) -> Any:
        """Return the same as this person means it: several values of which the field may equal any are a tuple."""
        return self.operand(text)

    def part(self, text: str) -> Any:
        """Return what the filters compare with that ask for an order or for a part of the value."""
        return self.operand(text)

    def meant(self, raw: Any, asker: Asker) -> Any:
        """Return what a value stands for that this person sends."""
        return raw

    def span(self, text: str, asker: Asker) -> Span | None:
        """Return the first and last value that a text in a filter means, None if it means a single one."""
        return None

    def period(self, text: str, asker: Asker) -> Span:
        """Return the first value of a period and the first one after it."""
        raise Invalid("must be a period")

    def key(self, value: Any) -> Any:
        """Return what the second column holds beside a stored value: a text without case."""
        return None if value is None else fold(value)

    def key_in(self, value: Any, country: str) -> Any:
        """Return the same for a value of a record in this country, "" where none is known."""
        return self.key(value)

    def gist(self, value: Any, country: str) -> Any:
        """Return what the values of likely duplicates have in common; None if a value says nothing of that."""
        if self.accented:
            return plain(value) or None
        return self.key_in(value, country) if self.key_column else value

    def near(self, gist: Any) -> Span | None:
        """Return from where to where, the end left out, the compared column has values of a gist that do not equal it.

        None if all equal it.
        """
        return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a value."""
        return {**msgspec.json.schema(self.wire), "description": self.says}

    def edit_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what a PATCH sends."""
        return self.schema()


def checked(read: Callable[[str], T], text: str) -> T:
    try:
        return read(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
