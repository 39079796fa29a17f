"""Periods, compared with dateutil's calendar and with every zone's own clock."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import MO, relativedelta
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.clock import moment, stamp
from crmkit.model.times.periods import FIRST, LAST, NAMES, SAYS, BadPeriod, bounds, days, period

BERLIN, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
ZONES = [ZoneInfo("UTC"), BERLIN, NEW_YORK, LORD_HOWE]
COUNTED = tuple(f"{place}_{count}_days" for place in ("last", "next") for count in (1, 7, 30, 365))

# a year and a bit, with every change of the clocks and a leap day
moments = st.datetimes(datetime(2027, 12, 1), datetime(2029, 1, 31)).map(lambda at: at.replace(microsecond=0))

LENGTHS: dict[str, Any] = {
    "week": {"weeks": 1},
    "month": {"months": 1},
    "quarter": {"months": 3},
    "year": {"years": 1},
}
PLACES = {"last": -1, "this": 0, "current": 0, "next": 1}


def expected(word: str, today: date) -> tuple[date, date]:
    """Return the first day of a period and the first one after it, as dateutil reckons."""
    if word in ("yesterday", "today", "tomorrow"):
        first = today + relativedelta(days=("yesterday", "today", "tomorrow").index(word) - 1)
        return first, first + relativedelta(days=1)
    if word.endswith("_days"):
        place, count, _ = word.split("_")
        if place == "last":
            return today - relativedelta(days=int(count) - 1), today + relativedelta(days=1)
        return today, today + relativedelta(days=int(count))
    place, unit = word.split("_")
    begin = {
        "week": today + relativedelta(weekday=MO(-1)),
        "month": today.replace(day=1),
        "quarter": today.replace(month=(today.month + 2) // 3 * 3 - 2, day=1),
        "year": today.replace(month=1, day=1),
    }[unit]
    length = relativedelta(**LENGTHS[unit])
    first = begin + PLACES[place] * length
    return first, first + length


@settings(max_examples=300, deadline=None)
@given(moments, st.sampled_from(ZONES), st.sampled_from([name for name in NAMES if name != "all_time"] + [*COUNTED]))
def test_a_period_is_from_the_midnight_of_its_first_day_to_the_one_after_its_last(
    at: datetime, zone: ZoneInfo, word: str
) -> None:
    now = stamp(at.replace(tzinfo=ZoneInfo("UTC")))
    first, end = expected(word, moment(now).astimezone(zone).date())
    midnights = [stamp(datetime(day.year, day.month, day.day, tzinfo=zone)) for day in (first, end)]
    assert [*period(word, now, zone)] == midnights


@settings(max_examples=200, deadline=None)
@given(moments, st.sampled_from([*ZONES, ZoneInfo("Asia/Beirut"), ZoneInfo("America/Havana")]))
def test_the_periods_of_each_unit_follow_each_other_without_a_gap_and_now_is_in_this_one(
    at: datetime, zone: ZoneInfo
) -> None:
    now = stamp(at.replace(tzinfo=ZoneInfo("UTC")))
    for unit in LENGTHS:
        (_, last_end), (first, end), (next_first, _) = (
            period(f"{place}_{unit}", now, zone) for place in ("last", "this", "next")
        )
        assert last_end == first <= now < end == next_first


@pytest.mark.parametrize(
    ("zone", "now", "word", "start", "end"),
    [
        # the week in which an hour is left out, and the one in which it comes twice
        (BERLIN, "2026-03-25T12:00:00Z", "this_week", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"),
        (BERLIN, "2026-10-21T12:00:00Z", "this_week", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"),
        (BERLIN, "2026-10-21T12:00:00Z", "current_week", "2026-10-18T22:00:00Z", "2026-10-25T23:00:00Z"),
        (NEW_YORK, "2026-03-08T12:00:00Z", "today", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        (LORD_HOWE, "2026-04-04T12:00:00Z", "tomorrow", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z"),
        # another day there than in UTC
        (NEW_YORK, "2026-01-01T02:00:00Z", "this_year", "2025-01-01T05:00:00Z", "2026-01-01T05:00:00Z"),
        (LORD_HOWE, "2025-12-31T18:00:00Z", "last_quarter", "2025-09-30T13:30:00Z", "2025-12-31T13:00:00Z"),
        (BERLIN, "2028-03-31T12:00:00Z", "last_month", "2028-01-31T23:00:00Z", "2028-02-29T23:00:00Z"),
        (BERLIN, "2026-11-28T07:00:00Z", "last_7_days", "2026-11-21T23:00:00Z", "2026-11-28T23:00:00Z"),
        (BERLIN, "2026-11-28T07:00:00Z", " Next_1_Day ", "2026-11-27T23:00:00Z", "2026-11-28T23:00:00Z"),
    ],
)
def test_a_period_has_the_days_of_the_zone(zone: ZoneInfo, now: str, word: str, start: str, end: str) -> None:
    assert period(word, now, zone) == (start, end)


def test_all_time_is_from_the_first_stamp_to_the_last() -> None:
    assert all(period("all_time", "2026-11-28T07:00:00Z", zone) == (FIRST, LAST) for zone in ZONES)


def test_days_at_the_ends_of_the_calendar_are_bounded_by_the_stamps_that_there_are() -> None:
    for zone in ZONES:
        start, end = bounds((date.min, date.min + timedelta(days=9)), zone)
        assert start == FIRST
        assert "0001-01-10" < end < "0001-01-12"
        assert LAST >= bounds((date.max - timedelta(days=9), date.max), zone)[1] > "9999-12-31"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("this_mnth", f"must be {SAYS} (did you mean this_month?)"),
        ("last_7_dys", f"must be {SAYS} (did you mean last_7_days?)"),
        ("last week", f"must be {SAYS} (did you mean last_week?)"),
        ("", f"must be {SAYS}"),
        ("xyzzy", f"must be {SAYS}"),
        ("next_0_days", "counts 1 to 36500 days"),
        ("last_00036501_days", "counts 1 to 36500 days"),
        (f"last_{'9' * 5000}_days", "counts 1 to 36500 days"),
        ("last_-3_days", f"must be {SAYS} (did you mean last_7_days?)"),
    ],
)
def test_what_is_no_period_is_told_with_all_and_the_nearest(word: str, says: str) -> None:
    with pytest.raises(BadPeriod) as caught:
        days(word, date(2026, 11, 28))
    assert str(caught.value) == says


@pytest.mark.parametrize(
    ("word", "today"),
    [
        ("last_year", date(1, 5, 5)),
        ("last_month", date(1, 1, 5)),
        ("yesterday", date.min),
        ("tomorrow", date.max),
        ("next_quarter", date(9999, 10, 1)),
        ("next_36500_days", date(9950, 1, 1)),
        ("this_week", date.max),
        ("last_36500_days", date(50, 1, 1)),
    ],
)
def test_a_period_outside_of_the_calendar_is_refused(word: str, today: date) -> None:
    with pytest.raises(BadPeriod, match="lies outside of the years 1 to 9999"):
        days(word, today)
