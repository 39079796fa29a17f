"""What comes next in a series, compared with dateutil and with a calendar."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil.relativedelta import relativedelta
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crmkit.clock import moment, stamp
from crmkit.model.recurrence import series
from crmkit.model.recurrence.rule import BadRule
from crmkit.model.recurrence.series import following

BERLIN, NEW_YORK, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")
ZONES = [ZoneInfo("UTC"), BERLIN, NEW_YORK, LORD_HOWE, ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")]
STEP = {
    "YEARLY": timedelta(days=365),
    "MONTHLY": timedelta(days=30),
    "WEEKLY": timedelta(days=7),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]

times = st.datetimes(datetime(2019, 1, 1), datetime(2031, 1, 1)).map(lambda time: time.replace(microsecond=0))


def numbers(least: int, most: int) -> st.SearchStrategy[str]:
    return st.lists(st.integers(least, most).filter(bool), min_size=1, max_size=4).map(
        lambda found: ",".join(map(str, found))
    )


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, timedelta]:
    """Return a rule, and the length of its steps."""
    frequency = draw(st.sampled_from(list(STEP)))
    interval = draw(st.sampled_from([1, 1, 2, 3, 5, 12]))
    parts = [f"FREQ={frequency}", f"INTERVAL={interval}"]
    days = st.lists(st.sampled_from(WEEKDAYS), min_size=1, max_size=3).map(",".join)
    some: dict[str, st.SearchStrategy[str]] = {"BYDAY": days, "BYMONTH": numbers(1, 12), "BYHOUR": numbers(1, 23)}
    some |= {"WKST": st.sampled_from(WEEKDAYS), "BYMINUTE": numbers(1, 59)}
    if frequency in ("YEARLY", "MONTHLY"):
        some |= {"BYSETPOS": numbers(-3, 3), "BYMONTHDAY": numbers(-31, 31)}
        some["BYDAY"] = st.one_of(days, st.sampled_from(["-1FR", "1MO,3MO", "5TU"]))
    if frequency == "YEARLY":
        some |= {"BYYEARDAY": numbers(-366, 366)}
    chosen = draw(st.lists(st.sampled_from(sorted(some)), unique=True, max_size=3))
    parts += [f"{name}={draw(some[name])}" for name in chosen]
    return ";".join(parts), STEP[frequency] * interval


@settings(max_examples=400, deadline=None)
@given(rules(), times, st.integers(0, 60), st.integers(0, 100_000))
def test_a_rule_comes_next_when_dateutil_says(
    drawn: tuple[str, timedelta], first: datetime, steps: int, seconds: int
) -> None:
    text, step = drawn
    past = first + steps * step + timedelta(seconds=seconds % max(1, int(step.total_seconds())))
    begin, since = stamp(first.replace(tzinfo=UTC)), stamp(past.replace(tzinfo=UTC))
    try:
        found = following(text, begin, since, UTC)
    except BadRule:
        assume(False)
        raise
    expected: Any = rrulestr(text, dtstart=first).after(past)
    assert found == stamp(expected.replace(tzinfo=UTC))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ZONES), st.sampled_from(["HOURLY", "DAILY", "WEEKLY"]), times, st.integers(0, 200), st.data())
def test_in_every_zone_a_rule_comes_next_at_the_earliest_of_its_times_that_lie_ahead(
    zone: ZoneInfo, frequency: str, first: datetime, steps: int, data: st.DataObject
) -> None:
    hours = data.draw(st.sampled_from(["", ";BYHOUR=1,2,3;BYMINUTE=0,15,30,45", ";BYHOUR=0"]))
    text = f"FREQ={frequency}{hours}"
    begin = stamp(first.replace(tzinfo=zone))
    past = stamp(moment(begin) + steps * STEP[frequency] + timedelta(minutes=data.draw(st.integers(0, 600))))
    start = moment(begin).astimezone(zone).replace(tzinfo=None)
    walls = takewhile(
        lambda wall: wall < moment(past).replace(tzinfo=None) + timedelta(days=16), rrulestr(text, dtstart=start)
    )
    ahead = (stamp(wall.replace(tzinfo=zone)) for wall in walls)
    assert following(text, begin, past, zone) == min(at for at in ahead if at > past)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(ZONES),
    st.sampled_from(["daily", "weekly", "monthly", "yearly"]),
    times,
    st.integers(0, 4_000),
)
def test_a_word_keeps_the_hour_of_the_clock_and_takes_the_last_day_of_a_shorter_month(
    zone: ZoneInfo, word: str, first: datetime, days: int
) -> None:
    begin = stamp(first.replace(tzinfo=zone))
    start = moment(begin).astimezone(zone).replace(tzinfo=None)
    past = stamp(moment(begin) + timedelta(days=days))
    unit = {"daily": {"days": 1}, "weekly": {"weeks": 1}, "monthly": {"months": 1}, "yearly": {"years": 1}}[word]
    number = 0
    while True:
        number += 1
        many: Any = {name: amount * number for name, amount in unit.items()}
        at = stamp((start + relativedelta(**many)).replace(tzinfo=zone))
        if at > past:
            break
    assert following(word, begin, past, zone) == at


@pytest.mark.parametrize(
    ("text", "zone", "first", "expected"),
    [
        # the clock is put forward by an hour, back by an hour, and by half an hour on Lord Howe Island
        ("weekly", BERLIN, "2026-03-22T09:00:00+01:00", "2026-03-29T09:00:00+02:00"),
        ("weekly", BERLIN, "2026-10-18T09:00:00+02:00", "2026-10-25T09:00:00+01:00"),
        ("daily", BERLIN, "2026-03-28T02:30:00+01:00", "2026-03-29T03:30:00+02:00"),
        ("daily", BERLIN, "2026-10-24T02:30:00+02:00", "2026-10-25T02:30:00+02:00"),
        ("FREQ=DAILY", NEW_YORK, "2026-03-07T02:30:00-05:00", "2026-03-08T03:30:00-04:00"),
        ("FREQ=DAILY", NEW_YORK, "2026-10-31T09:00:00-04:00", "2026-11-01T09:00:00-05:00"),
        ("FREQ=WEEKLY;BYDAY=SU", LORD_HOWE, "2026-09-27T02:10:00+10:30", "2026-10-04T02:40:00+11:00"),
        ("weekly", LORD_HOWE, "2026-03-29T09:00:00+11:00", "2026-04-05T09:00:00+10:30"),
        # month ends and leap days
        ("monthly", BERLIN, "2026-01-31T09:00:00+01:00", "2026-02-28T09:00:00+01:00"),
        ("monthly", BERLIN, "2028-01-30T09:00:00+01:00", "2028-02-29T09:00:00+01:00"),
        ("FREQ=MONTHLY", BERLIN, "2026-01-31T09:00:00+01:00", "2026-03-31T09:00:00+02:00"),
        ("yearly", BERLIN, "2028-02-29T09:00:00+01:00", "2029-02-28T09:00:00+01:00"),
        ("FREQ=YEARLY", BERLIN, "2028-02-29T09:00:00+01:00", "2032-02-29T09:00:00+01:00"),
        ("FREQ=YEARLY", BERLIN, "2096-02-29T09:00:00+01:00", "2104-02-29T09:00:00+01:00"),
        ("FREQ=MONTHLY;BYDAY=-1FR", BERLIN, "2026-01-30T09:00:00+01:00", "2026-02-27T09:00:00+01:00"),
    ],
)
def test_the_hour_of_the_clock_is_kept_over_its_changes(text: str, zone: ZoneInfo, first: str, expected: str) -> None:
    begin = stamp(datetime.fromisoformat(first))
    assert following(text, begin, begin, zone) == stamp(datetime.fromisoformat(expected))


def test_a_series_that_was_put_off_by_a_gap_goes_on_at_its_hour() -> None:
    begin = "2026-03-28T01:30:00Z"  # 02:30 in Berlin
    second = following("daily", begin, begin, BERLIN)
    assert second == "2026-03-29T01:30:00Z"
    assert following("daily", begin, second, BERLIN) == "2026-03-30T00:30:00Z"


def test_a_shorter_month_does_not_shorten_the_months_after_it() -> None:
    days, at = [], "2026-01-31T09:00:00Z"
    for _ in range(5):
        at = following("monthly", "2026-01-31T09:00:00Z", at, UTC) or ""
        days.append(at[5:10])
    assert days == ["02-28", "03-31", "04-30", "05-31", "06-30"]


@pytest.mark.parametrize(
    ("until", "last"),
    [("20260613", "2026-06-13"), ("20260613T070000Z", "2026-06-13"), ("20260613T065959Z", "2026-06-12"),
     ("20260613T090000", "2026-06-13"), ("20260613T085959", "2026-06-12"), ("20200101", None)],
)  # fmt: skip
def test_a_rule_ends_with_the_day_or_the_moment_of_until(until: str, last: str | None) -> None:
    begin = at = "2026-06-10T07:00:00Z"  # 09:00 in Berlin
    days = [None]
    while (found := following(f"FREQ=DAILY;UNTIL={until}", begin, at, BERLIN)) is not None:
        at = found
        days.append(found[:10])
    assert days[-1] == last


NEVER = [
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20301231",
    "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY;BYHOUR=3;BYMINUTE=59;BYSECOND=59;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",  # the first day is a Wednesday
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=3",
    "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=3",
    "FREQ=SECONDLY;INTERVAL=9999;BYHOUR=3;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=DAILY;INTERVAL=9999;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=WEEKLY;INTERVAL=9999;BYDAY=MO;BYSETPOS=7",
    "FREQ=YEARLY;BYMONTHDAY=31;BYSETPOS=" + ",".join(str(number) for number in range(320, 350)),
]


@pytest.mark.parametrize("text", NEVER)
def test_a_rule_that_never_fires_is_refused_after_a_bounded_number_of_steps(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[int] = []
    step = series._Interval._step

    def counted(interval: Any) -> None:
        taken.append(1)
        step(interval)

    monkeypatch.setattr(series._Interval, "_step", counted)
    with pytest.raises(BadRule, match="never"):
        following(text, "2026-06-10T09:00:00Z", "2026-06-10T09:00:00Z", UTC)
    assert len(taken) <= 2_000


@pytest.mark.parametrize("text", ["FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=7", "FREQ=DAILY", "FREQ=YEARLY", "monthly"])
def test_a_series_that_began_long_ago_takes_as_many_steps_as_one_that_began_today(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series, "_MOST_DAYS", 2_000)
    found = following(text, "1900-01-01T00:00:00Z", "2026-06-10T09:00:00Z", UTC)
    assert found is not None
    assert found > "2026-06-10T09:00:00Z"


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", ["daily", "yearly", "FREQ=DAILY", "FREQ=MONTHLY", "FREQ=SECONDLY"])
@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_where_the_calendar_of_the_machine_ends_a_series_is_refused_or_goes_on(
    zone: ZoneInfo, text: str, at: str
) -> None:
    try:
        assert following(text, at, at, zone) is not None
    except BadRule as error:
        assert str(error) == "never comes again"
