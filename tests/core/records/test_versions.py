"""Versions: a change that was made to something older than there is now is refused, and shows what there is."""

import itertools
from typing import Any

import pytest

from crmkit.clock import stamp
from tests.house import House, Person, record_in

ADDRESSES = (f"jane{number}@acme.com" for number in itertools.count())


@pytest.fixture
def jane(alice: Person) -> dict[str, Any]:
    """A contact at version 3."""
    body = {"name": "Jane Doe", "email": next(ADDRESSES), "tags": ["vip", "a"], "custom": {"a": 1, "b": {"c": [1]}}}
    made = alice.json_of("POST", "/contacts", body | {"follow_up_at": "2026-07-01T09:00:00Z", "notes": "Sails."})
    alice.json_of("PATCH", f"/contacts/{made['id']}", {"stage": "lead"})
    return record_in(alice.json_of("PATCH", f"/contacts/{made['id']}", {"stage": "won"}))


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("3", {}),
        ('"3"', {}),
        ('W/"3"', {}),
        ("*", {}),
        (None, {"version": 3}),
        ("3", {"version": 3}),
        ("*", {"version": 3}),
        ("", {"version": None}),
        (None, {}),
    ],
)
def test_a_change_to_the_newest_version_is_made(
    alice: Person, jane: dict[str, Any], header: str | None, body: dict[str, Any]
) -> None:
    headers = {} if header is None else {"If-Match": header}
    answer = alice.patch(f"/contacts/{jane['id']}", json={"stage": "lost", **body}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == '"4"'
    assert "stage=lost" in answer.text
    assert "version=4" in answer.text


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("2", {}),
        ("4", {}),
        ('"1"', {}),
        (None, {"version": 2}),
        (None, {"version": 99}),
        ("3", {"version": 2}),  # the header fits, the body does not
        ("2", {"version": 3}),
        ("2", {"version": 2}),
        ("*", {"version": 2}),
    ],
)
def test_a_change_to_another_version_is_refused_and_shows_the_newest(
    alice: Person, jane: dict[str, Any], header: str | None, body: dict[str, Any]
) -> None:
    path = f"/contacts/{jane['id']}"
    headers = {} if header is None else {"If-Match": header}
    told = alice.patch(path, json={"stage": "lost", **body}, headers=headers)
    assert told.status_code == 412
    first, hint, line = told.text.splitlines()
    assert first == "ERROR version_conflict"
    assert "If-Match: 3" in hint
    assert line == alice.text("GET", path).rstrip("\n")
    answer = alice.json_of("PATCH", path, {"stage": "lost", **body}, headers=headers)
    assert (answer["error"], answer["version"]) == ("version_conflict", 3)
    assert answer["current"] == jane == alice.json_of("GET", path)
    assert alice.json_of("GET", f"/audit?target={jane['id']}")["total"] == 3


def test_a_delete_of_another_version_is_refused_and_shows_the_newest(alice: Person, jane: dict[str, Any]) -> None:
    path = f"/contacts/{jane['id']}"
    confirm = alice.json_of("DELETE", path, headers={"If-Match": "3"})["confirm"]
    for asked in (path, f"{path}?confirm={confirm}"):
        answer = alice.json_of("DELETE", asked, headers={"If-Match": "99"})
        assert (answer["error"], answer["version"], answer["current"]) == ("version_conflict", 3, jane)
        assert answer["hint"].endswith("repeat the DELETE with If-Match: 3.")
    assert alice.json_of("DELETE", path, headers={"If-Match": "new"})["error"] == "invalid_value"
    assert alice.delete(f"{path}?confirm={confirm}", headers={"If-Match": "3"}).status_code == 200


@pytest.mark.parametrize("header", ["0", "-1", "three", "'3'", "3, 4", "3.0", "1e0", "9" * 30])
def test_an_if_match_that_is_no_version_is_refused(alice: Person, jane: dict[str, Any], header: str) -> None:
    answer = alice.json_of("PATCH", f"/contacts/{jane['id']}", {"stage": "x"}, headers={"If-Match": header})
    assert answer["error"] == "invalid_value"
    assert list(answer["fields"]) == ["If-Match"]


