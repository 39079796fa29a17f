"""Filters that are told by the present ask for just what the same filters ask for that are written in full."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.tz import resolve_imaginary
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.clock import moment, stamp
from crmkit.errors import Problem
from crmkit.model.actor import Asker
from crmkit.model.declared.types import DeclaredDate, DeclaredTime
from crmkit.model.fields import Date, Time
from crmkit.model.form import Field
from crmkit.model.query.filters import DeclaredKey, filter_of
from crmkit.model.query.parse import parse
from crmkit.model.record import Kind
from crmkit.model.times.periods import FIRST
from tests.kinds import CONTACT, DEAL, KINDS, REGISTRY

ZONES = [ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")]
BERLIN = ZONES[0]
NOW = "2026-11-28T07:15:30Z"
UNITS = {"h": "hours", "d": "days", "w": "weeks", "mo": "months", "y": "years"}
DAYS = ("yesterday", "today", "tomorrow")

# every field of a time or a day that there is, and declared keys
TARGETS: list[Field] = [
    field
    for kind in (*KINDS, REGISTRY.activity, REGISTRY.audit, REGISTRY.membership)
    for field in kind.fields
    if isinstance(field.type, Date | Time)
]
TARGETS += [
    DeclaredKey(f"custom.{type_.word}", type_, True, frozenset(), "", key=type_.word)
    for type_ in (DeclaredDate(), DeclaredTime())
]

moments = st.datetimes(datetime(2027, 12, 1), datetime(2029, 1, 31)).map(lambda at: stamp(at.replace(tzinfo=UTC)))
shifts = st.tuples(st.sampled_from("+-"), st.integers(1, 400), st.sampled_from(list(UNITS)))
words = st.one_of(st.sampled_from(["now", *DAYS]), shifts.map(lambda parts: "{}{}{}".format(*parts)))


def in_full(text: str, now: str, zone: ZoneInfo, is_date: bool) -> str:
    """Return the time or the date that a word stands for, as dateutil reckons."""
    shown = moment(now).astimezone(zone)
    if text in DAYS:
        return (shown.date() + timedelta(days=DAYS.index(text) - 1)).isoformat()
    at = moment(now)
    if text.endswith("h"):
        at += timedelta(hours=int(text[:-1]))
    elif text != "now":
        count, unit = text.rstrip("dwmoy"), text.lstrip("+-0123456789")
        span: Any = {UNITS[unit]: int(count)}
        at = resolve_imaginary((shown.replace(tzinfo=None, fold=0) + relativedelta(**span)).replace(tzinfo=zone))
    return at.astimezone(zone).date().isoformat() if is_date else stamp(at)


@settings(max_examples=600)
@given(st.sampled_from(TARGETS), moments, st.sampled_from(ZONES), words, words)
def test_a_word_asks_for_what_it_stands_for_with_every_operator(
    target: Field, now: str, zone: ZoneInfo, one: str, other: str
) -> None:
    is_date = isinstance(target.type, Date | DeclaredDate)
    known = {word: in_full(word, now, zone, is_date) for word in (one, other)}
    asker, sober = Asker(zone=zone, now=now), Asker(zone=zone)
    for operator in ("", "eq:", "ne:", "gt:", "gte:", "lt:", "lte:"):
        told = filter_of(target, target.name, operator + one, asker).conditions
        assert told == filter_of(target, target.name, operator + known[one], sober).conditions
    for operator in ("in:", "out:", "between:"):
        # in a query string that is not escaped a plus is a blank
        told = filter_of(target, target.name, f"{operator}{one.replace('+', ' ')}, {other}", asker).conditions
        assert told == filter_of(target, target.name, f"{operator}{known[one]},{known[other]}", sober).conditions


@settings(max_examples=300)
@given(st.sampled_from(TARGETS), moments, st.sampled_from(ZONES), st.sampled_from(["this", "last", "next"]))
def test_a_period_is_from_its_first_moment_or_day_to_the_one_after_it(
    target: Field, now: str, zone: ZoneInfo, place: str
) -> None:
    today = moment(now).astimezone(zone).date()
    first = today.replace(day=1) + relativedelta(months=("last", "this", "next").index(place) - 1)
    bounds: list[str] = [day.isoformat() for day in (first, first + relativedelta(months=1))]
    if not isinstance(target.type, Date | DeclaredDate):
        bounds = [stamp(datetime.combine(date.fromisoformat(day), datetime.min.time(), zone)) for day in bounds]
    found = filter_of(target, target.name, f"during:{place}_month", Asker(zone=zone, now=now))
    assert [(each.operator, each.value) for each in found.conditions] == [("gte", bounds[0]), ("lt", bounds[1])]
    assert found.operands == (f"{place}_month",)


def test_all_time_finds_every_value_the_last_one_too() -> None:
    for kind, name, first in ((CONTACT, "created_at", FIRST), (DEAL, "close_date", "0001-01-01")):
        (found,) = parse(kind, [(name, "during:all_time")], Asker(now=NOW)).conditions
        assert (found.operator, found.value) == ("gte", first)


@pytest.mark.parametrize(
    ("name", "text", "at"),
    [
        ("created_at", "2026-11-28", ""),
        ("created_at", "gte:2026-11-28T07:00:00Z", ""),
        ("created_at", "in:2026-11-28,2026-11-29T07:00:00 02:00", ""),
        ("created_at", "is:null", ""),
        ("name", "today", ""),
        ("name", "in:today,+2w", ""),
        ("custom.when", "today", ""),
        ("created_at", "today", NOW),
        ("created_at", "gte:-30d", NOW),
        ("created_at", "lt: 2w", NOW),
        ("created_at", "in:2026-11-28, 2w", NOW),
        ("created_at", "during:all_time", NOW),
    ],
)
def test_a_query_knows_whether_it_is_told_by_the_present(name: str, text: str, at: str) -> None:
    assert parse(CONTACT, [(name, text), ("stage", "lead")], Asker(now=NOW)).at == at


@pytest.mark.parametrize(
    ("name", "text", "says", "hint"),
    [
        ("created_at", "tommorow", "(did you mean tomorrow?)", ""),
        ("created_at", "gte:30d", "(did you mean +30d or -30d?)", ""),
        ("created_at", "-3m", "(did you mean -3mo?)", ""),
        ("created_at", "+36501d", "counts 0 to 36500", ""),
        ("created_at", "+9000y", "lies outside of the years 1 to 9999", ""),
        ("close_date", "-9000y", "lies outside of the years 1 to 9999", ""),
        ("close_date", "nwo", "(did you mean now?)", ""),
        ("created_at", "this_month", "must be a time", "write created_at=during:this_month"),
        ("created_at", "gte:last_7_days", "must be a time", "write created_at=during:last_7_days"),
        ("close_date", "next_week", "must be a date", "write close_date=during:next_week"),
        ("created_at", "during:this_mnth", "(did you mean this_month?)", ""),
        ("created_at", "during:last_0_days", "counts 1 to 36500 days", ""),
        ("close_date", "during:-30d", "must be today, yesterday", ""),
    ],
)
def test_a_wrong_word_is_told_with_the_nearest_or_with_the_operator_it_goes_with(
    name: str, text: str, says: str, hint: str
) -> None:
    kind: Kind = DEAL if name == "close_date" else CONTACT
    with pytest.raises(Problem, match="invalid_value") as caught:
        parse(kind, [(name, text)], Asker(zone=BERLIN, now=NOW))
    assert says in caught.value.fields[name]
    assert hint in caught.value.hint


@settings(max_examples=300)
@given(
    st.sampled_from(["created_at", "follow_up_at"]),
    st.one_of(
        st.text(max_size=20),
        st.from_regex(r"(during:)?[ +-]?[0-9]{1,12}(h|d|w|mo|y|m)", fullmatch=True),
        st.from_regex(r"during:(this|last|next)_(week|month|quarter|year|[0-9]{1,9}_days)", fullmatch=True),
    ),
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)),
    st.sampled_from(ZONES),
)
def test_any_text_at_any_moment_is_a_query_or_a_problem(name: str, text: str, at: datetime, zone: ZoneInfo) -> None:
    try:
        parse(CONTACT, [(name, text)], Asker(zone=zone, now=stamp(at.replace(tzinfo=UTC))))
    except Problem as problem:
        assert problem.code in ("invalid_value", "invalid_operator")


def test_a_moment_whose_day_no_calendar_has_is_refused() -> None:
    for text in ("today", "now", "during:today", "+1d"):
        with pytest.raises(Problem, match="invalid_value"):
            parse(DEAL, [("close_date", text)], Asker(zone=ZONES[1], now="0001-01-01T00:00:00Z"))
