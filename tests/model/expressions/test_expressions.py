"""An expression means what the table of precedence says, for every record; a wrong one is refused with its place."""

import inspect
import math
import sys
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.boot import KINDS
from crmkit.model.expressions import BadExpression, Expression, Scope, parse
from tests.model.expressions import naive

CONTACT, DEAL = KINDS.by_word["contact"], KINDS.by_word["deal"]
NOW = "2026-06-10T09:00:00Z"
HELD = {
    "name": "Jane Doe",
    "stage": "Lead",
    "tags": ["VIP", "berlin"],
    "rating": 4.5,
    "estimated_cents": 12_000,
    "activities": 3,
    "last_contacted_at": "2026-06-01T10:00:00Z",
    "follow_up_at": "2026-07-01T00:00:00Z",
    "custom": {
        "seats": 40,
        "odd key": "Yes",
        "is_big": True,
        "since": "2026-06-08",
        "nested": {"n": 2},
        "huge": 10**400,
    },
}


def parsed(text: str) -> Expression:
    return parse(text, CONTACT, "score")


def value(text: str, zone: str = "UTC", **held: Any) -> float:
    record = CONTACT.new({**HELD, **held})
    return parsed(text).value(Scope(record, NOW, ZoneInfo(zone)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 4 - 3", 3),
        ("100 / 10 / 5", 2),
        ("-2 * -3", 6),
        ("- - 2", 2),
        ("1.5e1 + .5 + 2.", 17.5),
        ("1 < 2 and 2 < 3", 1),
        ("not 1 == 2", 1),
        ("!1 == 2 && true || false", 1),
        ("1 or 0 and 0", 1),
        ("not 0 and 0", 0),
        ("0 ? 1 : 0 ? 2 : 3", 3),
        ("1 ? 0 ? 1 : 2 : 3", 2),
        ("0 or 1 ? 5 : 6", 5),
        ("true + true", 2),
        ("5 and 7", 1),
        ("1 / 0 + 2", 2),
        ("min(3, 1, 2) + max(4, 5)", 6),
    ],
)
def test_operators_bind_as_the_table_says(text: str, expected: float) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rating * 2", 9),
        ('stage == "LEAD"', 1),
        ('stage != "lead"', 0),
        ('"a" < "B" and "b" > "A"', 1),
        ('has(tags, "vip")', 1),
        ('has(tags, "vi")', 0),
        ("tags == tags", 1),
        ("tags == stage", 0),
        ('city == "Berlin" or last_contacted_at < "2026-06-02"', 1),
        ("name", 0),
        ("tags + 1", 1),
        ('name ? "yes" : 1', 0),
        ("tags ? 1 : 2", 1),
        ("custom.seats / 2", 20),
        ("attr_seats - 1", 39),
        ("custom.seats-1", 39),
        ('custom."odd key" == "yes"', 1),
        ("custom.is_big * 3", 3),
        ("custom.nested.n", 2),
        ("custom.nested", 0),
        ("custom.gone.n", 0),
        ("custom.seats.n", 0),
        ('"5" == 5', 0),
        ('"5" < 6 or "5" > 6', 0),
        ("last_contacted_at > created_at", 0),
        ('last_contacted_at < "2026-06-02"', 1),
    ],
)
def test_fields_are_read_as_the_record_has_them(text: str, expected: float) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("actual_cents + 1", 1),
        ("actual_cents == nil and city == null", 1),
        ("actual_cents != nil", 0),
        ("estimated_cents != nil", 1),
        ("actual_cents == 0 and actual_cents >= 0 and actual_cents < 1", 1),
        ("nil == nil", 1),
        ("0 == nil", 0),
        ("custom.gone == nil", 1),
        ("actual_cents == custom.gone", 1),
        ('city == ""', 0),
        ("max(actual_cents, -5)", 0),
    ],
)
def test_a_missing_value_is_0_and_told_apart_by_nil(text: str, expected: float) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("days_since(last_contacted_at)", 8),  # and 23 hours
        ("days_since(follow_up_at)", 0),
        ("days_since(converted_at)", 0),
        ("days_since(custom.since)", 2),
        ("days_since(custom.seats) + days_since(attr_gone)", 0),
        ('days_since(custom."odd key")', 0),
    ],
)
def test_days_are_whole_and_never_negative(text: str, expected: float) -> None:
    assert value(text) == expected