@pytest.mark.parametrize("version", [0, -1, "3", 3.5, True, [3]])
def test_a_version_in_the_body_that_is_no_version_is_refused(alice: Person, jane: dict[str, Any], version: Any) -> None:
    answer = alice.json_of("PATCH", f"/contacts/{jane['id']}", {"stage": "x", "version": version})
    assert answer["error"] == "invalid_value"
    assert list(answer["fields"]) == ["version"]
    assert alice.json_of("GET", f"/contacts/{jane['id']}") == jane


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "Jane Doe"},
        {"tags": ["vip", "a"]},
        {"custom": {}},
        {"custom": {"a": 1}},
        {"custom": {"b": {"c": [1]}, "never": None}},
        {"follow_up_at": "2026-07-01T11:00:00+02:00"},
        {"phone": None, "owner": "", "company_id": None},
        {"stage": "won", "version": 3},
    ],
)
def test_a_change_that_changes_nothing_leaves_no_trace(
    home: House, alice: Person, jane: dict[str, Any], body: dict[str, Any]
) -> None:
    path = f"/contacts/{jane['id']}"
    log = alice.json_of("GET", "/audit")
    home.clock.move(hours=1)
    answer = alice.patch(path, json={"email": f" {jane['email'].swapcase()} ", **body})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"3"'
    assert alice.json_of("GET", path) == jane
    assert alice.json_of("GET", "/audit") == log


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({"name": "JANE DOE"}, {"name": ["Jane Doe", "JANE DOE"]}),
        ({"tags": ["a", "vip"]}, {"tags": [["vip", "a"], ["a", "vip"]]}),
        ({"stage": "won", "phone": "1"}, {"phone": [None, "1"]}),  # only what differs
        ({"notes": None}, {"notes": ["Sails.", None]}),
        ({"notes": ""}, {"notes": ["Sails.", None]}),
        ({"custom": {"a": None}}, {"custom": [{"a": 1, "b": {"c": [1]}}, {"b": {"c": [1]}}]}),
        ({"custom": {"b": {}}}, {"custom": [{"a": 1, "b": {"c": [1]}}, {"a": 1, "b": {}}]}),
        ({"follow_up_at": None}, {"follow_up_at": ["2026-07-01T09:00:00Z", None]}),
    ],
)
def test_a_change_raises_the_version_and_is_logged_with_what_differs(
    home: House, alice: Person, jane: dict[str, Any], body: dict[str, Any], changes: dict[str, Any]
) -> None:
    home.clock.move(hours=1)
    after = alice.json_of("PATCH", f"/contacts/{jane['id']}", body)
    assert (after["version"], after["updated_at"]) == (4, stamp(home.clock()))
    assert after["created_at"] == jane["created_at"]
    entry = alice.json_of("GET", f"/audit?target={jane['handle']}&limit=1")["items"][0]
    assert (entry["action"], entry["at"], entry["by"]) == ("contact.update", after["updated_at"], "alice@example.com")
    assert entry["changes"] == changes


def test_every_answer_that_shows_a_record_tells_its_version(alice: Person, jane: dict[str, Any]) -> None:
    answer = alice.get(f"/contacts/{jane['id']}")
    assert answer.headers["ETag"] == '"3"'
    assert alice.head(f"/contacts/{jane['id']}").headers["ETag"] == '"3"'
    assert alice.post("/contacts", json={"name": "New"}).headers["ETag"] == '"1"'


def test_the_time_of_a_change_never_lies_before_that_of_an_earlier_one(home: House, alice: Person) -> None:
    home.clock.move(days=1)
    company = alice.json_of("POST", "/companies", {"name": "Acme"})["id"]
    kept = alice.json_of("POST", "/contacts", {"name": "Jane Doe", "company_id": company})
    home.clock.move(days=-1)  # the clock was a day ahead, and is set right
    changed = alice.json_of("PATCH", f"/contacts/{kept['id']}", {"stage": "lead"})
    assert changed["updated_at"] == kept["created_at"] > stamp(home.clock())
    first = alice.json_of("GET", "/contacts?limit=1")["items"][0]
    assert first["id"] == kept["id"]  # the newest change is still in front
    confirm = alice.json_of("DELETE", f"/companies/{company}")["confirm"]
    assert alice.delete(f"/companies/{company}?confirm={confirm}").status_code == 200
    unlinked = alice.json_of("GET", f"/contacts/{kept['id']}")
    assert (unlinked["version"], unlinked["company_id"]) == (3, None)
    assert unlinked["updated_at"] == kept["created_at"]
