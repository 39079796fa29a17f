"""Counts of every kind by every field, compared with adding up the records that a list shows, in plain Python."""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise, product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.counting.count import count
from crmkit.model import fields
from crmkit.model.fold import fold
from crmkit.model.record import Kind
from tests.kinds import KINDS
from tests.storage.reference import PATHS, READ, Shown, compact, met, value_of
from tests.storage.samples import Library, sort_keys

Row = dict[str, Any]

ZONES = ("Europe/Berlin", "Asia/Kathmandu", "America/Los_Angeles")
UNITS: dict[str, Callable[[Any], str]] = {
    "day": lambda day: f"{day:%Y-%m-%d}",
    "week": lambda day: f"{day - timedelta(days=day.weekday()):%Y-%m-%d}",
    "month": lambda day: f"{day:%Y-%m}",
    "quarter": lambda day: f"{day:%Y}-Q{(day.month - 1) // 3 + 1}",
    "year": lambda day: f"{day:%Y}",
}
EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
GROUPED = [pytest.param(kind, name, id=f"{kind.name}-{name}") for kind in KINDS for name in sort_keys(kind)]


def counted(library: Library, kind: Kind, pairs: list[tuple[str, str]], zone: str = "") -> list[Row]:
    """Return the rows of all pages, of three groups each."""
    alice = replace(library.alice, own_timezone=zone)
    rows: list[Row] = []
    cursor: list[tuple[str, str]] = []
    while True:
        page = library.back.do(count(Call(library.back.crm, alice), kind, [*pairs, ("limit", "3"), *cursor]))
        assert all(start == kind.plural for start, _ in page.rows)
        rows += [row for _, row in page.rows]
        if page.paging.next_cursor is None:
            return rows
        cursor = [("cursor", page.paging.next_cursor)]


def key(kind: Kind, name: str, value: Any) -> Hashable:
    """Return what a value is compared by."""
    if value is None:
        return None
    if name in PATHS:
        if isinstance(value, bool):
            return str(value).lower()
        found: Hashable = (
            value if isinstance(value, int | float) else fold(value if isinstance(value, str) else compact(value))
        )
        return found
    type_ = kind.by_name[name].type
    if isinstance(type_, fields.Tags):
        return fold(value)
    if isinstance(value, str) and type(type_) not in (fields.Date, fields.Time):
        kept: Hashable = READ[type(type_)](value)
        return kept
    held: Hashable = value
    return held


def bucketed(zone: str, unit: str, value: str | None) -> str | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    day = UNITS[unit](moment if len(value) == 10 else moment.astimezone(ZoneInfo(zone)))
    return day.rjust(len(day) + 4 - len(day.split("-")[0]), "0")


def tallied(kind: Kind, records: list[Shown], names: list[str]) -> dict[Hashable, list[Shown]]:
    """Return the records of each group, by its keys; a record is in a group for each of its tags."""
    groups: dict[Hashable, list[Shown]] = defaultdict(list)
    for record in records:
        values = []
        for name in names:
            value = value_of(record, name)
            is_list = name not in PATHS and isinstance(kind.by_name[name].type, fields.Tags)
            values.append([key(kind, name, each) for each in (value or [None] if is_list else [value])])
        for keys in product(*values):
            groups[keys].append(record)
    return groups


def figure(kind: Kind, function: str, name: str, records: list[Shown]) -> Any:
    held = [value_of(record, name) for record in records]
    values = [value for value in held if value is not None and not isinstance(value, bool | str | list | dict)]
    if name not in PATHS and kind.by_name[name].type.dated:
        values = [value for value in held if value is not None]
    if function == "sum":
        return sum(map(Fraction, values))
    if not values:
        return None
    if function != "avg":
        return min(values) if function == "min" else max(values)
    mean = sum(map(Fraction, values)) / len(values)
    if isinstance(getattr(kind.by_name.get(name), "type", None), fields.Integer) and name.endswith("_cents"):
        return math.floor(abs(mean) + Fraction(1, 2)) * (1 if mean >= 0 else -1)
    return mean