def test_days_since_a_date_are_those_of_the_zone() -> None:
    assert value("days_since(custom.since)", "Pacific/Kiritimati") == 2
    assert value("days_since(custom.since)", "Etc/GMT+12") == 1


@pytest.mark.parametrize("text", ["1e308 * 10", "-1e308 * 10 - 1e308", "custom.huge * custom.huge", "1 / 5e-324"])
def test_no_value_is_infinite(text: str) -> None:
    assert math.isfinite(value(text))
    assert value(f"({text}) - ({text})") == 0


@pytest.mark.parametrize(
    ("text", "column", "part"),
    [
        ("", 1, "expected a value, found the end"),
        ("1 +", 4, "expected a value, found the end"),
        ("(1", 3, "expected an operator or ), found the end"),
        ("1)", 2, "expected an operator, found )"),
        ("1 2", 3, "expected an operator, found 2"),
        ("1 an 2", 3, "did you mean and?"),
        ("stagge", 1, "stagge is no field of a contact (did you mean stage?)"),
        ("1 + amount_cents", 5, "is no field"),
        ("score + 1", 1, "score is what rules make"),
        ("custom", 1, "write custom.KEY"),
        ("custom.", 8, "expected a key"),
        ("custom.é", 8, "expected a key"),
        ("stage = 1", 7, "write == to compare"),
        ("stage == 'lead'", 10, "double quotes"),
        ('"lead', 1, "is no JSON string"),
        ("1 < 2 < 3", 7, "do not chain"),
        ("1 == 2 != 3", 8, "do not chain"),
        ("1 == not 2", 6, "put it in parentheses"),
        ("1 + !2", 5, "put it in parentheses"),
        ("1 ? 2", 6, "expected an operator or :, found the end"),
        ("has(tags)", 1, 'write has(tags, "vip")'),
        ("has", 1, 'write has(tags, "vip")'),
        ("hass(tags, 1)", 1, "did you mean has?"),
        ("max()", 1, "write max(VALUE, …)"),
        ('1 + has(stage, "lead")', 5, "stage is no list: write stage == VALUE"),
        ("has(rating, 2)", 1, "rating is no list"),
        ('tags == "vip"', 6, "tags is a list: write has(tags, TEXT)"),
        ('"2" <= (rating)', 5, "rating holds no text: write the value without quotes"),
        ('name_composed != "true"', 15, "name_composed holds no text"),
        ("days_since(name)", 12, "name holds no time"),
        ("days_since(1)", 12, "expected a field that holds a time"),
        ("days_since()", 12, "expected a field that holds a time"),
        ("1e999", 1, "too large"),
        ("9" * 400, 1, "too large"),
        ("1 % 2", 3, '"%" means nothing here'),
        ("a" * 300, 1, "…"),
        ("1" + " " * 1_000, 1_001, "at most 1,000 characters"),
    ],
)
def test_a_wrong_one_is_refused_with_its_place(text: str, column: int, part: str) -> None:
    with pytest.raises(BadExpression) as caught:
        parsed(text)
    assert caught.value.column == column
    assert part in str(caught.value)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize(
    ("start", "end", "most"),
    [("(", ")", 50), ("-", "", 50), ("not ", "", 50), ("!", "", 50), ("min(", ")", 50), ("1?", ":1", 50)],
)
def test_what_is_too_deep_is_refused(start: str, end: str, most: int) -> None:
    parsed(start * most + "1" + end * most)
    with pytest.raises(BadExpression, match="at most 50 levels"):
        parsed(start * (most + 1) + "1" + end * (most + 1))


@pytest.mark.parametrize("text", ["+".join(["1"] * 500), "1" + "?1:1" * 249, " or ".join(["0"] * 199) + " or 1"])
def test_a_long_one_is_not_deep(text: str) -> None:
    assert value(text) == (500 if "+" in text else 1)


def test_the_deepest_one_leaves_room_on_the_stack() -> None:
    text = "1||1&&1<1+1*(" * 50 + "1" + ")" * 50
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(450 + len(inspect.stack(0)))
    try:
        assert value(text) == 1
    finally:
        sys.setrecursionlimit(limit)


def test_a_deal_has_other_fields() -> None:
    assert parse("amount_cents / 100", DEAL, "score").reads == {"amount_cents"}
    assert parse("days_since(close_date) + custom.a", DEAL).reads == {"close_date", "custom"}


