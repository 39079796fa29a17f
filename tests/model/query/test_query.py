"""A query string is a query, or a problem that says what is allowed and suggests the nearest."""

from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from crmkit.errors import CATALOGUE, Problem
from crmkit.model.actor import Asker
from crmkit.model.fields import Addresses
from crmkit.model.form import Field
from crmkit.model.operators.rows import BY_NAME, OPERATORS, Operand
from crmkit.model.query.filters import EMPTY, MAX_LISTED, CustomKey, target_of
from crmkit.model.query.parse import DEFAULT_LIMIT, MAX_CONDITIONS, MAX_LIMIT, RESERVED, Query, parse
from crmkit.model.record import Kind
from tests.kinds import CONTACT, DEAL
from tests.model.query.queries import COMPANY_ID, ID, condition, every_kind, query, told
from tests.render.drawn import LOOK_ALIKES, keys, texts, values_of

# operators


@pytest.mark.parametrize(
    ("name", "text", "operator", "value"),
    [
        ("stage", "lead", "eq", "lead"),
        ("stage", "eq:Lead", "eq", "lead"),
        ("stage", "ne:LEAD", "ne", "lead"),
        ("stage", "gt:m", "gt", "m"),
        ("stage", "gte:m", "gte", "m"),
        ("stage", "lt:m", "lt", "m"),
        ("stage", "lte:m", "lte", "m"),
        ("name", "like:ACM%_", "like", "acm%_"),
        ("stage", "in:Lead, customer ,,won", "in", ("lead", "customer", "won")),
        ("stage", "is:null", "is", None),
        ("stage", "is:NULL", "is", None),
        ("stage", "not:null", "not", None),
        ("notes", "like:Straße", "like", "strasse"),
        ("email", "Jane@ACME.com", "eq", "jane@acme.com"),
        ("email", "like:@ACME", "like", "@acme"),
        ("tags", "VIP", "eq", ("vip",)),
        ("tags", "vip, fintech", "eq", ("vip", "fintech")),
        ("tags", "in:vip,fintech", "in", ("vip", "fintech")),
        ("tags", "ne:vip", "ne", ("vip",)),
        ("tags", "like:FIN", "like", "fin"),
        ("tags", "any:VIP, b", "in", ("vip", "b")),
        ("tags", "none:VIP", "out", ("vip",)),
        ("tags", "out:vip,b", "out", ("vip", "b")),
        ("tags", "unlike:FIN", "unlike", "fin"),
        ("tags", "starts:FIN", "starts", "fin"),
        ("name", "unlike:ACM", "unlike", "acm"),
        ("name", "starts:Ac ", "starts", "ac "),
        ("name", "ends:Straße", "ends", "strasse"),
        ("name", 'out:"Acme, Inc.",x', "out", ("acme, inc.", "x")),
        ("company_id", f"out:{COMPANY_ID}", "out", (COMPANY_ID,)),
        ("created_at", "out:2026-06-10", "unspanned", (("2026-06-10T00:00:00Z", "2026-06-10T23:59:59Z"),)),
        ("location", "within: 47.37 ,8.54,5", "within", (47.37, 8.54, 5.0)),
        ("location", "is:null", "is", None),
        ("version", "gte:5", "gte", 5),
        ("version", "in:1,2", "in", (1, 2)),
        ("created_at", "gte:2026-06-10", "gte", "2026-06-10T00:00:00Z"),
        ("created_at", "gt:2026-06-10", "gt", "2026-06-10T23:59:59Z"),
        ("created_at", "lt: 2026-06-10 ", "lt", "2026-06-10T00:00:00Z"),
        ("created_at", "lte:9999-12-31", "lte", "9999-12-31T23:59:59Z"),
        ("created_at", "ne:2026-06-10", "unspanned", (("2026-06-10T00:00:00Z", "2026-06-10T23:59:59Z"),)),
        ("created_at", "in:2026-06-10T09:00:00Z", "in", ("2026-06-10T09:00:00Z",)),
        ("name", 'in:"Acme, Inc.",Globex', "in", ("acme, inc.", "globex")),
        ("name", 'in: "a" , b"c ,"\\u00e9\\"" ,', "in", ("a", 'b"c', 'é"')),
        ("name", 'in:["Acme, Inc.","x"]', "in", ("acme, inc.", "x")),
        ("name", "in:[x],y", "in", ("[x]", "y")),
        ("tags", '"VIP",fintech', "eq", ("vip", "fintech")),
        ("tags", '["vip","true"]', "eq", ("vip", "true")),
        ("tags", 'in:"vip"', "in", ("vip",)),
        ("email", "plus sign@x.example", "eq", "plus+sign@x.example"),
        ("email", "like:plus s", "like", "plus+s"),
        ("email", "gt:m", "gt", "m"),
        ("created_at", "2026-06-10T09:00:00+02:00", "eq", "2026-06-10T07:00:00Z"),
        ("created_at", "lt:2026-06-10T09:00:00 02:00", "lt", "2026-06-10T07:00:00Z"),
        ("company_id", f"company/{COMPANY_ID}", "eq", COMPANY_ID),
        ("id", f"in:{ID},contact/{ID}", "in", (ID, ID)),
        ("custom", "is:null", "is", None),
        ("custom.score", "gte:10", "gte", "10"),
        ("custom.region", "in:EMEA,apac", "in", ("emea", "apac")),
        ("custom.vip", "not:null", "not", None),
    ],
)
def test_an_operator_stands_before_its_value(name: str, text: str, operator: str, value: Any) -> None:
    found = condition(name, text)
    assert (found.operator, found.value) == (operator, value)
    assert found.target.name == name


