"""The types of fields: which values are valid, and how they are stored, compared and described.

A record's annotation names the type of each field. `says` describes its values in one phrase, which the manual's field
table, OpenAPI and the error of a wrong value share. A new type is one class here; `render` decides how values look.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec

from crmkit import ids
from crmkit.errors import a, nearest
from crmkit.model import address, times
from crmkit.model.actor import Asker
from crmkit.model.currencies import CURRENCIES
from crmkit.model.fold import fold
from crmkit.model.names import trimmed, undirected

COMPARE = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "is", "not")
TEXTUAL = ("eq", "ne", "gt", "gte", "lt", "lte", "like", "in", "is", "not")
EXACT = ("eq", "ne", "in", "is", "not")

MAX_INTEGER = 2**63 - 1
MAX_CENTS = 2**53 - 1  # what every JSON reader holds exactly (RFC 8259, section 6)

# a key of custom that a dotted path spells as it is (custom.region); any other is spelled as a JSON string
PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


Span = tuple[Any, Any]  # the first and the last of the stored values that a filter means


class Invalid(ValueError):
    """A value that does not fit its field; the message follows the field's name in a FIELD line."""


@dataclass(frozen=True)
class FieldType:
    """The base of all types. Each has a `says` of its own: what a value must be, as the manual and errors put it."""

    column: ClassVar[str] = "TEXT"  # in SQL that every database understands
    folded: ClassVar[bool] = False  # there is a second column, without case, for filters and sorts
    sortable: ClassVar[bool] = True
    unfolded: ClassVar[bool] = False  # filters ignore case without such a column: they fold each row they compare
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
        """Return the value that a filter equals, in stored form (folded if the type is), None if the text is empty.

        Raises Invalid for a value that no record can hold.
        """
        return self.accept(text)

    def part(self, text: str) -> Any:
        """Return what the filters compare with that ask for an order or for a part of the value."""
        return self.operand(text)

    def meant(self, raw: Any, asker: Asker) -> Any:
        """Return what a value stands for that this person sends."""
        return raw

    def span(self, text: str, asker: Asker) -> Span | None:
        """Return the first and last value that a text in a filter means, None if it means a single one."""
        return None

    def key(self, value: Any) -> str | None:
        """Return a stored value without case, for the second column of a folded type."""
        return None if value is None else fold(value)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a value."""
        return {**msgspec.json.schema(self.wire), "description": self.says}


@dataclass(frozen=True)
class Text(FieldType):
    """One line or a few words, without white space and unseen characters at the ends; compared without case."""

    most: int
    folded = True
    operators = TEXTUAL
    trim: ClassVar[Any] = staticmethod(trimmed)  # of its ends

    @property
    def says(self) -> str:
        return f"text of at most {self.most:,} characters"

    def cleaned(self, value: str) -> str | None:
        text: str = self.trim(value)
        if len(text) > self.most:
            raise Invalid(f"has {len(text):,} characters; at most {self.most:,} fit")
        return text if trimmed(text) else None

    def operand(self, text: str) -> str | None:
        value = self.cleaned(text)
        return None if value is None else fold(value)

    def part(self, text: str) -> str:
        self.cleaned(text)
        return fold(text)


@dataclass(frozen=True)
class LongText(Text):
    """Paragraphs: filtered, but neither sorted nor part of a list line; without white space at the ends."""

    folded = False
    unfolded = True
    sortable = False
    trim = staticmethod(str.strip)


@dataclass(frozen=True)
class Phone(Text):
    """A phone number in any notation, without marks of direction."""

    trim = staticmethod(undirected)

    def part(self, text: str) -> str:
        return super().part(undirected(text))


@dataclass(frozen=True)
class Email(FieldType):
    """An address. With `takes_me` it is one of a person who works with the CRM, and `me` stands for the caller's."""

    takes_me: bool = False

    operators = TEXTUAL

    @property
    def says(self) -> str:
        return "an address like jane@acme.com" + (", or me" if self.takes_me else "")

    def meant(self, raw: Any, asker: Asker) -> Any:
        is_me = self.takes_me and isinstance(raw, str) and raw.strip().lower() == "me"
        return (asker.address or raw) if is_me else raw

    def cleaned(self, value: str) -> str | None:
        return _checked(address.email, value) if trimmed(value) else None

    def operand(self, text: str) -> str | None:
        return self.cleaned(_with_plus(text))

    def part(self, text: str) -> str:
        return _checked(address.part_of_email, _with_plus(text))


@dataclass(frozen=True)
class Domain(FieldType):
    """The domain of a company, in ASCII and lower case, without `www.`."""

    operators = TEXTUAL

    @property
    def says(self) -> str:
        return "a domain like acme.com, or the address of a page there"

    def cleaned(self, value: str) -> str | None:
        return _checked(address.domain, value) if trimmed(value) else None

    def part(self, text: str) -> str:
        return _checked(address.part_of_domain, text)


@dataclass(frozen=True)
class Choice(FieldType):
    """One of a few words; with `has_plurals` each in the plural too."""

    choices: tuple[str, ...]
    has_plurals: bool = False

    operators = EXACT

    @property
    def says(self) -> str:
        return f"one of {', '.join(self.choices)}"

    def cleaned(self, value: str) -> str:
        chosen = value.strip().lower()
        if self.has_plurals and chosen not in self.choices:
            chosen = chosen.removesuffix("s")
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
        if times.date_of(text) is None:
            raise Invalid(f"must be {self.says}")
        return text


@dataclass(frozen=True)
class Time(FieldType):
    bare: ClassVar[bool] = True

    @property
    def says(self) -> str:
        return "a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset), or a date (midnight UTC)"

    def cleaned(self, value: str) -> str:
        return _checked(times.parse, value)

    def span(self, text: str, asker: Asker) -> Span | None:
        """Return the first and the last second of a day."""
        try:
            return times.day(text, asker.zone)
        except OverflowError:
            raise Invalid(f"must be {self.says}") from None


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
            if (
                not trimmed(tag)
                or "," in tag
                or any(character.isspace() for character in tag)
                or len(tag) > self.longest
            ):
                raise Invalid(f"must be {self.says}")
            kept.setdefault(fold(trimmed(tag)), trimmed(tag))
        if len(kept) > self.most:
            raise Invalid(f"has {len(kept)} tags; at most {self.most} fit")
        return list(kept.values()) or None

    def key(self, value: list[str] | None) -> str | None:
        return f",{','.join(fold(tag) for tag in value)}," if value else None

    def operand(self, text: str) -> str:
        """Return one tag, or a part of one, without case."""
        tag = trimmed(text)
        if not tag or "," in text or any(character.isspace() for character in text) or len(tag) > self.longest:
            raise Invalid(f"must be words of up to {self.longest} characters, separated by commas, no spaces in them")
        return fold(tag)


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


def _with_plus(text: str) -> str:
    """Return part of an address, trimmed; a blank in it is the plus that an unescaped query string meant."""
    return text.strip().replace(" ", "+")


def _checked(read: Callable[[str], str], text: str) -> str:
    try:
        return read(text)
    except ValueError as error:
        raise Invalid(str(error)) from None
