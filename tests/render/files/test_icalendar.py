"""iCalendar: libraries of others find the to-dos, the events and the zones."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import vobject
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from crmkit.clock import moment
from crmkit.model.record import Kind, Record
from crmkit.model.recurrence import series
from crmkit.render.files.cards import zones
from crmkit.render.files.cards.lines import plain
from crmkit.render.files.registry import fields_of, formats_of
from tests.kinds import ACTIVITY, CAMPAIGN, CONTACT, KINDS, TASK
from tests.render.drawn import records_of
from tests.render.files.reading import rows_of, written
from tests.render.lines import contact, examples

BERLIN = "Europe/Berlin"
NOW = "2026-11-28T10:00:00Z"
REMINDING = [kind for kind in KINDS if kind.reminds]


def calendar(kind: Kind, *found: Record, zone: str = BERLIN, fields: tuple[str, ...] = ()) -> str:
    return written("ics", kind, rows_of(found, fields or kind.names[1:]), fields, zone=ZoneInfo(zone), now=NOW).decode()


def task(**values: Any) -> Record:
    whole = {"id": "t_k7m2q9xa", "title": "Call", "done": False, "version": 1, "created_by": "me@example.com"}
    times = {"created_at": "2026-06-10T09:00:00Z", "updated_at": "2026-06-10T09:00:00Z"}
    return TASK.record(handle="task/t_k7m2q9xa", **{**dict.fromkeys(TASK.by_name), **whole, **times, **values})


def only(content: str, name: str) -> Any:
    (found,) = icalendar.Calendar.from_ical(content).walk(name)
    return found


def body(content: str, name: str) -> list[str]:
    lines = content.replace("\r\n ", "").split("\r\n")
    return lines[lines.index(f"BEGIN:{name}") + 1 : lines.index(f"END:{name}")]


def test_a_follow_up_is_an_event_that_rings_as_it_begins() -> None:
    found = contact(follow_up_at="2026-12-01T08:30:00Z", follow_up_note="ring; twice", tags=["a", "b"], notes="long")
    assert body(calendar(CONTACT, found), "VEVENT") == [
        *("UID:c_k7m2q9xa", "DTSTAMP:20260610T090000Z", "DTSTART;TZID=Europe/Berlin:20261201T093000", "SUMMARY:Jane"),
        *("DESCRIPTION:ring\\; twice", "CATEGORIES:a,b", "CREATED:20260610T090000Z", "LAST-MODIFIED:20260610T090000Z"),
        *("TRANSP:TRANSPARENT", "BEGIN:VALARM", "ACTION:DISPLAY", "TRIGGER:PT0S", "DESCRIPTION:Jane", "END:VALARM"),
    ]


def test_what_has_no_time_is_no_event() -> None:
    assert "VEVENT" not in calendar(CONTACT, contact())


def test_a_task_is_a_to_do_with_its_status() -> None:
    assert body(calendar(TASK, task(due_at="2026-07-01T07:00:00Z", contact_name="Jane", notes="a\nb")), "VTODO") == [
        *("UID:t_k7m2q9xa", "DTSTAMP:20260610T090000Z", "DUE;TZID=Europe/Berlin:20260701T090000", "SUMMARY:Call"),
        *("DESCRIPTION:a\\nb", "CONTACT:Jane", "CREATED:20260610T090000Z", "LAST-MODIFIED:20260610T090000Z"),
        "STATUS:NEEDS-ACTION",
    ]
    done = body(calendar(TASK, task(done=True, done_at="2026-07-01T07:00:00Z", repeat="daily")), "VTODO")
    assert done[-2:] == ["STATUS:COMPLETED", "COMPLETED:20260701T070000Z"]
    assert not [line for line in done if line.startswith(("DUE", "RRULE", "DTSTART"))]


@pytest.mark.parametrize(
    ("zone", "at", "line"),
    [
        (BERLIN, "2026-11-30T23:00:00Z", "DTSTART;VALUE=DATE:20261201"),
        (BERLIN, "2026-10-25T00:30:00Z", "DTSTART;TZID=Europe/Berlin:20261025T023000"),
        (BERLIN, "2026-10-25T01:30:00Z", "DTSTART:20261025T013000Z"),  # the second 02:30 of that night
        (BERLIN, "1969-06-01T09:00:00Z", "DTSTART:19690601T090000Z"),
        (BERLIN, "2040-06-01T09:00:00Z", "DTSTART:20400601T090000Z"),
        ("UTC", "2026-12-01T09:00:00Z", "DTSTART:20261201T090000Z"),
        ("UTC", "2026-12-01T00:00:00Z", "DTSTART;VALUE=DATE:20261201"),
    ],
)
def test_a_time_is_that_of_the_clock_where_it_says_which_and_midnight_is_the_day(zone: str, at: str, line: str) -> None:
    assert line in calendar(CONTACT, contact(follow_up_at=at), zone=zone).split("\r\n")


@pytest.mark.parametrize(
    ("repeat", "first", "rule"),
    [
        *[("daily", "2026-06-10", "FREQ=DAILY"), ("Weekly", "2026-06-10", "FREQ=WEEKLY")],
        *[("monthly", "2026-06-10", "FREQ=MONTHLY"), ("yearly", "2026-06-10", "FREQ=YEARLY")],
        ("monthly", "2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1"),
        ("monthly", "2026-01-29", "FREQ=MONTHLY;BYMONTHDAY=28,29;BYSETPOS=-1"),
        ("yearly", "2024-02-29", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1"),
        ("RRULE:freq=weekly;byday=mo", "2026-06-10", "FREQ=WEEKLY;BYDAY=MO"),
        ("FREQ=WEEKLY;UNTIL=20271231;BYDAY=MO", "2026-06-10", "FREQ=WEEKLY;BYDAY=MO;UNTIL=20271231T225959Z"),
        ("UNTIL=20271231T100000Z;FREQ=DAILY", "2026-06-10", "FREQ=DAILY;UNTIL=20271231T100000Z"),
    ],
)
def test_a_task_that_repeats_has_a_rule_that_says_the_same(repeat: str, first: str, rule: str) -> None:
    at = f"{first}T07:00:00Z"
    content = calendar(TASK, task(due_at=at, repeats_from=at, repeat=repeat))
    lines = body(content, "VTODO")
    assert f"RRULE:{rule}" in lines
    assert not [line for line in lines if line.startswith("DUE")]
    (todo,) = icalendar.Calendar.from_ical(content).walk("VTODO")
    assert todo["dtstart"].dt == moment(at)
    other = vobject.base.readOne(content).vtodo.dtstart.value
    assert other.replace(tzinfo=None) == todo["dtstart"].dt.replace(tzinfo=None)
    begin = only(content, "VTODO")["dtstart"].dt
    rules = vobject.base.readOne(content).vtodo.getrruleset(addRDate=True)
    wanted, past = [], at
    for _ in range(4):
        past = series.following(repeat, at, past, ZoneInfo(BERLIN)) or ""
        wanted.append(moment(past).astimezone(begin.tzinfo).replace(tzinfo=None))
    times = (time.replace(tzinfo=None) for time in rules)
    assert [time for time in (next(times) for _ in range(5)) if time != begin.replace(tzinfo=None)][:4] == wanted


def test_the_last_day_of_a_series_of_days_is_a_day() -> None:
    at = "2026-06-09T22:00:00Z"
    lines = body(calendar(TASK, task(due_at=at, repeats_from=at, repeat="FREQ=DAILY;UNTIL=20271231")), "VTODO")
    assert "RRULE:FREQ=DAILY;UNTIL=20271231" in lines


def test_fields_that_were_not_chosen_are_left_out_but_for_title_and_time() -> None:
    names = fields_of("ics", TASK, ())
    lines = body(calendar(TASK, task(due_at="2026-07-01T07:00:00Z", notes="x"), fields=names), "VTODO")
    assert [line.partition(":")[0].partition(";")[0] for line in lines] == [
        *("UID", "DTSTAMP", "DUE", "SUMMARY", "LAST-MODIFIED", "STATUS")
    ]


@pytest.mark.parametrize("kind", REMINDING, ids=lambda kind: kind.name)
def test_libraries_of_others_read_any_calendar(kind: Kind) -> None:
    own = kind.reminds
    assert own is not None
    name = "VTODO" if own.done else "VEVENT"

    @settings(examples(15), phases=[Phase.generate])
    @given(st.lists(records_of(kind), min_size=1, max_size=3), st.sampled_from(["UTC", BERLIN, "Asia/Kathmandu"]))
    def holds(found: list[Record], zone: str) -> None:
        content = calendar(kind, *found, zone=zone)
        assert all(len(line.encode()) <= 75 for line in content.split("\r\n"))
        wanted = [one for one in found if own.done or getattr(one, own.at)]
        read = icalendar.Calendar.from_ical(content).walk(name)
        others = vobject.readOne(content).contents.get(name.lower(), [])
        for one, item, other in zip(wanted, read, others, strict=True):
            assert str(item["summary"]) == other.summary.value == plain(getattr(one, kind.title.name))
            # RFC 5545, 3.8.2.3 and 3.8.2.4: DUE is later than DTSTART, which what has a rule needs
            assert "due" not in item or "dtstart" not in item or item["due"].dt > item["dtstart"].dt
            assert "rrule" not in item or "dtstart" in item
            at = item.get("due", item.get("dtstart"))
            assert (at is not None) == bool(getattr(one, own.at))
            if at is None:
                continue
            time = at.dt
            if not isinstance(time, datetime):
                assert isinstance(time, date)
                time = datetime(time.year, time.month, time.day, tzinfo=ZoneInfo(zone))
            assert time.astimezone(UTC) == moment(getattr(one, own.at))

    holds()


@pytest.mark.parametrize(
    "name",
    [BERLIN, "America/New_York", "Africa/Casablanca", "Africa/Monrovia", "Asia/Kathmandu", "Pacific/Apia", "Etc/GMT+5"],
)
def test_a_zone_is_told_as_its_clocks_were_set(name: str) -> None:
    lines = "\r\n".join(("BEGIN:VCALENDAR", *zones.lines_of(name), "END:VCALENDAR"))
    (told,) = icalendar.Calendar.from_ical(lines).walk("VTIMEZONE")
    zone, read = ZoneInfo(name), told.to_tz(lookup_tzid=False)
    at = zones.FIRST + timedelta(days=3)
    while at < zones.LAST - timedelta(days=3):
        shows = zones.local(at, zone)
        if shows is not None:
            naive = shows.replace(tzinfo=None)
            assert naive.replace(tzinfo=read).utcoffset() == shows.utcoffset(), naive
        at += timedelta(days=11, hours=7)


def test_what_reminds_of_nothing_has_no_calendar() -> None:
    assert "ics" not in formats_of(CAMPAIGN)
    assert "ics" not in formats_of(ACTIVITY)
    assert [kind.name for kind in REMINDING] == ["contact", "deal", "task", "ticket"]