def test_what_an_expression_depends_on_is_known() -> None:
    assert parsed("custom.a and has(tags, stage) ? days_since(created_at) : 1").reads == {
        "custom",
        "tags",
        "stage",
        "created_at",
    }
    assert parsed("1 + days_since(custom.a)").ages
    assert not parsed("created_at == nil").ages


def test_what_rules_compare_often_is_folded_once() -> None:
    """Else rules of a thousand characters would compare a long text or list dozens of times at each write."""
    list_ = [f"é{number}" for number in range(2_000)]
    custom = {"list": list_, "other": [*list_[:-1], "another"], "nested": [[1], {"a": 1}, None, 2]}
    scope = Scope(CONTACT.new({"name": "Jane", "custom": custom, "notes": "é" * 20_000}), NOW, ZoneInfo("UTC"))
    compared = ('has(custom.list, "é1999")', "not custom.list == custom.other", 'notes > name and notes != "é"')
    expression = parsed(" and ".join(f"({part})" for part in compared * 9))
    assert [expression.value(scope) for _ in range(50)] == [1] * 50
    assert len(scope.items) == 1
    assert len(scope.forms) <= 4 + 2 * 9  # of two lists, two texts of the record, and the texts of the rule
    nested = "has(custom.nested, 2) and has(custom.nested, 0) and not has(custom.nested, custom.nested)"
    assert parsed(f"{nested} and not custom.nested == custom.nested or 1 / 0").value(scope) in (0, 1)


texts = st.sampled_from(["", "lead", "LEAD", "vip", "Äpfel", "2026-06-01T10:00:00Z"])
leaves = st.one_of(
    st.builds(
        lambda each: ("value", each), st.one_of(st.none(), texts, st.floats(0, 1e308), st.sampled_from([0.0, 1.0]))
    ),
    st.sampled_from(
        [("field", name) for name in ("stage", "tags", "rating", "activities", "city", "last_contacted_at")]
    ),
    st.sampled_from([("custom", name) for name in ("seats", "odd key", "is_big", "gone")]),
    st.sampled_from([("days", ("field", "last_contacted_at")), ("days", ("field", "follow_up_at"))]),
)


def _grown(trees: st.SearchStrategy[naive.Tree]) -> st.SearchStrategy[naive.Tree]:
    pairs = [name for name in naive.LEVELS if name not in ("?", "not", "minus")]
    return st.one_of(
        st.tuples(st.sampled_from(pairs), trees, trees),
        st.tuples(st.sampled_from(["not", "minus"]), trees),
        st.tuples(st.just("?"), trees, trees, trees),
        st.tuples(st.sampled_from(["min", "max"]), trees, trees, trees),
        st.tuples(st.just("has"), st.just(("field", "tags")), trees),
    )


@settings(max_examples=400, deadline=None)
@given(st.recursive(leaves, _grown, max_leaves=20), st.booleans())
def test_a_second_evaluator_finds_the_same(tree: naive.Tree, is_plain: bool) -> None:
    text = naive.text(tree, is_plain=is_plain)
    try:
        expression = parsed(text)
    except BadExpression as error:
        assert any(part in str(error) for part in ("at most", "holds no text", "is a list"))
        return
    record = CONTACT.new(HELD)
    held = {name: getattr(record, name) for name in CONTACT.names}
    expected = naive.value(tree, held, datetime(2026, 6, 10, 9, tzinfo=UTC))
    found = expression.value(Scope(record, NOW, ZoneInfo("UTC")))
    assert found == (float(expected) if isinstance(expected, int | float) else 0)


SIGNS = ("(", ")", "-", "!", "?", ":", ",", "*", "/", "+", "<", "==", '"', ".", "\\u", " ", "\x00", "\ud800", "𝟙", "²")
WORDS = (
    "not ",
    "and ",
    "1",
    "1e999",
    "1e308",
    "stage",
    "custom.",
    "attr_",
    '"a"',
    "min(",
    "has(",
    "days_since(",
    "nil",
)
hostile = st.lists(st.sampled_from([*SIGNS, *WORDS]), max_size=300).map("".join)


@settings(max_examples=400, deadline=None)
@given(hostile)
def test_any_text_is_a_number_or_is_refused(text: str) -> None:
    try:
        found = value(text)
    except BadExpression:
        return
    assert math.isfinite(found)
