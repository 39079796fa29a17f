"""Settings of a workspace, a person's own time zone, and the zone of one answer."""

from typing import Any

import pytest
from msgspec.structs import replace

from crmkit.core.call import Call
from crmkit.core.people import sessions
from crmkit.core.reading.lists import find_all
from crmkit.model.fields import Timezone
from crmkit.model.form import DETAIL, Field
from tests.house import Person
from tests.kinds import COMPANY
from tests.teams.office import Team, error_of, new, working_in

DEFAULTS = {
    **{"timezone": "UTC", "currency": "USD", "country": None, "language": None},
    **{"date_format": None, "code_prefix": None},
}
CHOSEN = {
    **{"timezone": "Europe/Berlin", "currency": "EUR", "country": "DE", "language": "de-DE"},
    **{"date_format": "DD.MM.YYYY", "code_prefix": "CRM-"},
}
SENT = {**CHOSEN, "timezone": "europe/berlin", "currency": "eur", "country": "de", "language": "DE-de"}


def settings_of(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in DEFAULTS}


def test_an_admin_sets_a_workspace_up_and_everybody_sees_it(us: Team) -> None:
    assert settings_of(us.alice.json_of("GET", "/whoami")) == DEFAULTS
    answer = us.alice.patch(us.path, json=SENT)
    assert answer.status_code == 200
    assert (
        "  timezone=Europe/Berlin  currency=EUR  country=DE  language=de-DE  date_format=DD.MM.YYYY  code_prefix=CRM-"
        in answer.text
    )
    assert settings_of(us.alice.json_of("PATCH", us.path, SENT)) == CHOSEN
    assert settings_of(us.bob.json_of("GET", "/whoami")) == CHOSEN
    lines = us.bob.text("GET", "/whoami").splitlines()
    assert {"timezone: Europe/Berlin", "currency: EUR", "country: DE", "code_prefix: CRM-"} <= set(lines)
    listed = {place["id"]: place for place in us.bob.json_of("GET", "/workspaces")["items"]}
    assert settings_of(listed.pop(us.id)) == CHOSEN
    assert settings_of(*listed.values()) == DEFAULTS
    assert us.alice.json_of("GET", "/whoami")["workspace_name"] == us.alice.email


def test_what_changes_is_logged_as_pairs_and_nothing_else(us: Team) -> None:
    us.alice.patch(us.path, json={"timezone": "Asia/Tokyo", "currency": "USD", "name": "Acme"})
    us.alice.patch(us.path, json={"timezone": "Asia/Tokyo"})
    us.alice.patch(us.path, json={"timezone": None, "country": "JP"})
    us.alice.patch(us.path, json={"country": ""})
    entries = us.alice.json_of("GET", "/audit?action=workspace.update")["items"]
    assert [entry["changes"] for entry in entries] == [
        {"country": ["JP", None]},
        {"timezone": ["Asia/Tokyo", "UTC"], "country": [None, "JP"]},
        {"timezone": ["UTC", "Asia/Tokyo"], "name": [us.alice.email, "Acme"]},
    ]
    assert {entry["target"] for entry in entries} == {f"workspace/{us.id}"}
    assert settings_of(us.alice.json_of("GET", "/whoami")) == DEFAULTS


@pytest.mark.parametrize(
    ("body", "error", "field"),
    [
        ({"timezone": "Mars/Base"}, "invalid_value", "timezone"),
        ({"timezone": 2}, "invalid_value", "timezone"),
        ({"currency": "EURO"}, "invalid_value", "currency"),
        ({"country": "Germany"}, "invalid_value", "country"),
        ({"language": "German!"}, "invalid_value", "language"),
        ({"date_format": "x" * 41}, "invalid_value", "date_format"),
        ({"code_prefix": "x" * 21}, "invalid_value", "code_prefix"),
        ({"name": None}, "missing_field", "name"),
        ({"plan": "pro"}, "unknown_field", "plan"),
        ({"currency": "CHF", "timezone": "CEST"}, "invalid_value", "timezone"),
    ],
)
def test_a_wrong_setting_is_named_and_changes_nothing(us: Team, body: Any, error: str, field: str) -> None:
    answer = us.alice.send_it("PATCH", f"{us.path}?format=json", body)
    assert (answer.status_code, answer.json()["error"], list(answer.json()["fields"])) == (400, error, [field])
    assert settings_of(us.alice.json_of("GET", "/whoami")) == DEFAULTS


