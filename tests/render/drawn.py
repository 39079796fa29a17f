"""Hypothesis strategies for what can be stored: hostile text, JSON values, and whole records of any kind."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from crmkit import ids
from crmkit.clock import stamp
from crmkit.model import fields
from crmkit.model.declared.parts import KeyName, NameOfKind, Texts
from crmkit.model.expressions.field import Formula
from crmkit.model.fields import FieldType, Invalid, terms
from crmkit.model.form import Field
from crmkit.model.iso_codes import COUNTRIES, CURRENCIES
from crmkit.model.paths.views import ListPath, ViewName
from crmkit.model.record import Kind, Record

# What could be taken for something else: another type, another field, another record, a trailer, a quote, a line end.
LOOK_ALIKES = [
    *("5", "0", "-0", "05", "+5", "5.", ".5", "5.0", "-1e5", "1E+5", "1e999", "0x1F", "1_000", "٣", "²", "∞"),
    *("true", "false", "null", "True", "NULL", "NaN", "nan", "Infinity", "-Infinity", "undefined", "-", ".", "+"),
    *("[x", "[]", "[1]", "{x", "{}", '{"a":1}', '"', '""', '"x"', "'", "\\", "\\n", "\\u000a", "x\\"),
    *("a=b", "=", "==", "name=x", "  name=x", "x  name=Mallory", "#x", "# total: 5", "# next: abc", "a,b", "x,", ","),
    *("contact/c_k7m2q9xa", "contact/c_k7m2q9xa  name=x", "ERROR not_found", "OK deleted", "HINT  obey", "FIELD x  y"),
    *("a\nb", "\r\n", "\n", "\t", " ", "  ", " x", "x ", "a\x0bb", "a\x0cb", "\x1c", "\x1d", "\x1e", "\x85", "\x7f"),
    *("\u2028", "\u2029", "\u00a0", "a\u00a0b", "\u202e", "\u2066x\u2069", "\u200b", "\u200d", "\ufeff", "\u00ad"),
    *("👩\u200d💻", "❤\ufe0f", "\U000e0001", "\U0001d173", "\U0010ffff", "\U000f0000", "é", "e\u0301", "\u3164"),
    *("\x00", "\x1b[31m", "%0A", "%", "&", "a.b", "custom.a=1", "…"),
]

texts = st.one_of(
    st.sampled_from(LOOK_ALIKES),
    st.text("".join(sorted(set("".join(LOOK_ALIKES)))), max_size=12),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),  # half a surrogate pair cannot be stored
)

RULES = ["daily", "Weekly", "FREQ=DAILY", "RRULE:FREQ=MONTHLY;BYDAY=-1FR", "freq=weekly;until=20301231"]

keys = st.one_of(st.sampled_from(["a", "b", "full name", "a.b", "", '"', "x-y_9", "é"]), texts)
integers = st.integers(-fields.MAX_INTEGER, fields.MAX_INTEGER)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-10, 10), integers, floats, texts)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)
json_objects = st.dictionaries(keys, json_values, max_size=5)

_letters = st.text("abcxyzéß例0189_+'#=-", min_size=1, max_size=8)


def accepted_by(type_: FieldType, raws: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the stored forms, None left out, of those raw values that the type takes."""

    def stored(raw: Any) -> Any:
        try:
            return type_.accept(raw)
        except Invalid:
            return None

    return raws.map(stored).filter(lambda value: value is not None)


def _tags(type_: FieldType) -> st.SearchStrategy[Any]:
    words = st.one_of(texts, _letters).map(lambda word: "".join(word.replace(",", "").split()))
    return accepted_by(type_, st.lists(words.filter(bool), min_size=1, max_size=6))


def _custom(type_: FieldType) -> st.SearchStrategy[Any]:
    sent = st.dictionaries(keys.filter(bool), json_values, min_size=1, max_size=6)
    assert isinstance(type_, fields.Custom)
    return sent.map(lambda value: type_.merged(None, value)).filter(lambda value: value is not None)


def _emails(type_: FieldType) -> st.SearchStrategy[Any]:
    return accepted_by(type_, st.builds("{}@{}".format, _letters, st.sampled_from(["acme.com", "例え.jp", "a-b.de"])))


def _times(_: FieldType) -> st.SearchStrategy[Any]:
    return st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)).map(stamp)


def _links(type_: FieldType) -> st.SearchStrategy[Any]:
    assert isinstance(type_, fields.Link)
    return st.integers(0, 31**7 - 1).map(lambda number: ids.numbered(type_.prefix, number))


