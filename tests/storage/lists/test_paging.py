"""Every sort of every kind, page by page, compared with slow Python that knows no SQL."""

import itertools
import random
from typing import Any

import pytest

from crmkit.model.query.filters import CustomKey, operators_of
from crmkit.model.record import Kind
from tests.kinds import KINDS
from tests.storage.desk import Desk
from tests.storage.reference import PATHS, in_order, met
from tests.storage.samples import Library, agreeing, body, is_taken, names, needed, operands, shown, sort_keys, stock

pytestmark = pytest.mark.slow

EVERY_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@EVERY_KIND
def test_pages_by_one_key_are_in_the_order_of_that_key(library: Library, kind: Kind) -> None:
    records = library.records[kind.name]
    for name in sort_keys(kind):
        for sort in (name, f"-{name}"):
            expected = [record["id"] for record in in_order(kind, records, sort)]
            found = library.back.pages(library.alice, ("sort", sort), ("limit", "17"), kind=kind)
            assert [record.id for record in found] == expected, sort


def asked_at_random(kind: Kind, library: Library, choice: random.Random) -> list[tuple[str, str]]:
    """Return the pairs of a query with up to three filters that many records meet, and up to three sort keys."""
    pairs = []
    for name in choice.sample(names(kind), choice.randint(0, 3)):
        operator = choice.choice(["ne", "is", "not", "gte", "lt", "like", "eq", "starts", "unlike", "within"])
        if operator not in operators_of(kind.filters.get(name) or CustomKey(tuple(PATHS[name]))):
            operator = "not"
        texts = ["null"]
        if operator not in ("is", "not"):
            texts = operands(kind, name, library.records[kind.name], choice)
            texts = [text for text in texts if is_taken(kind, name, operator, text) and "e+" not in text]
        pairs.append((name, f"{operator}:{choice.choice(texts)}"))
    keys = choice.sample(sort_keys(kind), choice.randint(0, 3))
    return [*pairs, ("sort", ",".join(choice.choice(["", "-"]) + key for key in keys))]


@EVERY_KIND
def test_pages_of_any_query_neither_repeat_nor_skip_a_record(library: Library, kind: Kind) -> None:
    choice = random.Random(f"any query {kind.name}")
    records = library.records[kind.name]
    several = 0
    for _ in range(100):
        *filters, (_, sort) = pairs = asked_at_random(kind, library, choice)
        found = met(kind, records, [(name, *value.split(":", 1)) for name, value in filters], library.today)
        expected = [record["id"] for record in in_order(kind, found, sort)]
        limit = choice.choice([1 if len(expected) < 30 else 7, 7, 40, len(records) - 1, len(records)])
        pages = library.back.pages(library.alice, *pairs, ("limit", str(limit)), kind=kind)
        assert [record.id for record in pages] == expected, (pairs, limit)
        several += len(expected) > limit
    assert several > 30


def sorts_of(kind: Kind) -> list[str]:
    """Return the default sort, and sorts in which every key of a kind stands once."""
    choice = random.Random(f"sorts {kind.name}")
    keys = [choice.choice(["", "-"]) + key for key in choice.sample(sort_keys(kind), len(sort_keys(kind)))]
    return ["", *(",".join(keys[start : start + 3]) for start in range(0, len(keys), 3))]


@pytest.mark.slow
@EVERY_KIND
def test_no_page_repeats_or_skips_a_record_when_others_change_meanwhile(back: Desk, kind: Kind) -> None:
    alice, choice = back.person(), random.Random(f"meanwhile {kind.name}")
    there = stock(back, alice, 40, choice)
    made = there[kind.name]
    steady, restless = made[:24], made[24:]
    numbers = itertools.count(1_000)

    def fresh() -> dict[str, Any]:
        return {**agreeing(body(kind, next(numbers), choice)), **needed(kind, there, choice)}

    def change_others() -> None:
        back.clock.move(seconds=choice.choice([0, 1]))
        for record in choice.sample(restless, 2):
            restless[restless.index(record)] = back.change(alice, record, **fresh())
        if kind.is_logged:
            back.log(alice, choice.choice(restless), body="hello")
        back.remove(alice, restless.pop(choice.randrange(len(restless))))
        restless.append(back.make(alice, kind, **fresh()))

    untouched = {record.id for record in steady}
    for sort in sorts_of(kind):
        pages = back.pages(alice, ("sort", sort), ("limit", "5"), kind=kind, between=change_others)
        found = [record.id for record in pages if record.id in untouched]
        assert found == [record["id"] for record in in_order(kind, shown(steady), sort)], sort