def test_only_admins_set_a_workspace_up_and_nothing_sent_is_refused(us: Team) -> None:
    assert error_of(us.bob.patch(us.path, json={"currency": "EUR"})) == (403, "admin_required")
    assert error_of(us.charlie.patch(us.path, json={"currency": "EUR"})) == (403, "not_a_member")
    assert error_of(us.alice.patch(us.path, json={})) == (400, "missing_field")


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", '{"x":1}', '{"stages":[]}', '{"kind":"ship"}'])
def test_a_member_who_sets_a_workspace_up_is_refused_whatever_the_body(us: Team, body: str) -> None:
    field = new(us.alice, "/fields", kind="contact", key="size", type="number")
    for method, path in (
        ("PUT", "/pipelines/deals"),
        ("PATCH", us.path),
        ("POST", "/fields"),
        ("PATCH", f"/fields/{field}"),
    ):
        assert error_of(us.bob.request(method, path, content=body)) == (403, "admin_required"), path
    assert error_of(us.charlie.patch(us.path, content=body)) == (403, "not_a_member")


def test_ones_own_zone_goes_before_that_of_each_workspace(us: Team) -> None:
    us.alice.patch(us.path, json={"timezone": "Europe/Berlin"})
    answer = us.bob.json_of("PATCH", "/me", {"timezone": "asia/tokyo"})
    assert (answer["ok"], answer["email"], answer["timezone"]) == (True, us.bob.email, "Asia/Tokyo")
    found = us.bob.json_of("GET", "/whoami")
    assert (found["timezone"], found["workspace_timezone"]) == ("Asia/Tokyo", "Europe/Berlin")
    assert us.bob.text("GET", "/reminders").splitlines()[-1].endswith("(Asia/Tokyo)")
    assert us.alice.json_of("GET", "/whoami")["timezone"] == "Europe/Berlin"
    own = new(us.bob, "/workspaces", name="Bob's")
    assert working_in(us.bob, own).json_of("GET", "/whoami")["timezone"] == "Asia/Tokyo"
    nothing = us.bob.json_of("PATCH", "/me", {})
    assert (nothing["error"], nothing["hint"]) == ("missing_field", "Send what is to change: timezone.")
    assert us.bob.json_of("PATCH", "/me", {"timezone": None})["timezone"] is None
    found = us.bob.json_of("GET", "/whoami")
    assert (found["timezone"], found["workspace_timezone"]) == ("Europe/Berlin", "Europe/Berlin")
    for body, error in (
        ({"timezone": "Mars"}, "invalid_value"),
        ({"name": "B"}, "unknown_field"),
    ):
        assert error_of(us.bob.patch("/me", json=body)) == (400, error)


def test_a_day_is_that_of_the_zone_in_filters_and_in_bodies(us: Team) -> None:
    us.alice.patch(us.path, json={"timezone": "Asia/Tokyo"})
    contact = us.bob.json_of("POST", "/contacts", {"name": "Jane", "follow_up_at": "2026-06-11"})
    assert contact["follow_up_at"] == "2026-06-10T15:00:00Z"
    id = contact["id"]

    def found(query: str) -> bool:
        return bool(us.bob.json_of("GET", f"/contacts?{query}")["items"])

    assert found("follow_up_at=2026-06-11")
    assert found("follow_up_at=in:2026-06-11,2026-08-01")
    assert not found("follow_up_at=2026-06-10")
    assert found("follow_up_at=2026-06-10&timezone=UTC")
    assert found("timezone=america/new_york&follow_up_at=lte:2026-06-10")
    assert not found("timezone=America/New_York&follow_up_at=gt:2026-06-10")
    us.bob.patch("/me", json={"timezone": "America/New_York"})
    assert us.bob.json_of("PATCH", f"/contacts/{id}", {"follow_up_at": "2026-06-11"})["follow_up_at"] == (
        "2026-06-11T04:00:00Z"
    )
    us.bob.patch("/me", json={"timezone": None})
    logged = us.bob.json_of("POST", f"/contacts/{id}/activities", {"body": "Called", "occurred_at": "2026-06-11"})
    assert logged["occurred_at"] == "2026-06-10T15:00:00Z"
    for query, count in (("until=2026-06-10", 0), ("until=2026-06-10&timezone=UTC", 1), ("since=2026-06-11", 1)):
        assert len(us.bob.json_of("GET", f"/activities?{query}")["items"]) == count
    wrong = us.bob.send_it("PATCH", f"/contacts/{id}?format=json", {"follow_up_at": "0001-01-01"})
    assert list(wrong.json()["fields"]) == ["follow_up_at"]


