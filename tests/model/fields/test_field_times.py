"""Dates and times: which spellings are taken, and the one in which they are stored."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.clock import moment, stamp
from crmkit.model.fields import Date, Time
from crmkit.model.times.written import parse as parse_time
from tests.model.fields.refusal import refusal

# days


@pytest.mark.parametrize("day", ["2026-06-30", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_a_valid_date_is_stored_unchanged(day: str) -> None:
    assert Date().accept(f" {day} ") == Date().operand(day) == day


@pytest.mark.parametrize(
    "raw",
    [
        *("2026-02-29", "2026-06-31", "2026-13-01", "0000-01-01", "2026-6-30", "20260630", "2026-W26-2", "30.06.2026"),
        *("2026-06-30T00:00:00Z", "٢٠٢٦-٠٦-٣٠", "tomorrow", " ", 20260630, ["2026-06-30"]),
    ],
    ids=ascii,
)
def test_what_is_no_date_is_told_with_an_example(raw: Any) -> None:
    assert refusal(Date(), raw).startswith("must be a date like 2026-06-30, or like now, today, ")


# times


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z"),
        ("2026-06-10t09:00:00z", "2026-06-10T09:00:00Z"),
        ("2026-06-10 09:00:00Z", "2026-06-10T09:00:00Z"),
        (" 2026-06-10T09:00:00Z\n", "2026-06-10T09:00:00Z"),
        ("2026-06-10T09:00:00+02:00", "2026-06-10T07:00:00Z"),
        ("2026-06-10T09:00:00 02:00", "2026-06-10T07:00:00Z"),  # a + that nobody escaped in a query string
        ("2026-06-10T09:00:00-05:30", "2026-06-10T14:30:00Z"),
        ("2026-06-10T09:00:00-00:00", "2026-06-10T09:00:00Z"),
        ("2026-06-10T00:30:00+14:00", "2026-06-09T10:30:00Z"),
        ("2026-12-31T23:59:59-01:00", "2027-01-01T00:59:59Z"),
        ("2026-06-10T09:00:00.999999999Z", "2026-06-10T09:00:00Z"),
        ("2026-06-10T09:00:00.1+02:00", "2026-06-10T07:00:00Z"),
        ("2026-06-10", "2026-06-10T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2000-02-29T12:00:00Z", "2000-02-29T12:00:00Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_stored_in_utc_to_the_second(written: str | None, stored: str | None) -> None:
    assert Time().accept(written) == stored


@pytest.mark.parametrize(
    "written",
    [
        "2026-06-10T09:00:00",  # whose nine o'clock?
        "2026-06-10T09:00Z",
        "2026-06-10T09Z",
        "2026-06-10T",
        "2026-06",
        "2026",
        "20260610",
        "20260610T090000Z",
        "2026-W24-3",
        "2026-6-10",
        "10.06.2026",
        "06/10/2026",
        "2026-02-29",
        "1900-02-29",
        "2026-06-31",
        "2026-13-01",
        "0000-01-01",
        "2026-06-10T24:00:00Z",
        "2026-06-10T09:60:00Z",
        "2026-06-30T23:59:60Z",  # a leap second
        "2026-06-10T09:00:00+2:00",
        "2026-06-10T09:00:00+0200",
        "2026-06-10T09:00:00+02",
        "2026-06-10T09:00:00+24:00",
        "2026-06-10T09:00:00+00:60",
        "2026-06-10T09:00:00+02:00:30",
        "2026-06-10T09:00:00.Z",
        "2026-06-10T09:00:00,5Z",
        "2026-06-10T09:00:00Zx",
        "2026-06-10T09:00:00ZZ",
        "0001-01-01T00:00:00+01:00",  # before the first year
        "9999-12-31T23:59:59-01:00",
        "٢٠٢٦-٠٦-١٠",
        "-2026-06-10",
        "tomorrow",
        "1781082000",
        "gte:2026-06-10",
        "   ",
        "x" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_what_is_no_time_is_told_with_an_example(written: str) -> None:
    words = "must be a time like 2026-06-10T09:00:00Z (RFC 3339 with its offset), a date (its midnight), or like"
    assert refusal(Time(), written).startswith(words)


@pytest.mark.parametrize("raw", [1781082000, 1.5, True, ["2026-06-10"]])
def test_a_time_that_is_no_text_is_refused(raw: Any) -> None:
    assert refusal(Time(), raw).startswith("must be a time like")


@given(
    st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)),
    st.integers(-1439, 1439),
    st.sampled_from(["", ".5", ".123456789"]),
    st.sampled_from("Tt "),
)
def test_every_time_with_an_offset_is_that_moment(local: datetime, minutes: int, fraction: str, between: str) -> None:
    offset = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    written = local.isoformat(between, timespec="seconds") + fraction + offset
    aware = local.replace(microsecond=0, tzinfo=timezone(timedelta(minutes=minutes)))
    found = parse_time(written)
    assert moment(found) == aware
    assert found == stamp(aware)
    assert parse_time(written.replace("+", " ")) == found
    assert found is not None
    assert parse_time(found) == found


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_stamps_sort_as_text_just_as_the_moments_do(one: datetime, other: datetime) -> None:
    one, other = one.replace(microsecond=0), other.replace(microsecond=0)
    assert (stamp(one) < stamp(other)) == (one < other)


@given(st.one_of(st.text(max_size=30), st.text("0123456789-+:.TZ t", max_size=30)))
def test_reading_any_text_as_a_time_gives_a_stamp_or_nothing(text: str) -> None:
    found = parse_time(text)
    assert found is None or stamp(moment(found)) == found
