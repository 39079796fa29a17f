"""Every operator on every field of every kind, compared with slow Python that knows no SQL."""

import random
from collections.abc import Iterator

import pytest

from crmkit.errors import Problem
from crmkit.model import fields
from crmkit.model.operators.rows import OPERATORS
from crmkit.model.query import filters
from crmkit.model.query.filters import target_of
from crmkit.model.query.parse import TIMEZONE
from crmkit.model.record import Kind
from tests.kinds import KINDS
from tests.storage.reference import PART, PATHS, PERIODS, met
from tests.storage.samples import Library, is_taken, names, operands

# what all these records have the same in
ALL_ALIKE = ("custom.never", "follows", "score")

EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
FILTERED = [pytest.param(kind, name, id=f"{kind.name}-{name}") for kind in KINDS for name in names(kind)]


def operators_of(kind: Kind, name: str) -> tuple[str, ...]:
    target = target_of(kind, name)
    assert target, name
    return filters.operators_of(target)


def asked(kind: Kind, name: str, texts: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (operator, operand) for all that a field takes."""
    single = [text for text in texts if "," not in text and is_taken(kind, name, "in", text)]
    lists = [", ".join(single[start : start + 3]) for start in range(0, len(single), 3)]
    pairs = [f"{first},{last} " for first, last in zip(single, reversed(single), strict=True)]
    pairs += [f"{last},{first}" for first, last in zip(single[:3], reversed(single[:3]), strict=True)]
    choices = {"is": ["null"], "not": ["NULL"], "between": pairs, "during": [*PERIODS]}
    choices |= dict.fromkeys(("in", "out"), lists)
    for operator in operators_of(kind, name):
        for operand in choices.get(operator, texts):
            if operator in (*PART, "unlike") and name in PATHS and "e+" in operand:
                continue  # how a huge number is spelled is SQLite's matter
            if operator not in choices and not is_taken(kind, name, operator, operand):
                continue
            yield operator, operand


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), FILTERED)
def test_a_filter_finds_just_the_records_that_meet_it(library: Library, kind: Kind, name: str) -> None:
    records = library.records[kind.name]
    telling = 0
    for operator, operand in asked(kind, name, operands(kind, name, records, random.Random(f"{kind.name}.{name}"))):
        expected = {record["id"] for record in met(kind, records, [(name, operator, operand)], library.today)}
        bare = operator == "eq" and operand.partition(":")[0] not in OPERATORS and name != TIMEZONE
        for spelled in (f"{operator}:{operand}", operand)[: 1 + bare]:
            answer = library.back.find(library.alice, (name, spelled), ("limit", "200"), kind=kind)
            assert {record.id for record in answer.records} == expected, f"{name}={spelled}"
            assert answer.paging.total == len(expected)
        telling += 0 < len(expected) < len(records)
    assert telling >= 2 or name in ALL_ALIKE, "these records tell no right filter from a wrong one"


@EVERY_KIND
def test_a_field_refuses_an_operator_that_it_does_not_have(library: Library, kind: Kind) -> None:
    for name in names(kind):
        for operator in set(OPERATORS) - set(operators_of(kind, name)):
            with pytest.raises(Problem) as caught:
                library.back.find(library.alice, (name, f"{operator}:null"), kind=kind)
            assert caught.value.code == "invalid_operator"


@EVERY_KIND
def test_every_field_filters_and_all_but_long_text_and_objects_sort(library: Library, kind: Kind) -> None:
    unsorted = set()
    for field in kind.fields:
        assert library.back.find(library.alice, (field.name, "not:null"), kind=kind).paging.total is not None
        try:
            found = library.back.find(library.alice, sort=field.name, limit="200", kind=kind).records
            assert len(found) == len(library.records[kind.name])
        except Problem:
            unsorted.add(field.name)
    free = (fields.LongText, fields.Custom)
    assert unsorted == {field.name for field in kind.fields if isinstance(field.type, free)}
    assert unsorted or not kind.is_searched