def figures(kind: Kind) -> list[tuple[str, str]]:
    numbers = [field.name for field in kind.fields if isinstance(field.type, fields.Integer | fields.Number)]
    numbers += ["custom.a"] if kind.custom else []
    times = [field.name for field in kind.fields if isinstance(field.type, fields.Time | fields.Date)]
    every = [(function, name) for function in ("sum", "avg", "min", "max") for name in numbers]
    return [*every, *((function, name) for function in ("min", "max") for name in times)]


def in_order(rows: list[Row]) -> bool:
    return all(before["count"] >= after["count"] for before, after in pairwise(rows))


@pytest.mark.parametrize(("kind", "name"), GROUPED)
def test_a_count_by_a_field_is_that_of_the_records_that_have_each_value(
    library: Library, kind: Kind, name: str
) -> None:
    records = library.records[kind.name]
    expected = {keys: len(held) for keys, held in tallied(kind, records, [name]).items()}
    rows = counted(library, kind, [("by", name)])
    found = {(key(kind, name, row[name]),): row["count"] for row in rows}
    assert found == expected
    assert (len(rows), in_order(rows)) == (len(expected), True)
    for row in rows:  # as a record spells it
        held = [value_of(record, name) for record in records]
        assert any(row[name] == each or (isinstance(each, list) and row[name] in each) for each in held)
    for before, after in pairwise(rows):
        if before["count"] == after["count"]:
            assert before[name] is not None, "what is empty comes last"


@EVERY_KIND
def test_figures_are_those_of_the_records_of_each_group_and_currency(library: Library, kind: Kind) -> None:
    records, split = library.records[kind.name], ["currency"] if "currency" in kind.by_name else []
    by = next(name for name in ("stage", "status", "owner", "created_by") if name in kind.by_name)
    for function, name in figures(kind):
        names = [by, *(split if name.endswith("_cents") else [])]
        groups = tallied(kind, records, names)
        rows = counted(library, kind, [("by", by), (function, name)])
        assert len(rows) == len(groups)
        for row in rows:
            held = groups[tuple(key(kind, each, row[each]) for each in names)]
            assert row["count"] == len(held)
            told, expected = row[f"{function}.{name}"], figure(kind, function, name, held)
            if isinstance(expected, Fraction) and (function == "avg" or not isinstance(told, int)):
                assert told == pytest.approx(float(expected), rel=1e-9)
            elif name not in PATHS:
                assert told == expected, (function, name, row)
            assert ("currency" in row) == (len(names) > 1 or by == "currency")


@EVERY_KIND
@pytest.mark.parametrize("zone", ZONES)
def test_buckets_hold_the_records_whose_time_lies_in_them_in_the_zone_of_who_asks(
    library: Library, kind: Kind, zone: str
) -> None:
    records = library.records[kind.name]
    for field in (field for field in kind.fields if field.type.dated):
        for unit in UNITS:
            rows = counted(library, kind, [("by", f"{field.name}.{unit}")], zone)
            expected: dict[str | None, int] = defaultdict(int)
            for record in records:
                expected[bucketed(zone, unit, record[field.name])] += 1
            assert {row[f"{field.name}.{unit}"]: row["count"] for row in rows} == expected


@EVERY_KIND
def test_several_fields_and_filters_make_the_groups_of_what_the_list_finds(library: Library, kind: Kind) -> None:
    names = [name for name in ("status", "stage", "owner", "tags", "custom.b", "created_by") if name in sort_keys(kind)]
    for filters in ([], [("created_by", "ne", "bob@example.com")], [("id", "not", "null")], [("version", "gt", "1")]):
        records = met(kind, library.records[kind.name], filters, library.today)
        pairs = [(name, f"{operator}:{operand}") for name, operator, operand in filters]
        for chosen in (names[:2], names[1:3], names[:3], names[-2:]):
            groups = tallied(kind, records, chosen)
            rows = counted(library, kind, [*pairs, ("by", ",".join(chosen))])
            found = {tuple(key(kind, name, row[name]) for name in chosen): row["count"] for row in rows}
            assert found == {keys: len(held) for keys, held in groups.items()}
        (only,) = counted(library, kind, pairs)
        assert only == {"count": len(records)}