def test_a_date_is_due_all_day_by_the_days_of_the_workspace_and_by_ones_own(us: Team) -> None:
    us.alice.patch(us.path, json={"timezone": "Europe/Berlin"})
    us.bob.patch("/me", json={"timezone": "America/New_York"})
    for person, day in ((us.alice, "2026-06-10"), (us.bob, "2026-06-10"), (us.bob, "2026-06-09")):
        person.post("/contacts", json={"name": f"{day} of {person.email}", "follow_up_at": day})

    def overdue(person: Person) -> list[str]:
        return [each["name"] for each in person.json_of("GET", "/reminders")["items"] if each["overdue"]]

    assert overdue(us.bob) == [f"2026-06-09 of {us.bob.email}"]  # it is 09:00 in Berlin, 05:00 in New York
    us.home.clock.move(hours=14)
    assert overdue(us.bob) == [f"2026-06-09 of {us.bob.email}", f"2026-06-10 of {us.alice.email}"]
    assert us.bob.text("GET", "/reminders?timezone=America/Los_Angeles").count("overdue=true") == 3


def test_a_day_that_the_clocks_change_is_as_long_as_it_is(us: Team) -> None:
    us.alice.patch(us.path, json={"timezone": "Europe/Berlin"})
    for day, first in (("2026-03-29", "2026-03-28T23:00:00Z"), ("2026-03-30", "2026-03-29T22:00:00Z")):
        assert us.bob.json_of("POST", "/contacts", {"name": day, "follow_up_at": day})["follow_up_at"] == first
    assert us.bob.json_of("GET", "/contacts?follow_up_at=2026-03-29")["items"][0]["name"] == "2026-03-29"


@pytest.mark.parametrize(
    "path", ["/whoami", "/reminders", "/audit", "/activities", "/contacts", "/search?q=jane", "/workspaces", "/tokens"]
)
def test_every_read_takes_a_zone_for_its_answer_alone(us: Team, path: str) -> None:
    joined = "&" if "?" in path else "?"
    answer = us.bob.get(f"{path}{joined}timezone=Asia/Tokyo")
    assert answer.status_code == 200
    if path in ("/whoami", "/reminders"):
        assert "(Asia/Tokyo)" in answer.text
        assert us.bob.json_of("GET", f"{path}?timezone=Asia/Tokyo")["timezone"] == "Asia/Tokyo"
        assert us.bob.json_of("GET", f"{path}?timezone=")["timezone"] == "UTC"
    for wrong in ("timezone=Mars", "timezone=UTC&timezone=UTC"):
        refused = us.bob.get(f"{path}{joined}{wrong}&format=json")
        assert (refused.status_code, list(refused.json()["fields"])) == (400, ["timezone"])
    if path != "/contacts":
        assert us.bob.get(f"{path}{joined}timezone=eq:UTC").status_code == 400
    assert us.bob.json_of("GET", "/whoami")["timezone"] == "UTC"


def test_writes_take_no_zone(us: Team) -> None:
    assert error_of(us.bob.post("/contacts?timezone=UTC", json={"name": "Jane"})) == (400, "invalid_filter")


def test_a_zone_beside_filters_is_told_apart_from_a_field_of_that_name(us: Team) -> None:
    home, actor = us.home, us.home.do(sessions.authenticate(us.home.crm, f"Bearer {us.alice.token}"))
    zoned = Field("timezone", Timezone(), True, frozenset({DETAIL}), "their zone")
    having = replace(COMPANY, fields=(*COMPANY.fields, zoned))
    for kind, count in ((COMPANY, 0), (having, 1)):
        found = home.do(find_all(Call(home.crm, actor), kind, [("timezone", "Asia/Tokyo"), ("name", "x")]))
        told = [note for note in found.paging.notes if "timezone" in note]
        assert len(told) == count
    assert told == ["timezone=Asia/Tokyo is the zone of this answer; timezone=eq:Asia/Tokyo filters by the field"]
