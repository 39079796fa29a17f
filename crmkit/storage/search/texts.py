"""The text by which a record is found."""

from collections.abc import Iterable
from functools import cache

from crmkit.model import fold, phones
from crmkit.model.fields import Phone
from crmkit.model.record import Kind, Record

START = "\n"  # stands before every title: what a title begins with is a part of a text like any other


def texts(kind: Kind, record: Record, country: str = "") -> tuple[str, str]:
    """Return the texts a record is found by: that of its title and that of its other key fields.

    A phone number is found as it is written and by its digits, read with this country.
    """
    values: list[str | list[str] | None] = []
    for name, is_phone in _sources(kind):
        value = getattr(record, name)
        if value is not None:
            values.append(phones.found(value, country) if is_phone else value)
    title = fold.plain(getattr(record, kind.title.name)) if kind.has_title else ""
    return START + title, searched(values)


@cache
def _sources(kind: Kind) -> tuple[tuple[str, bool], ...]:
    """Return the names of the fields that search looks at, and whether each is a phone number."""
    return tuple((field.name, isinstance(field.type, Phone)) for field in kind.searched)


def searched(values: Iterable[str | list[str] | None]) -> str:
    """Return these values as one text of search, a line each."""
    return "\n".join(
        fold.plain(" ".join(value) if isinstance(value, list) else value) for value in values if value is not None
    )