@every_kind
def test_every_field_takes_the_operators_its_type_has_and_tells_the_others_apart(kind: Kind) -> None:
    for field in kind.fields:
        for operator in OPERATORS:
            row = BY_NAME[operator]
            others = {Operand.NULL: "null", Operand.CIRCLE: "47,8,5", Operand.PERIOD: "this_week"}
            operand = others.get(row.operand) or _operand(field)
            pair = (field.name, f"{operator}:{f'{operand},{operand}' if row.operand is Operand.TWO else operand}")
            if operator in field.type.operators:
                found = query(pair, kind=kind).conditions
                assert [(one.target, one.operator) for one in found] == [(field, each) for each in row.conditions]
            else:
                problem = told(pair, kind=kind)
                assert problem.code == ("invalid_operator" if field.type.operators else "invalid_filter")


@every_kind
def test_every_field_sorts_in_both_directions_except_long_text_and_objects(kind: Kind) -> None:
    for field in kind.fields:
        if field.type.sortable:
            up, down = (query(("sort", sort), kind=kind).sorts for sort in (field.name, f"-{field.name}"))
            assert [(s.target, s.descending) for s in (*up, *down)] == [(field, False), (field, True)]
        else:
            problem = told(("sort", field.name), kind=kind)
            assert problem.code == "invalid_sort"
            assert f" {field.name}," not in problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "http://x",
        "http://x:80/y:z",
        "a:b",
        "12:30",
        ":",
        ":x",
        "like",
        "EQ:x",
        "Like:x",
        " eq:x",
        "eq :x",
        "equals:x",
        "liek:x",
        "contains:x",
        "is",
        "null",
        "x:eq:y",
        "::",
        "в:x",
    ],
)
def test_what_stands_before_the_first_colon_of_text_is_an_operator_only_if_it_is_one(text: str) -> None:
    assert condition("name", text).operator == "eq"
    assert condition("name", text).value == text.lower().strip()  # as a name is stored
    assert condition("custom.a", text).value == text.lower()


@pytest.mark.parametrize(
    ("text", "value"), [("eq:eq:x", "eq:x"), ("eq:like:x", "like:x"), ("like::", ":"), ("ne:http://x", "http://x")]
)
def test_only_the_first_colon_counts(text: str, value: str) -> None:
    assert condition("name", text).value == value


