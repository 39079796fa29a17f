"""`fields=`: what is shown of records, in lists, of one, after writes and in errors."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import House, Person
from tests.web.refused import refused

CUSTOM = {"region": "emea", "address": {"city": "Rome", "zip": None}, "full name": "Ada L", "size": 5, "a,b": [1]}


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in("chooses@example.com") as person:
        yield person


@pytest.fixture(scope="module")
def ada(alice: Person) -> str:
    body = {"name": "Ada", "email": "ada@acme.com", "custom": CUSTOM, "follow_up_at": "2026-06-01"}
    return str(alice.json_of("POST", "/contacts", body)["id"])


@pytest.fixture(scope="module")
def bob(alice: Person) -> str:
    return str(alice.json_of("POST", "/contacts", {"name": "Bob"})["id"])


def shown(id: str, **more: Any) -> dict[str, Any]:
    return {"handle": f"contact/{id}", "id": id, **more}


@pytest.mark.parametrize(
    ("fields", "line", "custom"),
    [
        ("custom.region", "custom.region=emea", {"region": "emea"}),
        ("custom.size,custom.region", "custom.size=5  custom.region=emea", {"size": 5, "region": "emea"}),
        ("custom.address.city", "custom.address.city=Rome", {"address": {"city": "Rome"}}),
        (
            "custom.address",
            "custom.address.city=Rome  custom.address.zip=null",
            {"address": {"city": "Rome", "zip": None}},
        ),
        ('custom."full name"', 'custom."full name"="Ada L"', {"full name": "Ada L"}),
        ('custom."a,b"', 'custom."a,b"=[1]', {"a,b": [1]}),
        ("custom.nothing,custom.region", "custom.region=emea", {"nothing": None, "region": "emea"}),
        ("custom.region.deep", "", {"region": {"deep": None}}),
    ],
)
def test_a_key_of_custom_is_chosen_alone_in_lists_and_of_one(
    alice: Person, ada: str, fields: str, line: str, custom: dict[str, Any]
) -> None:
    told = "  ".join(filter(None, [f"contact/{ada}", line]))
    for path in (f"/contacts/{ada}", "/contacts"):
        asked = {"fields": fields} | ({"name": "Ada"} if path == "/contacts" else {})
        assert alice.text("GET", path, params=asked).split("\n")[0] == told
        found = alice.json_of("GET", path, params=asked)
        assert found.get("items", [found]) == [shown(ada, custom=custom)]


def test_a_record_without_custom_has_no_value_of_a_chosen_key(alice: Person, bob: str) -> None:
    for path in (f"/contacts/{bob}", f"/contacts?id={bob}"):
        asked = f"{path}{'&' if '?' in path else '?'}fields=name,custom.region,custom.address.city"
        assert alice.text("GET", asked).split("\n")[0] == f"contact/{bob}  name=Bob"
        found = alice.json_of("GET", asked)
        chosen = shown(bob, name="Bob", custom={"region": None, "address": {"city": None}})
        assert found.get("items", [found]) == [chosen]


@pytest.mark.parametrize("fields", ["handle", "id", "handle,id", " handle ,"])
def test_handle_alone_is_one_handle_a_line(alice: Person, ada: str, bob: str, fields: str) -> None:
    asked = {"fields": fields, "sort": "name"}
    lines = alice.text("GET", "/contacts", params=asked).splitlines()
    assert lines == [f"contact/{ada}", f"contact/{bob}", "# 2 contacts", "# total: 2"]
    assert alice.json_of("GET", "/contacts", params=asked)["items"] == [shown(ada), shown(bob)]
    assert alice.text("GET", f"/contacts/{ada}", params=asked | {"sort": ""}).startswith("ERROR")
    assert alice.text("GET", f"/contacts/{ada}", params={"fields": fields}) == f"contact/{ada}\n"


def test_a_write_shows_what_was_chosen_with_what_it_tells_itself(alice: Person) -> None:
    body = {"name": "Cleo", "email": "cleo@acme.com", "company": {"name": "Acme", "domain": "acme.com"}}
    made = alice.send_it("POST", "/contacts?fields=email,company_name", body)
    line, *rest = made.text.splitlines()
    assert (made.status_code, line.partition("  ")[2]) == (201, "email=cleo@acme.com  company_name=Acme")
    assert "# created" in rest
    assert made.headers["ETag"] == '"1"'
    id = line.partition("  ")[0].removeprefix("contact/")
    again = alice.json_of("POST", "/contacts?fields=handle", body)
    assert again.keys() <= {"handle", "id", "operation", "remarks"}
    changed = alice.json_of("PATCH", f"/contacts/{id}?fields=stage,version", {"stage": "lead"})
    assert {name: changed[name] for name in changed if name != "operation"} == shown(id, stage="lead", version=2)
    noted = alice.text("POST", f"/contacts/{id}/activities?fields=kind", {"kind": "call", "body": "long"})
    assert noted.split("\n")[0].split("  ")[1:] == ["kind=call"]
    dry = alice.json_of("POST", "/contacts?fields=name&dry_run=1", {"name": "Dry"})
    assert dry == {"handle": None, "id": None, "name": "Dry", "dry_run": True} or dry["name"] == "Dry"


def test_an_answer_under_a_key_is_kept_with_what_was_chosen(alice: Person) -> None:
    key = {"Idempotency-Key": "chosen", "Accept": "application/json"}
    first = alice.post("/contacts?fields=name", json={"name": "Keyed"}, headers=key)
    again = alice.post("/contacts?fields=name", json={"name": "Keyed"}, headers=key)
    assert first.json() == again.json()
    assert alice.post("/contacts?fields=stage", json={"name": "Keyed"}, headers=key).status_code == 422


def test_a_conflict_shows_what_was_chosen_of_the_record(alice: Person, bob: str) -> None:
    answer = alice.patch(f"/contacts/{bob}?fields=name,version", json={"stage": "lead"}, headers={"If-Match": "99"})
    assert (answer.status_code, answer.text.splitlines()[2]) == (412, f"contact/{bob}  name=Bob  version=1")
    asked = alice.json_of("PATCH", f"/contacts/{bob}?fields=name", {"stage": "lead", "version": 99})
    assert asked["current"] == shown(bob, name="Bob")


def test_members_have_their_reason_and_when_they_joined_as_fields_too(alice: Person, ada: str) -> None:
    company = alice.json_of("POST", "/companies", {"name": "Rome GmbH", "domain": "rome.example"})["id"]
    campaign = alice.json_of("POST", "/campaigns", {"name": "Spring"})["id"]
    path = f"/campaigns/{campaign}/members"
    added = alice.send_it("POST", f"{path}?fields=reason,email", {"id": ada, "reason": "asked"})
    assert added.text.split("\n")[0] == f"contact/{ada}  email=ada@acme.com  reason=asked"
    assert alice.json_of("POST", f"{path}?fields=domain", {"id": company}).keys() == {
        "handle",
        "id",
        "domain",
        "operation",
    }
    found = alice.json_of("GET", f"{path}?fields=email,domain,reason")["items"]
    assert {item["id"]: item for item in found} == {
        ada: shown(ada, email="ada@acme.com", reason="asked"),
        company: {"handle": f"company/{company}", "id": company, "domain": "rome.example", "reason": None},
    }
    for name in ("kind", "kinds", "types"):
        assert alice.json_of("GET", f"{path}?{name}=contacts")["total"] == 1
        assert alice.json_of("GET", f"{path}?{name}=contact,company")["total"] == 2
    refused(alice, "invalid_value", "GET", f"{path}?fields=due_at", fields=["fields"])


def test_reminders_show_fields_of_their_records(alice: Person, ada: str) -> None:
    task = alice.json_of("POST", "/tasks", {"title": "Report", "due_at": "2026-06-02T08:00:00Z"})["id"]
    lines = alice.text("GET", "/reminders?fields=email,title,overdue").splitlines()
    assert lines[:2] == [f"contact/{ada}  email=ada@acme.com  overdue=true", f"task/{task}  title=Report  overdue=true"]
    found = alice.json_of("GET", "/reminders?fields=handle,kind")["items"]
    assert found == [shown(ada, kind="contact"), {"handle": f"task/{task}", "id": task, "kind": "task"}]
    refused(alice, "invalid_value", "GET", "/reminders?fields=domain", fields=["fields"])
    assert alice.text("GET", "/reminders?fields=").split("\n")[0].endswith("name=Ada")


def test_a_search_over_all_kinds_shows_of_each_kind_what_it_has(alice: Person, ada: str) -> None:
    found = alice.json_of("GET", "/search?q=ada&types=contacts,companies&fields=email,domain")
    assert found["contacts"] == [shown(ada, email="ada@acme.com")]
    assert found["companies"] == []
    for name in ("kind", "kinds"):
        assert alice.text("GET", f"/search?q=ada&{name}=contact&fields=handle") == f"contact/{ada}\n# 1 contacts\n"


def test_the_brief_shows_what_was_chosen_of_what_is_due(alice: Person, ada: str) -> None:
    lines = alice.text("GET", "/brief?fields=email").splitlines()
    assert f"contact/{ada}  email=ada@acme.com" in lines
    assert shown(ada, email="ada@acme.com") in alice.json_of("GET", "/brief?fields=email")["overdue"]


def test_a_record_as_it_was_shows_what_was_chosen(alice: Person, ada: str) -> None:
    lines = alice.text("GET", f"/contacts/{ada}?as_of=2030-01-01&fields=email,custom.region,activities").splitlines()
    assert lines[0] == f"contact/{ada}  email=ada@acme.com  custom.region=emea"
    assert lines[-1] == "# note: activities is computed, so the log does not tell it"


def test_fields_stand_once_and_only_where_records_are_shown(alice: Person) -> None:
    refused(alice, "invalid_value", "GET", "/contacts?fields=name&fields=email", fields={"fields": "stands twice"})
    for path in ("/changes", "/duplicates", "/whoami", "/tokens"):
        refused(alice, "invalid_filter", "GET", f"{path}?fields=name", fields=["fields"])
    refused(alice, "invalid_filter", "POST", "/contacts/batch?fields=name", [{"name": "x"}], ["fields"])
    refused(alice, "invalid_filter", "POST", "/contacts?feilds=name", {"name": "x"}, {"feilds": "mean fields"})


def test_kind_kinds_and_types_stand_once_together(alice: Person) -> None:
    twice = {"kind": "stands twice"}
    refused(alice, "invalid_value", "GET", "/reminders?kind=task&kinds=deal", fields=twice)
    assert alice.send_it("GET", "/changes?kind=contact&limit=1").status_code == 200
    refused(alice, "invalid_filter", "GET", "/contacts?kind=contact", fields=["kind"])
