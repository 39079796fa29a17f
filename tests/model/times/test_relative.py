"""Times that are told by the present, compared with dateutil on the clock of a zone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.tz import resolve_imaginary
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.clock import moment, stamp
from crmkit.model.times.relative import (
    EXAMPLES,
    MOST,
    OutOfRange,
    date_of,
    day_of,
    is_told_by_now,
    meant,
    time_of,
    with_plus,
)

BERLIN, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
ZONES = [BERLIN, NEW_YORK, LORD_HOWE]
NAMES = {"d": "days", "w": "weeks", "mo": "months", "y": "years"}
NOW = "2026-11-28T07:15:30Z"

moments = st.datetimes(datetime(2027, 12, 1), datetime(2029, 1, 31)).map(lambda at: at.replace(microsecond=0))


@settings(max_examples=500, deadline=None)
@given(moments, st.sampled_from(ZONES), st.sampled_from(list(NAMES)), st.integers(1, 800), st.sampled_from("+-"))
def test_days_weeks_months_and_years_keep_what_the_clock_of_the_zone_shows(
    at: datetime, zone: ZoneInfo, unit: str, count: int, sign: str
) -> None:
    now = at.replace(tzinfo=UTC)
    shown = now.astimezone(zone).replace(tzinfo=None, fold=0)
    span: Any = {NAMES[unit]: count if sign == "+" else -count}
    expected = resolve_imaginary((shown + relativedelta(**span)).replace(tzinfo=zone))
    assert time_of(f"{sign}{count}{unit}", stamp(now), zone) == stamp(expected)
    assert date_of(f"{sign}{count}{unit}", stamp(now), zone) == expected.date()


@settings(max_examples=100, deadline=None)
@given(moments, st.sampled_from(ZONES), st.integers(-MOST, MOST))
def test_hours_are_exact(at: datetime, zone: ZoneInfo, count: int) -> None:
    now = at.replace(tzinfo=UTC)
    assert time_of(f"{count:+d}h", stamp(now), zone) == stamp(now + timedelta(hours=count))


@settings(max_examples=100, deadline=None)
@given(moments, st.sampled_from(ZONES))
def test_yesterday_today_and_tomorrow_are_days_of_the_zone(at: datetime, zone: ZoneInfo) -> None:
    now = stamp(at.replace(tzinfo=UTC))
    today = moment(now).astimezone(zone).date()
    found = [day_of(word, now, zone) for word in ("yesterday", "Today", " tomorrow ")]
    assert found == [today + timedelta(days=days) for days in (-1, 0, 1)]
    assert date_of("now", now, zone) == today


@pytest.mark.parametrize(
    ("zone", "now", "text", "expected"),
    [
        (BERLIN, "2026-03-28T01:30:00Z", "+1d", "2026-03-29T01:30:00Z"),  # half past two is left out: half past three
        (BERLIN, "2026-03-28T09:00:00Z", "+1d", "2026-03-29T08:00:00Z"),
        (BERLIN, "2026-03-28T09:00:00Z", "+24h", "2026-03-29T09:00:00Z"),
        (BERLIN, "2026-10-24T00:30:00Z", "+1d", "2026-10-25T00:30:00Z"),  # half past two comes twice: the first
        (BERLIN, "2026-10-25T01:30:00Z", "+0d", "2026-10-25T01:30:00Z"),  # now is the second of both, and stays it
        (NEW_YORK, "2026-11-01T15:00:00Z", "-1d", "2026-10-31T14:00:00Z"),
        (LORD_HOWE, "2026-04-04T01:00:00Z", "+1d", "2026-04-05T01:30:00Z"),
        (BERLIN, "2026-01-31T09:00:00Z", "+1mo", "2026-02-28T09:00:00Z"),
        (BERLIN, "2028-01-31T09:00:00Z", "+1mo", "2028-02-29T09:00:00Z"),
        (BERLIN, "2028-02-29T09:00:00Z", "+1y", "2029-02-28T09:00:00Z"),
        (BERLIN, "2028-02-29T09:00:00Z", "-4Y", "2024-02-29T09:00:00Z"),
        (BERLIN, "2026-12-31T09:00:00Z", "-3MO", "2026-09-30T08:00:00Z"),
        (BERLIN, "2026-01-15T09:00:00Z", "-1mo", "2025-12-15T09:00:00Z"),
        (BERLIN, NOW, " 2w", "2026-12-12T07:15:30Z"),  # a plus that was not escaped
        (BERLIN, NOW, " -2w ", "2026-11-14T07:15:30Z"),
        (BERLIN, NOW, "Now", NOW),
    ],
)
def test_a_time_is_told_by_the_present(zone: ZoneInfo, now: str, text: str, expected: str) -> None:
    assert time_of(text, now, zone) == expected


@pytest.mark.parametrize(("text", "expected"), [(f"-{'0' * 5000}1d", "2026-11-27T07:15:30Z"), (f"+{'0' * 5000}d", NOW)])
def test_zeros_before_a_number_change_nothing(text: str, expected: str) -> None:
    assert time_of(text, NOW, BERLIN) == expected


@pytest.mark.parametrize("text", ["+36501d", "-99999999999999999999d", f"+{'9' * 5000}y"])
def test_a_number_beyond_all_use_is_refused(text: str) -> None:
    with pytest.raises(OutOfRange, match="counts 0 to 36500"):
        time_of(text, NOW, UTC)


@pytest.mark.parametrize(
    ("text", "now"),
    [
        ("+8000y", NOW),
        ("-2026y", NOW),
        ("-36500mo", NOW),
        ("+1d", "9999-12-31T12:00:00Z"),
        ("+1h", "9999-12-31T23:30:00Z"),
        ("-1w", "0001-01-03T00:00:00Z"),
        ("-1mo", "0001-01-31T00:00:00Z"),
    ],
)
def test_a_time_outside_of_the_calendar_is_refused(text: str, now: str) -> None:
    for zone in (UTC, *ZONES):
        with pytest.raises(OutOfRange, match="lies outside of the years 1 to 9999"):
            time_of(text, now, zone)


def test_a_day_outside_of_the_calendar_is_refused() -> None:
    with pytest.raises(OutOfRange):
        day_of("tomorrow", "9999-12-31T12:00:00Z", UTC)
    with pytest.raises(OutOfRange):
        day_of("yesterday", "0001-01-01T12:00:00Z", UTC)


@pytest.mark.parametrize("text", ["2w", "+2", "+w", "+2m", "+2 w", "--2w", "+2.5d", "+٣d", "soon", "", "2026-06-10"])
def test_another_text_is_not_told_by_the_present(text: str) -> None:
    assert time_of(text, NOW, UTC) is day_of(text, NOW, UTC) is date_of(text, NOW, UTC) is None
    assert not is_told_by_now(text)


def test_the_examples_are_taken() -> None:
    for text in EXAMPLES:
        assert isinstance(date_of(text, NOW, BERLIN), date)
        assert is_told_by_now(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2w", " (did you mean +2w or -2w?)"),
        ("-3m", " (did you mean -3mo?)"),
        ("+2 Weeks", " (did you mean +2w?)"),
        ("-1year", " (did you mean -1y?)"),
        ("-5min", ""),
        ("tommorow", " (did you mean tomorrow?)"),
        ("xyzzy", ""),
        ("", ""),
    ],
)
def test_what_may_be_meant_is_told(text: str, says: str) -> None:
    assert meant(text) == says


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        (" 2w", "+2w"),
        (" 2w, 3MO ,-1d", "+2w,+3MO ,-1d"),
        ("today, 2w", "today,+2w"),
        ("2w", "2w"),
        (" 2 w", " 2 w"),
        ("2026-06-10 2w", "2026-06-10 2w"),
        (" today", " today"),
    ],
)
def test_a_blank_before_a_number_and_its_unit_is_the_plus_that_it_was(text: str, sent: str) -> None:
    assert with_plus(text) == sent