@given(st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte", "like"]), texts.filter(lambda t: t and "\x00" not in t))
def test_with_eq_in_front_any_text_can_be_asked_for(operator: str, text: str) -> None:
    kind = CONTACT.by_name["notes"].type
    value = kind.operand(text) if operator in ("eq", "ne") else kind.part(text)
    if value is None:
        assert told(("notes", f"{operator}:{text}")).fields == {"notes": EMPTY}
    else:
        assert condition("notes", f"{operator}:{text}").value == value


# days


def test_a_day_is_all_seconds_of_it() -> None:
    found = query(("created_at", "2026-06-10")).conditions
    assert [(c.operator, c.value) for c in found] == [("gte", "2026-06-10T00:00:00Z"), ("lte", "2026-06-10T23:59:59Z")]


def test_days_and_times_may_stand_in_one_list() -> None:
    *bounds, found = query(("created_at", "in:2026-06-12,2026-06-10T09:00:00Z")).conditions
    assert [(c.operator, c.value) for c in bounds] == [("gte", "2026-06-10T09:00:00Z"), ("lte", "2026-06-12T23:59:59Z")]
    assert (found.operator, found.value) == (
        "spanned",
        (("2026-06-12T00:00:00Z", "2026-06-12T23:59:59Z"), ("2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z")),
    )


def test_a_day_is_one_in_the_zone_of_the_asker() -> None:
    berlin = Asker(zone=ZoneInfo("Europe/Berlin"))
    for day, first, last in (
        ("2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T21:59:59Z"),  # an hour is left out
        ("2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z"),  # an hour comes twice
    ):
        found = parse(CONTACT, [("created_at", day)], berlin).conditions
        assert [c.value for c in found] == [first, last]
    with pytest.raises(Problem, match="invalid_value"):
        parse(CONTACT, [("created_at", "0001-01-01")], berlin)


def test_a_date_field_holds_days_and_compares_them() -> None:
    (found,) = query(("close_date", "2026-06-10"), kind=DEAL).conditions
    assert (found.operator, found.value) == ("eq", "2026-06-10")


# me


@pytest.mark.parametrize(
    ("text", "operator", "value"),
    [
        ("me", "eq", "alice@example.com"),
        (" Me ", "eq", "alice@example.com"),
        ("ne:me", "ne", "alice@example.com"),
        ("in:me,bob@example.com", "in", ("alice@example.com", "bob@example.com")),
    ],
)
def test_me_is_the_address_of_the_asker(text: str, operator: str, value: Any) -> None:
    for name in ("owner", "created_by"):
        (found,) = parse(CONTACT, [(name, text)], Asker("alice@example.com")).conditions
        assert (found.operator, found.value) == (operator, value)


def test_me_is_no_address_of_a_contact() -> None:
    with pytest.raises(Problem, match="invalid_value"):
        parse(CONTACT, [("email", "me")], Asker("alice@example.com"))


# several filters


def test_a_field_may_stand_twice() -> None:
    found = query(("version", "gte:2"), ("version", "lt:9"), ("version", "ne:5"))
    assert [(c.operator, c.value) for c in found.conditions] == [("gte", 2), ("lt", 9), ("ne", 5)]
    assert found.filtered


def test_no_parameters_are_the_whole_list() -> None:
    found = query()
    assert found == Query()
    assert (found.limit, found.filtered, found.search, found.sorts, found.notes) == (DEFAULT_LIMIT, False, "", (), ())


def test_fifty_filters_fit_and_one_more_is_told() -> None:
    fifty = [("version", f"ne:{number}") for number in range(MAX_CONDITIONS)]
    assert len(query(*fifty).conditions) == MAX_CONDITIONS == 50
    problem = told(*fifty, ("stage", "lead"))
    assert (problem.code, problem.hint) == ("invalid_filter", "Send at most 50 filters.")


@pytest.mark.parametrize("name", ["stage", "tags", "custom.a", "version"])
def test_a_list_has_at_most_500_values(name: str) -> None:
    full = "in:" + ",".join(str(number) for number in range(MAX_LISTED))
    assert len(condition(name, full).value) == MAX_LISTED == 500
    problem = told((name, f"{full},7"))
    assert problem.code == "invalid_value"
    assert problem.fields == {name: "takes 1 to 500 values, separated by commas"}


@pytest.mark.parametrize("names", [("stage", "stage"), ("tags", "custom.a"), ("custom.a", "version")])
def test_all_lists_of_a_query_together_have_at_most_500_values(names: tuple[str, str]) -> None:
    half = "in:" + ",".join(str(number) for number in range(MAX_LISTED // 2))
    assert len(query(*((name, half) for name in names)).conditions) == 2
    problem = told(*((name, f"{half},7") for name in names))
    assert (problem.code, "500 values" in problem.hint) == ("invalid_filter", True)


@pytest.mark.parametrize("operator", ["", "eq:", "ne:", "in:"])
@pytest.mark.parametrize("commas", [",", ", ,", " "])
def test_a_filter_of_tags_without_a_tag_is_refused(operator: str, commas: str) -> None:
    assert told(("tags", operator + commas)).fields == {"tags": "takes 1 to 500 values, separated by commas"}


# anything


NAMES = [*CONTACT.by_name, *RESERVED, "custom.a", 'custom."a b"', "custom.", 'custom."', "namee", "at", "target"]
VALUES = [
    *LOOK_ALIKES,
    "is:null",
    "not:null",
    "in:a,b",
    "in:",
    "like:",
    "-name,email",
    "200",
    "2026-06-10",
    ID,
    "exact",
]


@every_kind
def test_any_pairs_give_a_query_or_a_problem_and_nothing_else(kind: Kind) -> None:
    names = st.one_of(st.sampled_from(NAMES), keys.map("custom.{}".format), texts)
    operators = st.sampled_from(["", *(f"{operator}:" for operator in OPERATORS), "foo:", ":"])
    values = st.builds("{}{}".format, operators, st.one_of(st.sampled_from(VALUES), texts))

    @settings(max_examples=300, deadline=None)
    @given(st.lists(st.tuples(names, values), max_size=4))
    def holds(pairs: list[tuple[str, str]]) -> None:
        try:
            found = parse(kind, pairs)
        except Problem as problem:
            assert problem.code in ("invalid_filter", "invalid_operator", "invalid_value", "invalid_sort")
            assert problem.status in CATALOGUE[problem.code][0]
            assert len(problem.hint) < 1_000
            return
        assert 1 <= found.limit <= MAX_LIMIT
        assert len(found.conditions) >= sum(name not in RESERVED for name, _ in pairs)
        assert all(name in kind.by_name for name in found.fields)
        for one in (*found.conditions, *found.sorts):
            declared = isinstance(one.target, Field) and target_of(kind, one.target.name) is one.target
            assert declared or (isinstance(one.target, CustomKey) and kind.custom is not None)
        for one in found.conditions:
            stored = one.value if isinstance(one.value, tuple) else (one.value,)
            assert stored
            if one.operator in ("spanned", "unspanned"):
                assert all(first <= last for first, last in stored)
                continue
            # of a number that is one of several, the keys by which it may be known
            held = [key for value in stored for key in (value if isinstance(value, tuple) else (value,))]
            assert all(value is None or isinstance(value, str | int | float) for value in held)
            assert (one.value is None) == (one.operator in ("is", "not"))
        found.binding("ws_1/contacts").encode()

    holds()


@cache
def _operand(field: Field) -> str:
    """Return a text that a filter of this field takes: some value it can hold."""
    quick = settings(database=None, deadline=None, derandomize=True, phases=[Phase.generate])
    found = find(values_of(field, nullable=False), lambda _: True, settings=quick)
    if isinstance(field.type, Addresses):
        return str(found[0])
    return "x" if field.type.structured else str(found)
