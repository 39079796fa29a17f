"""Groups of filters, of which one must match, on every kind, compared with slow Python that knows no SQL."""

import random
from contextlib import closing

import pytest

from crmkit.model.query.parse import MAX_CONDITIONS
from crmkit.model.record import Kind
from crmkit.storage.lists import planner
from crmkit.storage.lists.plan import LookUp, WalkEach, WalkIndex
from crmkit.storage.lists.sql import page
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.kinds import CONTACT
from tests.storage.desk import listed, steps_of, workspace_of
from tests.storage.lists.test_operators import EVERY_KIND, asked
from tests.storage.reference import in_order, met
from tests.storage.samples import Library, names, operands

DRAWN = 40  # queries of each kind

Filters = list[tuple[str, str, str]]


def drawn(kind: Kind, library: Library, choice: random.Random) -> Filters:
    """Return some filters: one or two groups, perhaps others beside them."""
    filters: Filters = []
    prefixes = choice.choice([["or."], ["or."], ["or.", "or2."], ["or2.", "or9."]])
    for prefix in [*prefixes, *choice.choice([[], [], [""]])]:
        for name in choice.choices(names(kind), k=choice.randint(2, 4) if prefix else 1):
            texts = operands(kind, name, library.records[kind.name], choice)
            operator, operand = choice.choice([*asked(kind, name, texts)])
            filters.append((prefix + name, operator, operand))
    choice.shuffle(filters)
    return filters


