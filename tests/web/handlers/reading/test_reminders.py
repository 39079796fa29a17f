"""Reminders: what is due on contacts and deals, merged, soonest first."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import ALICE, House, Person
from tests.web.refused import refused

DUE = [  # letter, plural, when: the clock stands at 2026-06-10T09:00:00Z
    ("A", "contacts", "2026-06-01T09:00:00Z"),
    ("B", "deals", "2026-06-09T09:00:00Z"),
    ("C", "contacts", "2026-06-10T08:59:59Z"),
    ("D", "deals", "2026-06-10T09:00:00Z"),
    ("E", "contacts", "2026-06-10T09:00:01Z"),
    ("F", "deals", "2026-06-17T09:00:00Z"),
    ("G", "contacts", "2026-06-17T09:00:01Z"),
    ("H", "deals", None),
]


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        for letter, plural, at in reversed(DUE):
            note = f"note {letter}" if at else None
            body = {"title" if plural == "deals" else "name": letter, "follow_up_at": at, "follow_up_note": note}
            assert person.post(f"/{plural}", json=body).status_code == 201
        yield person


def letters(page: dict[str, Any]) -> str:
    return "".join(item.get("name") or item["title"] for item in page["items"])


@pytest.mark.parametrize(
    ("query", "found"),
    [("", "ABCD"), ("?days=0", "ABCD"), ("?days=", "ABCD"), ("?days=1", "ABCDE"), ("?days=7", "ABCDEF"),
     ("?days=8", "ABCDEFG"), ("?days=3650", "ABCDEFG"), ("?days=7&limit=2", "AB")],
)  # fmt: skip
def test_what_is_due_or_comes_within_days_is_told_soonest_first(alice: Person, query: str, found: str) -> None:
    assert letters(alice.json_of("GET", f"/reminders{query}")) == found


def test_a_reminder_tells_when_what_and_whether_it_is_overdue(alice: Person) -> None:
    page = alice.json_of("GET", "/reminders?days=7")
    assert page["total"] == 6
    assert page["next_cursor"] is None
    for item, (letter, plural, at) in zip(page["items"], DUE, strict=False):
        title = "title" if plural == "deals" else "name"
        assert item["handle"] == f"{plural[:-1]}/{item['id']}"
        assert item["kind"] == plural[:-1]
        assert (item[title], item["follow_up_at"], item["follow_up_note"]) == (letter, at, f"note {letter}")
        assert bool(item["overdue"]) == (letter in "ABC")
        assert alice.json_of("GET", f"/{plural}/{item['id']}")[title] == letter
    lines = alice.text("GET", "/reminders?days=7").splitlines()
    assert lines[6:] == ["# 6 reminders", "# total: 6", "# now: 2026-06-10T09:00:00Z (UTC)"]
    for item, line in zip(page["items"], lines[:6], strict=True):
        assert line.startswith(f"{item['handle']}  ")
        assert f"  follow_up_at={item['follow_up_at']}" in line
        assert f'  follow_up_note="{item["follow_up_note"]}"' in line
        assert ("  overdue=true" in line) == bool(item["overdue"])


@pytest.mark.parametrize("limit", [1, 2, 3, 6])
def test_pages_show_each_follow_up_once_though_time_goes_on(town: House, alice: Person, limit: int) -> None:
    before = town.clock.now
    try:
        found, cursor, pages = "", "", 0
        while cursor is not None and pages < 8:
            more = f"&cursor={cursor}" if cursor else ""
            page = alice.json_of("GET", f"/reminders?days=7&limit={limit}{more}")
            assert page["total"] == (None if cursor else 6)
            found += letters(page)
            cursor = page["next_cursor"]
            pages += 1
            town.clock.move(seconds=1)
        assert found == "ABCDEF"
    finally:
        town.clock.now = before


def test_follow_ups_of_the_same_moment_are_each_shown_once(town: House) -> None:
    with town.sign_in("bea@example.com") as bea:
        for n in range(9):
            plural = ("contacts", "deals")[n % 2]
            bea.post(f"/{plural}", json={"title" if n % 2 else "name": f"{n}", "follow_up_at": "2026-06-01"})
        for limit in range(1, 10):
            seen: list[str] = []
            cursor = ""
            while cursor is not None and len(seen) < 20:
                more = f"&cursor={cursor}" if cursor else ""
                page = bea.json_of("GET", f"/reminders?limit={limit}{more}")
                seen += [item.get("name") or item["title"] for item in page["items"]]
                cursor = page["next_cursor"]
            assert sorted(seen) == [str(n) for n in range(9)]


def test_a_follow_up_that_is_cleared_or_deleted_is_no_longer_due(town: House) -> None:
    with town.sign_in("carl@example.com") as carl:
        contact = carl.json_of("POST", "/contacts", {"name": "C", "follow_up_at": "2026-06-01", "follow_up_note": "x"})
        deal = carl.json_of("POST", "/deals", {"title": "D", "follow_up_at": "2026-06-02"})
        assert letters(carl.json_of("GET", "/reminders")) == "CD"
        cleared = carl.json_of("PATCH", f"/contacts/{contact['id']}", {"follow_up_at": None})
        assert (cleared["follow_up_at"], cleared["follow_up_note"]) == (None, None)
        assert letters(carl.json_of("GET", "/reminders")) == "D"
        confirm = carl.json_of("DELETE", f"/deals/{deal['id']}")["confirm"]
        assert carl.delete(f"/deals/{deal['id']}?confirm={confirm}").status_code == 200
        assert carl.text("GET", "/reminders") == "# 0 reminders\n# total: 0\n# now: 2026-06-10T09:00:00Z (UTC)\n"


def test_nobody_is_reminded_of_what_is_due_in_another_workspace(town: House, alice: Person) -> None:
    with town.sign_in("dora@example.com") as dora:
        assert dora.json_of("GET", "/reminders?days=3650")["items"] == []
        cursor = alice.json_of("GET", "/reminders?limit=1")["next_cursor"]
        refused(dora, "invalid_cursor", "GET", f"/reminders?limit=1&cursor={cursor}")


def test_what_reminders_do_not_take_is_refused(alice: Person) -> None:
    for days in ("-1", "3651", "1.5", "week"):
        refused(alice, "invalid_value", "GET", f"/reminders?days={days}", None, {"days": "0 to 3650"})
    refused(alice, "invalid_value", "GET", "/reminders?limit=0", None, ["limit"])
    refused(alice, "invalid_filter", "GET", "/reminders?day=7", None, {"day": "did you mean days"}, "takes days, owner")
    cursor = alice.json_of("GET", "/reminders?limit=1&days=7")["next_cursor"]
    refused(alice, "invalid_cursor", "GET", f"/reminders?limit=1&days=8&cursor={cursor}")
    assert "# note: limit is 200\n" in alice.text("GET", "/reminders?limit=500")
