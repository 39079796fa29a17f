"""Buckets of time: the day, week, month, quarter or year in which a moment lies in a zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.clock import stamp
from crmkit.model.query.buckets import UNITS, bucket

# with whole hours, halves and quarters, clocks that are set back over midnight, a day that was left out
ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Chatham"),
    *("America/St_Johns", "America/Sao_Paulo", "America/Havana", "Pacific/Apia", "Australia/Lord_Howe"),
)


def expected(unit: str, day: date) -> str:
    """Return the bucket of a day, by other means than the code has."""
    year, week, _ = day.isocalendar()
    return {
        "day": f"{day:%Y-%m-%d}".zfill(10),
        "week": str(date.fromisocalendar(year, week, 1)),
        "month": f"{day.year:04}-{day.month:02}",
        "quarter": f"{day.year:04}-Q{[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4][day.month - 1]}",
        "year": f"{day.year:04}",
    }[unit]


MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 30)).map(lambda time: time.replace(microsecond=0))


@given(
    MOMENTS | st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)), st.sampled_from(ZONES), st.sampled_from(UNITS)
)
def test_a_moment_lies_in_the_bucket_of_its_day_in_the_zone(moment: datetime, zone: str, unit: str) -> None:
    there = moment.replace(microsecond=0, tzinfo=UTC)
    assert bucket(unit, zone, stamp(there)) == expected(unit, there.astimezone(ZoneInfo(zone)).date())


@pytest.mark.parametrize("zone", ZONES)
def test_every_minute_around_a_change_of_the_clocks_lies_in_the_day_that_the_clocks_show(zone: str) -> None:
    there = ZoneInfo(zone)
    hours = [
        datetime(year, 1, 1, tzinfo=UTC) + timedelta(hours=hour) for year in (1988, 2010, 2011) for hour in range(8784)
    ]
    for hour in hours:
        if hour.astimezone(there).utcoffset() == (hour + timedelta(hours=1)).astimezone(there).utcoffset():
            continue
        for minute in range(-60 * 26, 60 * 27):
            moment = hour + timedelta(minutes=minute)
            assert bucket("day", zone, stamp(moment)) == f"{moment.astimezone(there).date()}", (zone, moment)


@pytest.mark.parametrize("unit", UNITS)
def test_a_date_lies_in_its_bucket_whatever_the_zone_and_nothing_in_none(unit: str) -> None:
    assert bucket(unit, "Pacific/Chatham", "2026-06-10") == expected(unit, date(2026, 6, 10))
    assert bucket(unit, "UTC", None) is None


def test_the_first_and_the_last_moment_there_are_have_a_bucket_in_every_zone() -> None:
    for zone in ZONES:
        assert bucket("week", zone, "0001-01-01T00:00:00Z") == "0001-01-01"
        assert bucket("year", zone, "9999-12-31T23:59:59Z") == "9999"


def test_buckets_read_as_the_manual_says() -> None:
    names = [bucket(unit, "Europe/Berlin", "2026-06-10T22:30:00Z") for unit in UNITS]
    assert names == ["2026-06-11", "2026-06-08", "2026-06", "2026-Q2", "2026"]