@pytest.mark.slow
@EVERY_KIND
@pytest.mark.parametrize("is_led", [True, False], ids=["looked up", "walked"])
def test_groups_find_just_the_records_that_meet_one_of_each(
    library: Library, kind: Kind, is_led: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    records, choice, telling = library.records[kind.name], random.Random(kind.name), 0
    if not is_led:
        for name in ("AT_ONCE", "FEW", "MANY"):
            monkeypatch.setattr(planner, name, -1)
    for _ in range(DRAWN):
        filters = drawn(kind, library, choice)
        expected = met(kind, records, filters, library.today)
        sort = choice.choice(["", "id", "-created_at", kind.title.name if kind.is_searched else ""])
        pairs = [(name, f"{operator}:{operand}") for name, operator, operand in filters]
        pairs += [("sort", sort)] if sort else []
        found = library.back.find(library.alice, *pairs, ("limit", "200"), kind=kind)
        wanted = [record["id"] for record in in_order(kind, expected, sort)]
        assert [record.id for record in found.records] == wanted, pairs
        assert found.paging.total == len(expected), pairs
        paged = library.back.pages(library.alice, *pairs, ("limit", "7"), kind=kind)
        assert [record.id for record in paged] == wanted, pairs
        telling += 0 < len(expected) < len(records)
    assert telling >= DRAWN / 4, "these records tell no right group from a wrong one"


@pytest.mark.slow
@EVERY_KIND
def test_indexes_walked_side_by_side_find_the_pages_of_a_group(
    library: Library, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AT_ONCE", "FEW", "MANY"):
        monkeypatch.setattr(planner, name, -1)
    records, choice, walked = library.records[kind.name], random.Random(kind.name), 0
    indexed = [index.fields[0] for index in kind.indexes if index.fields[1:] == ("updated_at",)]
    for _ in range(DRAWN // 2 if indexed else 0):
        filters: Filters = []
        for name in choice.choices(indexed, k=3):
            texts = operands(kind, name, records, choice)
            tried = [each for each in asked(kind, name, texts) if each[0] in ("eq", "in")]
            filters.append((f"or.{name}", *choice.choice(tried)))
        sort = choice.choice(["updated_at", "-updated_at", "updated_at,-id"])
        pairs = [*((name, f"{operator}:{operand}") for name, operator, operand in filters), ("sort", sort)]
        walked += isinstance(planner.in_order(kind, listed(kind, pairs)).access, WalkEach)
        wanted = [record["id"] for record in in_order(kind, met(kind, records, filters, library.today), sort)]
        found = library.back.pages(library.alice, *pairs, ("limit", "3"), kind=kind)
        assert [record.id for record in found] == wanted, pairs
    assert walked or not indexed


def test_a_total_of_a_group_is_counted_once_for_what_meets_several_parts(library: Library) -> None:
    records = library.records[CONTACT.name]
    for more in ([], [("version", "gte", "1")]):
        filters = [("or.stage", "not", "null"), ("or.stage", "in", "lead,Lead"), ("or.created_at", "gte", "2020-01-01")]
        pairs = [(name, f"{operator}:{operand}") for name, operator, operand in [*filters, *more]]
        found = library.back.find(library.alice, *pairs, ("limit", "2"))
        assert found.paging.total == len(met(CONTACT, records, [*filters, *more], library.today)) == len(records)


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pairs", "by"),
    [
        ([("or.stage", "nowhere"), ("or.owner", "nobody@example.com")], "stage or owner"),
        ([("or.email", "a@example.com"), ("or.source_id", "x")], "email or source_id"),
        ([("or.stage", "nowhere"), ("or.stage", "gte:zzz")], "stage"),
        ([("or.stage", "nowhere"), ("or.source_id", "like:z")], ""),
        ([("or.stage", "nowhere"), ("or.owner", "is:null")], ""),
        ([("or.stage", "nowhere"), ("or.custom.size", "5")], ""),
    ],
)
def test_a_group_leads_only_where_an_index_finds_each_of_its_parts(
    library: Library, pairs: list[tuple[str, str]], by: str
) -> None:
    actor = library.alice
    with closing(connect(library.back.database.folder / FILE, False)) as connection:
        plan = planner.decide(connection, CONTACT, workspace_of(actor), listed(CONTACT, pairs))
    if not by:
        assert isinstance(plan.access, WalkIndex)
        assert plan.access.is_trial
        return
    assert isinstance(plan.access, LookUp)
    assert set(plan.access.by.split(" or ")) == set(by.split(" or "))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("pairs", "names"),
    [
        ([("or.stage", "lead"), ("or.owner", "a@example.com")], ["stage", "owner"]),
        ([("or.stage", "in:lead,won"), ("or.stage", "lost")], ["stage", "stage", "stage"]),
        ([("or.stage", "lead"), ("or.owner", "a@example.com"), ("sort", "-updated_at,id")], ["stage", "owner"]),
        ([("or.stage", "lead"), ("or.owner", "a@example.com"), ("sort", "name")], []),
        ([("or.stage", "lead"), ("or.owner", "a@example.com"), ("tags", "vip")], []),
        ([("or.stage", "lead"), ("or.owner", "ne:a@example.com")], []),
        ([("or.stage", "lead"), ("or.name", "Jane")], []),
        ([("or.stage", f"in:{','.join(map(str, range(11)))}"), ("or.stage", "lead")], []),
    ],
)
def test_a_group_is_walked_by_the_index_of_each_value_where_all_have_the_order_of_the_list(
    library: Library, pairs: list[tuple[str, str]], names: list[str]
) -> None:
    plan = planner.in_order(CONTACT, listed(CONTACT, pairs))
    if not names:
        assert not isinstance(plan.access, WalkEach)
        return
    assert isinstance(plan.access, WalkEach)
    assert [part.target.name for part in plan.access.parts] == names
    workspace = workspace_of(library.alice)
    with closing(connect(library.back.database.folder / FILE, False)) as connection:
        for position in (None, ["2026-06-10T09:00:00Z", "c_k7m2q9xa"]):
            steps = steps_of(connection, page(connection.dialect, CONTACT, workspace, plan, position))
            for name in names:
                assert any(f"SEARCH r USING COVERING INDEX contacts_by_{name} (" in step for step in steps), steps
            assert steps[0] == "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)"


@pytest.mark.parametrize("is_led", [True, False], ids=["looked up", "walked"])
def test_a_group_may_have_as_many_parts_as_a_query_has_filters(
    library: Library, is_led: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_led:
        monkeypatch.setattr(planner, "AT_ONCE", -1)
    records = library.records[CONTACT.name]
    texts = [f"like:nobody at all {n}" for n in range(MAX_CONDITIONS - 20)]
    values = [f"in:{','.join(f'v{n}x{m}' for m in range(20))}" for n in range(19)]
    filters = [*(("or.name", text) for text in texts), *(("or.stage", text) for text in values), ("or.stage", "lead")]
    expected = met(CONTACT, records, [("stage", "eq", "lead")], library.today)
    found = library.back.find(library.alice, *filters, ("limit", "200"))
    assert {record.id for record in found.records} == {record["id"] for record in expected}
    assert library.back.find(library.alice, *filters[-20:], ("limit", "1")).paging.total == len(expected)
