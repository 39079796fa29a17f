"""Times that are told by the present, wherever a time is taken: filters, bodies, since, until, as_of, days."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from crmkit.core.many import found, in_steps
from tests.house import ALICE, UNLIMITED, GivenClock, House, Person, house
from tests.teams.office import new
from tests.web.connecting import rpc
from tests.web.handlers.configuration.declaring import declared
from tests.web.refused import refused

NOW = "2026-10-24T15:30:00Z"  # a Saturday; on the day after, clocks in Berlin are put back


@pytest.fixture
def home(tmp_path: Any) -> Iterator[House]:
    clock = GivenClock(datetime(2026, 10, 24, 15, 30, tzinfo=UTC))
    with house(tmp_path / "data", UNLIMITED, clock=clock) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    """Someone whose days are those of Berlin."""
    with home.sign_in(ALICE) as person:
        person.json_of("PATCH", "/me", {"timezone": "Europe/Berlin"})
        yield person


def names(person: Person, path: str) -> list[str]:
    found = person.json_of("GET", path)
    assert "items" in found, found
    return sorted(item.get("name", item.get("title", "")) for item in found["items"])


# bodies


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("now", NOW),
        ("today", "2026-10-23T22:00:00Z"),
        ("tomorrow", "2026-10-24T22:00:00Z"),
        ("yesterday", "2026-10-22T22:00:00Z"),
        ("+1d", "2026-10-25T16:30:00Z"),
        ("+24h", "2026-10-25T15:30:00Z"),
        ("+2w", "2026-11-07T16:30:00Z"),
        ("-3mo", "2026-07-24T15:30:00Z"),
        ("+1y", "2027-10-24T15:30:00Z"),
    ],
)
def test_a_body_takes_a_time_that_is_told_by_the_present_and_keeps_the_time_itself(
    alice: Person, sent: str, kept: str
) -> None:
    made = alice.json_of("POST", "/contacts", {"name": "Jane", "follow_up_at": sent})
    assert made["follow_up_at"] == kept
    (entry,) = alice.json_of("GET", f"/audit?target={made['id']}")["items"]
    assert entry["changes"]["follow_up_at"] == [None, kept]
    alice.json_of("PATCH", f"/contacts/{made['id']}", {"follow_up_at": None})
    assert alice.json_of("PATCH", f"/contacts/{made['id']}", {"follow_up_at": sent})["follow_up_at"] == kept


def test_every_body_with_a_time_or_a_day_takes_it(alice: Person) -> None:
    contact = new(alice, "/contacts", name="Jane")
    deal = alice.json_of("POST", "/deals", {"title": "Boat", "close_date": "+1mo", "follow_up_at": "tomorrow"})
    assert (deal["close_date"], deal["follow_up_at"]) == ("2026-11-24", "2026-10-24T22:00:00Z")
    assert alice.json_of("POST", "/tasks", {"title": "Call", "due_at": "+2h"})["due_at"] == "2026-10-24T17:30:00Z"
    campaign = alice.json_of("POST", "/campaigns", {"name": "Fair", "starts_on": "today", "ends_on": "+1w"})
    assert (campaign["starts_on"], campaign["ends_on"]) == ("2026-10-24", "2026-10-31")
    logged = {"kind": "call", "body": "hello", "occurred_at": "-2d"}
    for path in (f"/contacts/{contact}/activities", "/activities"):
        more = {"contact_id": contact} if path == "/activities" else {}
        assert alice.json_of("POST", path, logged | more)["occurred_at"] == "2026-10-22T15:30:00Z"
    nested = {"name": "June", "follow_up_at": "-1d", "activities": [logged], "company": {"name": "Acme"}}
    assert alice.json_of("POST", "/contacts", nested)["follow_up_at"] == "2026-10-23T15:30:00Z"
    (joan,) = alice.json_of("POST", "/contacts/batch", [{"name": "Joan", "follow_up_at": "+1y"}])["items"]
    assert alice.json_of("GET", f"/contacts/{joan['id']}")["follow_up_at"] == "2027-10-24T15:30:00Z"


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ("tommorow", "did you mean tomorrow"),
        ("2w", r"did you mean \+2w or -2w"),
        ("+36501d", "counts 0 to 36500"),
        ("+9999y", "lies outside of the years 1 to 9999"),
        ("this_month", "must be a time like"),
        ("", ""),
    ],
)
def test_a_body_with_another_word_is_refused_and_changes_nothing(alice: Person, sent: str, says: str) -> None:
    if sent:
        refused(
            alice, "invalid_value", "POST", "/contacts", {"name": "J", "follow_up_at": sent}, {"follow_up_at": says}
        )
    refused(alice, "invalid_value", "POST", "/deals", {"title": "B", "close_date": "+2 weeks"}, {"close_date": r"\+2w"})
    assert names(alice, "/contacts") == names(alice, "/deals") == []


def test_a_request_that_is_sent_again_under_its_key_is_answered_with_the_first_time(home: House, alice: Person) -> None:
    sent: dict[str, Any] = {"body": {"name": "Jane", "follow_up_at": "+2w"}, "headers": {"Idempotency-Key": "k1"}}
    first = alice.json_of("POST", "/contacts", **sent)
    home.clock.move(hours=5)
    assert alice.json_of("POST", "/contacts", **sent) == first
    assert first["follow_up_at"] == "2026-11-07T16:30:00Z"


def test_a_change_of_many_has_one_time_for_all_however_long_it_takes(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (found, in_steps):
        monkeypatch.setattr(module, "OF_PART", 4)
    monkeypatch.setattr(found, "AT_ONCE", 3)
    write, steps = in_steps._write, list[bool]()

    def written(*args: Any) -> bool:
        home.clock.move(minutes=1)
        steps.append(write(*args))
        return steps[-1]

    monkeypatch.setattr(in_steps, "_write", written)
    alice.json_of("POST", "/contacts/batch", [{"name": f"J{number}"} for number in range(12)])
    path, body = "/contacts?created_at=today", {"follow_up_at": "+2w"}
    asked = alice.json_of("PATCH", path, body)
    home.clock.move(minutes=5)
    done = alice.json_of("PATCH", f"{path}&confirm={asked['confirm']}", body)
    assert (done["count"], len(steps)) == (12, 4)
    changed = alice.json_of("GET", "/contacts?limit=200")["items"]
    assert {item["follow_up_at"] for item in changed} == {"2026-11-07T16:35:00Z"}


# filters


def test_filters_of_times_and_days_take_words_and_periods(home: House, alice: Person) -> None:
    for day in ("-40d", "-8d", "-1d", "-1h", "+1d", "+5w"):
        alice.json_of("POST", "/tasks", {"title": day, "due_at": day})
        alice.json_of("POST", "/deals", {"title": day, "close_date": day})
    for path in ("/tasks?due_at", "/deals?close_date"):
        assert names(alice, f"{path}=today") == ["-1h"]
        assert names(alice, f"{path}=in:yesterday,tomorrow") == ["+1d", "-1d"]
        assert names(alice, f"{path}=gt:today") == ["+1d", "+5w"]
        assert names(alice, f"{path}=between:-9d,yesterday") == ["-1d", "-8d"]
        assert names(alice, f"{path}=gte:+2w") == names(alice, f"{path}=gte:%2B2w") == ["+5w"]
        assert names(alice, f"{path}=during:this_week") == ["+1d", "-1d", "-1h"]
        assert names(alice, f"{path}=during:last_9_days") == ["-1d", "-1h", "-8d"]
        assert names(alice, f"{path}=during:next_month") == ["+5w"]
        assert len(names(alice, f"{path}=during:all_time")) == 6
        # in Auckland it is the day after already
        there = names(alice, f"{path}=today&timezone=Pacific/Auckland")
        assert there == (["+1d"] if "close_date" in path else ["-1h"])
    assert names(alice, "/tasks?due_at=lt:now") == ["-1d", "-1h", "-40d", "-8d"]
    assert names(alice, "/tasks?due_at= 1d") == ["+1d"]
    refused(alice, "invalid_value", "GET", "/tasks?due_at=gte:-3m", fields={"due_at": "did you mean -3mo"})
    refused(alice, "invalid_value", "GET", "/tasks?due_at=during:this_wek", fields={"due_at": "did you mean this_week"})
    refused(alice, "invalid_value", "GET", "/tasks?due_at=this_week", None, ["due_at"], "write due_at=during:this_week")


def test_declared_keys_of_times_and_days_take_them_in_filters(alice: Person) -> None:
    declared(alice, "renewal", "date")
    declared(alice, "seen", "time")
    for day in ("2026-10-23", "2026-10-24", "2026-11-24"):
        custom = {"renewal": day, "seen": f"{day}T12:00:00+02:00"}
        alice.json_of("POST", "/contacts", {"name": day, "custom": custom})
    for key in ("renewal", "seen"):
        assert names(alice, f"/contacts?custom.{key}=today") == ["2026-10-24"]
        assert names(alice, f"/contacts?custom.{key}=gt: 2w") == ["2026-11-24"]
        assert names(alice, f"/contacts?custom.{key}=during:last_2_days") == ["2026-10-23", "2026-10-24"]
    refused(
        alice, "invalid_value", "POST", "/contacts", {"name": "x", "custom": {"renewal": "today"}}, ["custom.renewal"]
    )


def test_a_later_page_means_by_today_what_the_first_one_meant(home: House, alice: Person) -> None:
    for number in range(5):
        alice.json_of("POST", "/contacts", {"name": f"J{number}"})
    queries = ("created_at=today", "created_at=gte:-1h", "created_at=during:today", "updated_at=lte:now&search=J")
    first = {query: alice.json_of("GET", f"/contacts?{query}&limit=2&sort=name") for query in queries}
    home.clock.move(days=3)
    for query, page in first.items():
        found = [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        while cursor:
            later = alice.json_of("GET", f"/contacts?{query}&limit=2&sort=name&cursor={cursor}")
            found += [item["name"] for item in later["items"]]
            cursor = later.get("next_cursor")
        assert found == [f"J{number}" for number in range(5)], query
    cursor = first["created_at=today"]["next_cursor"]
    at, _, rest = cursor.partition(".")
    assert at == "20261024T153000Z"
    path = "/contacts?created_at=today&limit=2&sort=name"
    wrong = [rest, f"20261025T153000Z.{rest}", f"20269999T153000Z.{rest}", f"x.{rest}", "."]
    for each in wrong:
        refused(alice, "invalid_cursor", "GET", f"{path}&cursor={each}")
    refused(alice, "invalid_value", "GET", f"{path}&cursor=00010101T000000Z.{rest}", None, ["created_at"])
    refused(alice, "invalid_cursor", "GET", f"{path}&timezone=Asia/Tokyo&cursor={cursor}")
    refused(alice, "invalid_cursor", "GET", f"/contacts?created_at=yesterday&limit=2&sort=name&cursor={cursor}")


# parameters


def test_since_and_until_take_them(home: House, alice: Person) -> None:
    jane = new(alice, "/contacts", name="Jane")
    for day in ("-40d", "-8d", "-1d", "-1h", "+1d"):
        alice.json_of("POST", f"/contacts/{jane}/activities", {"kind": "note", "body": day, "occurred_at": day})

    def bodies(query: str) -> list[str]:
        return sorted(item["body"] for item in alice.json_of("GET", f"/activities?{query}")["items"])

    assert bodies("since=-8d") == ["+1d", "-1d", "-1h", "-8d"]
    assert bodies("since=yesterday&until=today") == ["-1d", "-1h"]
    assert bodies("until=now") == ["-1d", "-1h", "-40d", "-8d"]
    assert len(bodies("until= 2w")) == 5
    refused(alice, "invalid_value", "GET", "/activities?since=yestreday", fields={"since": "did you mean yesterday"})

    home.clock.move(days=2)
    new(alice, "/contacts", name="June")
    for query, count in (("since=today", 1), ("until=yesterday", 6), ("since=-1h", 1), ("since=-3d", 7)):
        found = [
            each for each in alice.json_of("GET", f"/audit?{query}&limit=200")["items"] if "settings" not in str(each)
        ]
        assert len([each for each in found if each["action"] in ("contact.create", "activity.create")]) == count, query
    assert len(alice.json_of("GET", f"/contacts/{jane}/history?until=yesterday")["items"]) >= 1
    assert alice.json_of("GET", f"/contacts/{jane}/history?since=today")["items"] == []
    refused(alice, "invalid_value", "GET", "/audit?since=2w", fields={"since": r"did you mean \+2w or -2w"})


def test_as_of_changes_brief_and_reminders_take_them(home: House, alice: Person) -> None:
    jane = new(alice, "/contacts", name="Jane", follow_up_at="+3d")
    home.clock.move(days=2)
    alice.json_of("PATCH", f"/contacts/{jane}", {"name": "Janet"})
    for at, name in (("yesterday", "Jane"), ("-1h", "Jane"), ("today", "Janet"), ("now", "Janet")):
        assert alice.json_of("GET", f"/contacts/{jane}?as_of={at}")["name"] == name, at
    refused(alice, "not_found", "GET", f"/contacts/{jane}?as_of=-1w")
    refused(
        alice, "invalid_value", "GET", f"/contacts/{jane}?as_of=yestreday", fields={"as_of": "did you mean yesterday"}
    )

    def changes(since: str) -> list[str]:
        return [item["change"] for item in alice.json_of("GET", f"/changes?since={since}&kinds=contacts")["items"]]

    assert (changes("today"), changes("-1w"), changes("+1d")) == (["updated"], ["created"], [])
    refused(alice, "invalid_value", "GET", "/changes?since=yestreday", fields={"since": "did you mean yesterday"})
    refused(alice, "invalid_value", "GET", "/changes?since=-99999d", fields={"since": "counts 0 to 36500"})
    refused(alice, "invalid_cursor", "GET", "/changes?since=next")

    assert alice.json_of("GET", "/brief?since=yesterday")["since"] == "2026-10-24T22:00:00Z"
    assert alice.json_of("GET", "/brief?since=-36h")["since"] == "2026-10-25T03:30:00Z"
    refused(alice, "invalid_value", "GET", "/brief?since=yestreday", fields={"since": "did you mean yesterday"})

    for days, count in (("", 0), ("now", 0), ("today", 0), ("tomorrow", 1), ("2", 1), ("+2w", 1), (" 2w", 1)):
        assert len(alice.json_of("GET", f"/reminders?days={days}")["items"]) == count, days
    refused(
        alice, "invalid_value", "GET", "/reminders?days=soon", fields={"days": r"0 to 3650, or a time like tomorrow"}
    )
    refused(alice, "invalid_value", "GET", "/reminders?days=+9000y", fields=["days"])


def test_a_tool_takes_them_as_well(alice: Person) -> None:
    call = {"method": "POST", "path": "/contacts", "body": {"name": "Jane", "follow_up_at": "+2w"}}
    told = alice.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": call})).json()
    assert "2026-11-07T16:30:00Z" in json.dumps(told)
    call = {"method": "GET", "path": "/contacts?follow_up_at=during:next_30_days&created_at=today"}
    told = alice.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": call})).json()
    assert "Jane" in json.dumps(told)