def _handles(type_: FieldType) -> st.SearchStrategy[str]:
    assert isinstance(type_, terms.Handle)
    names = [(name, prefix) for prefix, name in type_.prefixes.items() if name in type_.kinds]
    numbers = st.integers(0, 31**7 - 1)
    return st.builds(lambda of, number: f"{of[0]}/{ids.numbered(of[1], number)}", st.sampled_from(names), numbers)


def _domains(type_: FieldType) -> st.SearchStrategy[Any]:
    return accepted_by(type_, st.builds("{}.{}".format, _letters, st.sampled_from(["com", "例え.jp", "co.uk"])))


def _websites(type_: FieldType) -> st.SearchStrategy[Any]:
    pages = st.builds(
        "{}{}{}".format, st.sampled_from(["", "https://", "HTTP://www."]), _domains(fields.Domain()), texts
    )
    return accepted_by(type_, pages)


def _choices(type_: FieldType) -> st.SearchStrategy[Any]:
    assert isinstance(type_, fields.Choice)
    return st.sampled_from(type_.choices)


# A new type of field is one row here.
DRAW: dict[type[FieldType], Callable[[FieldType], st.SearchStrategy[Any]]] = {
    fields.Text: lambda type_: accepted_by(type_, texts),
    fields.LongText: lambda type_: accepted_by(type_, texts),
    fields.Identifier: lambda type_: accepted_by(type_, texts),
    fields.Phone: lambda type_: accepted_by(type_, texts),
    fields.Email: _emails,
    fields.Domain: _domains,
    fields.Website: _websites,
    fields.Choice: _choices,
    fields.Currency: lambda _: st.sampled_from(sorted(CURRENCIES)),
    fields.Country: lambda _: st.sampled_from(sorted(COUNTRIES)),
    fields.Timezone: lambda _: st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Etc/GMT+5"]),
    fields.Language: lambda _: st.sampled_from(["en", "pt-BR", "zh-Hant-TW"]),
    fields.Date: lambda _: st.dates().map(str),
    fields.Time: _times,
    fields.Integer: lambda type_: accepted_by(type_, integers),
    fields.Minutes: lambda type_: accepted_by(type_, integers),
    fields.Flag: lambda _: st.booleans(),
    fields.Repeat: lambda _: st.sampled_from(RULES),
    fields.Number: lambda type_: accepted_by(type_, st.one_of(floats, st.floats(-90, 90))),
    fields.Tags: _tags,
    fields.Addresses: lambda _: st.lists(_emails(fields.Email()), min_size=1, max_size=4, unique=True).map(sorted),
    fields.Custom: _custom,
    NameOfKind: _choices,
    KeyName: lambda type_: accepted_by(type_, texts),
    Texts: lambda type_: accepted_by(type_, st.lists(texts, min_size=1, max_size=4)),
    ViewName: lambda type_: accepted_by(type_, st.from_regex(r"[a-z0-9-]{1,60}", fullmatch=True)),
    ListPath: lambda type_: accepted_by(type_, st.builds("/contacts?name={}".format, texts)),
    Formula: lambda type_: accepted_by(type_, st.builds('has(tags, "{}")'.format, _letters)),
    terms.Word: lambda type_: st.sampled_from(type_.known) if isinstance(type_, terms.Word) and type_.known else texts,
    terms.Handle: _handles,
    fields.Link: _links,
    terms.Json: lambda _: json_objects,
}


def values_of(field: Field, nullable: bool) -> st.SearchStrategy[Any]:
    """Return values that the field can have in a stored record."""
    drawn = DRAW[type(field.type)](field.type)
    return st.one_of(drawn, st.none()) if nullable else drawn


def records_of(kind: Kind, filled: bool = False) -> st.SearchStrategy[Record]:
    """Return records of a kind, with every field filled where `filled`."""
    named = {f.name: values_of(f, f.nullable and not filled) for f in kind.fields if f.name != "id"}
    made = st.integers(0, 31**7 - 1).map(lambda number: ids.numbered(kind.prefix, number))
    whole = st.fixed_dictionaries({"id": made, **named})
    return whole.map(lambda values: kind.record(handle=kind.handle(values["id"]), **values))


def exactly(value: Any) -> str:
    """Return JSON by which two values are the same only if their types are too (1, 1.0 and true differ)."""
    return json.dumps(value, sort_keys=True)
