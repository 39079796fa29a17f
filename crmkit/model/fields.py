"""The types of fields: which values are valid, and how they are stored, compared and described.

A record's annotation names the type of each field. `says` describes its values in one phrase, which the manual's field
table, OpenAPI and the error of a wrong value share. A new type is one class here; `render` decides how values look.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar

import msgspec

from crmkit import ids
from crmkit.clock import stamp
from crmkit.errors import a, nearest
from crmkit.model import address
from crmkit.model.currencies import CURRENCIES
from crmkit.model.fold import fold

COMPARE = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "is", "not")
TEXTUAL = ("eq", "ne", "gt", "gte", "lt", "lte", "like", "in", "is", "not")
EXACT = ("eq", "ne", "in", "is", "not")

MAX_INTEGER = 2**63 - 1
MAX_CENTS = 2**53 - 1  # what every JSON reader holds exactly (RFC 8259, section 6)


# a key of custom that a dotted path spells as it is (custom.region); any other is spelled as a JSON string
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Invalid(ValueError):
    """A value that does not fit its field; the message follows the field's name in a FIELD line."""


@dataclass(frozen=True)
class FieldType:
    """The base of all types. Each has a `says` of its own: what a value must be, as the manual and errors put it."""

    column: ClassVar[str] = "TEXT"  # in SQL that every database understands
    folded: ClassVar[bool] = False  # there is a second column, without case, for filters and sorts
    sortable: ClassVar[bool] = True
    # filters ignore case without such a column: each row is folded when it is compared
    unfolded: ClassVar[bool] = False
    structured: ClassVar[bool] = False  # stored as JSON text
    bare: ClassVar[bool] = False  # every value is a string that a line shows without quotes
    operators: ClassVar[tuple[str, ...]] = COMPARE
    wire: ClassVar[Any] = str

    @property
    def says(self) -> str:
        raise NotImplementedError

    def accept(self, raw: Any) -> Any:
        """Return the value to store for a JSON value, None for null and for empty text; raises Invalid."""
        if raw is None or (raw == "" and self.wire is str):
            return None
        try:
            value = msgspec.convert(raw, self.wire)
        except msgspec.ValidationError:
            raise Invalid(f"must be {self.says}") from None
        return self.cleaned(value)

    def cleaned(self, value: Any) -> Any:
        return value

    def operand(self, text: str) -> Any:
        """Return the value that a filter compares with, in stored form (folded if the type is)."""
        return self.accept(text)

    def key(self, value: Any) -> str | None:
        """Return a stored value without case, for the second column of a folded type."""
        return None if value is None else fold(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a value."""
        return {**msgspec.json.schema(self.wire), "description": self.says}


@dataclass(frozen=True)
class Text(FieldType):
    """One line or a few words; compared without case."""

    most: int

    folded = True
    operators = TEXTUAL

    @property
    def says(self) -> str:
        return f"text of at most {self.most:,} characters"

    def cleaned(self, value: str) -> str | None:
        if len(value) > self.most:
            raise Invalid(f"has {len(value):,} characters; at most {self.most:,} fit")
        return value if value.strip() else None

    def operand(self, text: str) -> str:
        return fold(text)


@dataclass(frozen=True)
class LongText(Text):
    """Paragraphs: filtered, but neither sorted nor part of a list line."""

    folded = False
    unfolded = True
    sortable = False


@dataclass(frozen=True)
class Email(FieldType):
    operators = TEXTUAL

    @property
    def says(self) -> str:
        return "an address like jane@acme.com"

    def cleaned(self, value: str) -> str | None:
        return _checked(address.email, value) if value.strip() else None

    def operand(self, text: str) -> str:
        try:
            return address.email(text)
        except ValueError:  # part of an address or domain, for like:
            return unicodedata.normalize("NFC", text.strip().lower())


@dataclass(frozen=True)
class Domain(FieldType):
    """The domain of a company, in ASCII and lower case."""

    operators = TEXTUAL

    @property
    def says(self) -> str:
        return "a domain like acme.com"

    def cleaned(self, value: str) -> str | None:
        return _checked(address.domain, value) if value.strip() else None

    def operand(self, text: str) -> str:
        try:
            return address.domain(text)
        except ValueError:  # part of an address or domain, for like:
            return text.strip().lower()


@dataclass(frozen=True)
class Choice(FieldType):
    """One of a few words."""

    choices: tuple[str, ...]

    operators = EXACT

    @property
    def says(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def cleaned(self, value: str) -> str:
        chosen = value.strip().lower()
        if chosen not in self.choices:
            raise Invalid(f"must be {self.says}{nearest(chosen, self.choices)}")
        return chosen

    def schema(self) -> dict[str, Any]:
        return {**super().schema(), "enum": list(self.choices)}


@dataclass(frozen=True)
class Currency(FieldType):
    """An ISO 4217 code."""

    bare: ClassVar[bool] = True
    operators = EXACT

    @property
    def says(self) -> str:
        return "an ISO 4217 currency code like USD"

    def cleaned(self, value: str) -> str:
        code = value.strip().upper()
        if code not in CURRENCIES:
            raise Invalid(f"must be {self.says}{nearest(code, CURRENCIES)}")
        return code


@dataclass(frozen=True)
class Date(FieldType):
    """A day, without a time."""

    bare: ClassVar[bool] = True

    @property
    def says(self) -> str:
        return "a date like 2026-06-30"

    def cleaned(self, value: str) -> str:
        text = value.strip()
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) or _or_none(date.fromisoformat, text) is None:
            raise Invalid(f"must be {self.says}")
        return text


@dataclass(frozen=True)
class Time(FieldType):
    bare: ClassVar[bool] = True

    @property
    def says(self) -> str:
        return "a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset), or a date (midnight UTC)"

    def cleaned(self, value: str) -> str:
        return _checked(parse_time, value)


@dataclass(frozen=True)
class Integer(FieldType):
    least: int = -MAX_INTEGER
    most: int = MAX_INTEGER

    column = "INTEGER"
    wire = int

    @property
    def says(self) -> str:
        return "a whole number" if self.most == MAX_INTEGER else f"a whole number from {self.least:,} to {self.most:,}"

    def cleaned(self, value: int) -> int:
        if not self.least <= value <= self.most:
            raise Invalid(f"must be {self.says}")
        return value

    def operand(self, text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text, re.ASCII):
            raise Invalid(f"must be {self.says}")
        return self.cleaned(int(text))


@dataclass(frozen=True)
class Tags(FieldType):
    """A set of words; stored as JSON, and in the second column as `,vip,fintech,`."""

    most: int = 50
    longest: int = 50

    folded = True
    structured = True
    operators = ("eq", "ne", "like", "in", "is", "not")
    wire = list[str]

    @property
    def says(self) -> str:
        return f"a list of at most {self.most} words of up to {self.longest} characters, no commas or spaces in them"

    def cleaned(self, value: list[str]) -> list[str] | None:
        kept: dict[str, str] = {}
        for tag in value:
            if not tag or "," in tag or any(character.isspace() for character in tag) or len(tag) > self.longest:
                raise Invalid(f"must be {self.says}")
            kept.setdefault(fold(tag), tag)
        if len(kept) > self.most:
            raise Invalid(f"has {len(kept)} tags; at most {self.most} fit")
        return list(kept.values()) or None

    def key(self, value: list[str] | None) -> str | None:
        return f",{','.join(fold(tag) for tag in value)}," if value else None

    def operand(self, text: str) -> tuple[str, ...]:
        return tuple(fold(tag.strip()) for tag in text.split(",") if tag.strip())


@dataclass(frozen=True)
class Custom(FieldType):
    """Free keys: an object of JSON values, merged key by key; filtered and sorted as `custom.KEY`."""

    most: int = 100
    kib: int = 32

    sortable = False
    structured = True
    operators = ("is", "not")
    wire = dict[str, Any]

    @property
    def says(self) -> str:
        return f"an object of at most {self.most} keys and {self.kib} KiB"

    def cleaned(self, value: dict[str, Any]) -> dict[str, Any] | None:
        if "" in value:
            raise Invalid("has an empty key; every key needs a name")
        return value  # {} changes no key

    def merged(self, before: dict[str, Any] | None, sent: dict[str, Any] | None) -> dict[str, Any] | None:
        """Return `before` overwritten by the keys of `sent`, without keys set to null; raises Invalid past a limit."""
        if sent is None:
            return None
        merged = {key: value for key, value in {**(before or {}), **sent}.items() if value is not None}
        if len(merged) > self.most:
            raise Invalid(f"has {len(merged)} keys; at most {self.most} fit")
        if len(msgspec.json.encode(merged)) > self.kib * 1024:
            raise Invalid(f"is larger than {self.kib} KiB")
        return merged or None


@dataclass(frozen=True)
class Word(FieldType):
    """A term that only the server writes, such as `contact.update`; compared with case."""

    operators = EXACT

    @property
    def says(self) -> str:
        return "a word"


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


@dataclass(frozen=True)
class Json(FieldType):
    """A JSON value that only the server writes, such as an audit's changes."""

    sortable = False
    structured = True
    operators = ()
    wire = Any

    @property
    def says(self) -> str:
        return "a JSON object"


def parse_time(text: str) -> str:
    """Return the stamp of an RFC 3339 time with an offset, or of a date at midnight UTC; raises ValueError.

    A `+` that arrived as a space (an unescaped query string) is taken as the `+` it was.
    """
    text = text.strip()
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        day = _or_none(date.fromisoformat, text)
        if day:
            return stamp(datetime(day.year, day.month, day.day, tzinfo=UTC))
    spelled = re.fullmatch(
        r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+ -]\d\d:[0-5]\d)", text, re.ASCII
    )
    if spelled:
        day, clock, _, offset = spelled.groups()
        moment = _or_none(datetime.fromisoformat, f"{day}T{clock}{offset.upper().replace(' ', '+')}")
        if moment:
            try:
                return stamp(moment)
            except OverflowError:
                pass
    raise ValueError("must be a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset), or a date like 2026-06-10")


def _or_none(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError:
        return None


def _checked(read: Callable[[str], str], text: str) -> str:
    try:
        return read(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
