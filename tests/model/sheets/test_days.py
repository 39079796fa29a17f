"""Days and times as other programs write them."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.model.actor import Asker
from crmkit.model.fields import Date, Invalid, Time
from crmkit.model.sheets import days
from crmkit.model.sheets.habits import ORDERS, Habits

BERLIN = Habits(Asker(zone=ZoneInfo("Europe/Berlin")))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026/3/1", date(2026, 3, 1)),
        ("2026.03.01", date(2026, 3, 1)),
        ("5/17/1980", date(1980, 5, 17)),
        ("17.5.1980", date(1980, 5, 17)),
        ("17. 5. 1980", date(1980, 5, 17)),
        ("17.5.26", date(2026, 5, 17)),
        ("17.5.80", date(1980, 5, 17)),
        ("05 Apr 2026", date(2026, 4, 5)),
        ("5-Apr-26", date(2026, 4, 5)),
        ("Apr 5, 2026", date(2026, 4, 5)),
        ("April 5th, 2026", date(2026, 4, 5)),
        ("Sun, 5 April 2026", date(2026, 4, 5)),
        ("1. März 2026", date(2026, 3, 1)),
        ("1er août 2026", date(2026, 8, 1)),
        ("5 de abril de 2026", date(2026, 4, 5)),
        ("5 maggio 2026", date(2026, 5, 5)),
        ("2026年3月1日", date(2026, 3, 1)),
        ("29 Feb 2024", date(2024, 2, 29)),
    ],
)
def test_a_day_is_read_that_can_be_only_one(text: str, day: date) -> None:
    assert days.read(text, ORDERS) == [days.Moment(day)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "0/0/00",
        "--05-17",
        "05/17",
        "32/13/2026",
        "29 Feb 2026",
        "12/31/2026 24:00",
        "1.2",
        "31/2/2026",
        "12/31/2026 9:61",
        "2026-13-01",
        "5 May",
        "10 2026",
        "1/1/12345",
        "2026-03-01 09:14 +99:00",
        " " * 70 + "1/1/2026 x" * 9,
    ],
)
def test_what_is_no_day_is_none(text: str) -> None:
    assert days.read(text, ORDERS) == []


def test_a_day_of_three_numbers_is_each_that_it_may_be() -> None:
    assert {moment.day for moment in days.read("3/4/2026", ORDERS)} == {date(2026, 4, 3), date(2026, 3, 4)}
    assert [moment.day for moment in days.read("3/4/2026", ("mdy",))] == [date(2026, 3, 4)]
    assert [moment.day for moment in days.read("4/4/2026", ORDERS)] == [date(2026, 4, 4)]
    assert [moment.day for moment in days.read("26-03-01", ("ymd",))] == [date(2026, 3, 1)]


@given(
    st.dates(date(1970, 1, 1), date(2068, 12, 31)), st.sampled_from(("%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d.%m.%y"))
)
def test_every_day_is_among_what_its_text_may_mean(day: date, form: str) -> None:
    assert day in {moment.day for moment in days.read(day.strftime(form), ORDERS)}


@given(
    st.dates(date(1970, 1, 1), date(2068, 12, 31)),
    st.sampled_from((("dmy", "%d/%m/%Y"), ("mdy", "%m-%d-%y"), ("ymd", "%y.%m.%d"))),
)
def test_a_day_is_read_back_in_the_order_in_which_it_was_written(day: date, order: tuple[str, str]) -> None:
    assert [moment.day for moment in days.read(day.strftime(order[1]), (order[0],))] == [day]


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-03-01 09:14", "2026-03-01T08:14:00Z"),
        ("2026-07-01 09:14:05", "2026-07-01T07:14:05Z"),
        ("11/27/2026 10:15 PM", "2026-11-27T21:15:00Z"),
        ("11/27/2026, 12:15 a.m.", "2026-11-26T23:15:00Z"),
        ("2026-03-01T09:14:00Z", "2026-03-01T09:14:00Z"),
        ("2026-03-01 09:14:00.123456 +0500", "2026-03-01T04:14:00Z"),
        ("2026-03-01 09:14:00 UTC", "2026-03-01T09:14:00Z"),
        ("1. März 2026 um 9:14", "2026-03-01T08:14:00Z"),
        ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),  # skipped by the clock
        ("2026-03-01", "2026-03-01"),
    ],
)
def test_a_time_without_an_offset_is_one_of_the_askers_clock(text: str, at: str) -> None:
    assert Time().from_cell(text, BERLIN) == (at, "")


def test_a_date_of_a_moment_is_that_in_the_askers_zone() -> None:
    assert Date().from_cell("2026-03-01T23:30:00Z", BERLIN) == ("2026-03-02", "")
    assert Date().from_cell("2026-03-01 23:30", BERLIN) == ("2026-03-01", "")


def test_a_date_that_may_be_several_is_refused_with_what_to_send() -> None:
    with pytest.raises(Invalid, match=r"2026-04-03 or 2026-03-04.*dates=dmy"):
        Date().from_cell("3/4/2026", BERLIN)


def test_what_is_no_date_is_left_to_the_check_of_the_field() -> None:
    for text in ("soon", "today", "+2w"):
        assert Date().from_cell(text, BERLIN) == (text, "")
        assert Time().from_cell(text, BERLIN) == (text, "")


def test_a_moment_with_an_offset_is_that_moment_in_every_zone() -> None:
    moment = days.read("2026-03-01 09:14 +0200", ORDERS)[0]
    assert moment.at(UTC) == datetime(2026, 3, 1, 9, 14, tzinfo=timezone(timedelta(hours=2)))
