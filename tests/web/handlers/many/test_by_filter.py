"""PATCH and DELETE of a list act on all that the same GET would list, in two steps."""

import asyncio
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from crmkit.core.reading import lists
from crmkit.core.reading.feeds import PAGING
from crmkit.model.record import Kind
from crmkit.web.app import routes
from tests.house import BOB, House, Person
from tests.kinds import ACTIVITY, CONTACT, KINDS, REGISTRY
from tests.web.refused import refused

ROUTES = routes(REGISTRY)


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in("sweeps@example.com") as person:
        yield person


@pytest.fixture(autouse=True)
def _empty(alice: Person) -> Iterator[None]:
    yield
    for kind in KINDS:
        done(alice, "DELETE", f"/{kind.plural}?id=not:null")


def contact(person: Person, name: str, **more: Any) -> str:
    return str(person.json_of("POST", "/contacts", {"name": name, **more})["id"])


def contacts(person: Person, count: int, **more: Any) -> list[str]:
    return [contact(person, f"Jane {number}", **more) for number in range(count)]


def confirmed(person: Person, method: str, path: str, body: Any = None) -> str:
    """Return the path that the first step says to send next."""
    asked = person.json_of(method, path, body)
    assert asked["error"] == "confirmation_required", asked
    return f"{path}&confirm={asked['confirm']}"


def done(person: Person, method: str, path: str, body: Any = None) -> Any:
    """Return the answer to the second step, or to the first where nothing is found."""
    first = person.json_of(method, path, body)
    return first if "ok" in first else person.json_of(method, f"{path}&confirm={first['confirm']}", body)


def names(person: Person, query: str) -> list[str]:
    return sorted(item["name"] for item in person.json_of("GET", f"/contacts?{query}&limit=200")["items"])


def test_the_first_step_tells_how_many_and_shows_three_and_the_second_changes_them(alice: Person) -> None:
    contacts(alice, 5, stage="lead")
    contact(alice, "Other", stage="won")
    first = alice.send_it("PATCH", "/contacts?stage=lead", {"owner": BOB})
    lines = first.text.splitlines()
    assert (first.status_code, lines[0]) == (409, "ERROR confirmation_required")
    assert "This changes 5 contacts" in lines[1]
    assert [line.split("/")[0] for line in lines[2:]] == ["contact"] * 3
    again = lines[1].rpartition(": PATCH ")[2]
    assert again.startswith("/contacts?stage=lead&confirm=")
    second = alice.send_it("PATCH", again, {"owner": BOB})
    operation = second.headers["X-Operation"]
    assert (second.status_code, second.text) == (200, f"OK changed 5 contacts\n# undo: POST /undo/{operation}\n")
    assert len(names(alice, f"owner={BOB}")) == 5
    assert len(names(alice, "stage=won")) == 1


def test_json_tells_the_same(alice: Person) -> None:
    contacts(alice, 4)
    path = "/contacts?name=like:jane"
    first = alice.json_of("DELETE", path)
    assert (first["count"], len(first["items"])) == (4, 3)
    listed = alice.json_of("GET", f"{path}&limit=3")["items"]
    assert first["items"] == listed
    second = alice.json_of("DELETE", f"{path}&confirm={first['confirm']}")
    assert second.pop("operation").startswith("op_")
    assert second == {"ok": True, "message": "deleted 4 contacts", "count": 4}
    assert alice.json_of("GET", "/contacts")["total"] == 0


def test_a_token_is_for_one_method_query_body_and_set_and_for_once(alice: Person) -> None:
    contacts(alice, 3, stage="lead", city="Rome")
    right = confirmed(alice, "PATCH", "/contacts?stage=lead", {"owner": BOB})
    token = right.partition("&confirm=")[2]
    for method, path, body in (
        ("DELETE", right, None),
        ("PATCH", right, {"owner": "me"}),
        ("PATCH", f"/contacts?city=Rome&confirm={token}", {"owner": BOB}),
        ("PATCH", f"/companies?id=not:null&confirm={token}", {"owner": BOB}),
    ):
        answer = alice.json_of(method, path, body)
        assert answer.get("error") == "confirmation_required" or answer["count"] == 0, answer
    assert names(alice, f"owner={BOB}") == []
    assert alice.json_of("PATCH", right, {"owner": BOB})["count"] == 3
    assert alice.json_of("PATCH", right, {"owner": BOB})["error"] == "confirmation_required"


def test_a_set_that_has_changed_is_refused(alice: Person) -> None:
    contacts(alice, 3, stage="lead")
    again = confirmed(alice, "DELETE", "/contacts?stage=lead")
    contact(alice, "Late", stage="lead")
    refusal = alice.json_of("DELETE", again)
    assert (refusal["error"], refusal["count"]) == ("confirmation_required", 4)
    assert "wrong, used or outdated" in refusal["hint"]
    assert alice.json_of("GET", "/contacts?stage=lead")["total"] == 4


def test_a_record_that_was_edited_and_still_matches_does_not_void_a_token(alice: Person) -> None:
    first, *_ = contacts(alice, 3, stage="lead")
    again = confirmed(alice, "PATCH", "/contacts?stage=lead", {"owner": BOB})
    alice.patch(f"/contacts/{first}", json={"city": "Rome"})
    assert alice.json_of("PATCH", again, {"owner": BOB})["count"] == 3


def test_ids_that_are_listed_are_changed_in_one_step_and_deleted_in_two(alice: Person) -> None:
    one, two, _ = contacts(alice, 3)
    path = f"/contacts?id=in:{one},{two}"
    assert alice.json_of("PATCH", path, {"owner": BOB})["count"] == 2
    assert alice.json_of("PATCH", f"{path}&owner={BOB}", {"owner": "me"})["error"] == "confirmation_required"
    assert alice.json_of("DELETE", path)["error"] == "confirmation_required"


@pytest.mark.parametrize("query", ["limit=3", "sort=name", "cursor=x", "fields=name", "max_tokens=99", "count=exact"])
def test_what_is_of_lists_alone_is_refused(alice: Person, query: str) -> None:
    contacts(alice, 1, stage="lead")
    name = query.partition("=")[0]
    for method, body in (("PATCH", {"owner": BOB}), ("DELETE", None)):
        refused(alice, "invalid_filter", method, f"/contacts?stage=lead&{query}", body, [name])


def test_no_fields_are_chosen_of_activities_either(alice: Person) -> None:
    for method, body in (("PATCH", {"body": "x"}), ("DELETE", None)):
        refused(alice, "invalid_filter", method, "/activities?kind=call&fields=body", body, ["fields"])


def test_a_code_is_a_filter_like_any_other(alice: Person) -> None:
    for code in ("A-1", "A-2"):
        alice.post("/companies", json={"name": code, "code": code})
    first = alice.json_of("DELETE", "/companies?code=A-1")
    assert (first["count"], [item["code"] for item in first["items"]]) == (1, ["A-1"])
    assert alice.json_of("PATCH", "/companies?code=A-3", {"city": "Rome"})["count"] == 0
    assert done(alice, "DELETE", "/companies?code=A-1")["count"] == 1
    assert [item["code"] for item in alice.json_of("GET", "/companies")["items"]] == ["A-2"]


def test_activities_are_found_by_what_clients_call_their_kind(alice: Person) -> None:
    one = contact(alice, "Jane")
    for kind in ("call", "note", "email"):
        alice.post(f"/contacts/{one}/activities", json={"kind": kind, "body": kind})
    for name in ("kind", "kinds", "types"):
        assert alice.json_of("DELETE", f"/activities?{name}=call,email")["count"] == 2


@pytest.mark.parametrize("query", ["", "?search=", "?format=json", "?timezone=Europe/Rome"])
def test_without_a_filter_nothing_is_done(alice: Person, query: str) -> None:
    contacts(alice, 1)
    for method, body in (("PATCH", {"owner": BOB}), ("DELETE", None)):
        answer = alice.send_it(method, f"/contacts{query}", body)
        assert answer.status_code == 400
        assert "id=not:null means all contacts" in answer.text


def test_the_body_is_checked_as_that_of_a_patch_and_expects_no_version(alice: Person) -> None:
    contacts(alice, 2, stage="lead")
    path = "/contacts?stage=lead"
    refused(alice, "unknown_field", "PATCH", path, {"shoe": 4}, ["shoe"])
    refused(alice, "invalid_value", "PATCH", path, {"email": "nobody"}, ["email"])
    refused(alice, "invalid_value", "PATCH", path, {"owner": BOB, "version": 1}, ["version"])
    refused(alice, "missing_field", "PATCH", "/companies?id=not:null", {"name": None}, ["name"])
    for method, body in (("PATCH", {"owner": BOB}), ("DELETE", None)):
        answer = alice.send_it(method, path, body, headers={"If-Match": "1"})
        assert (answer.status_code, "If-Match" in answer.text) == (400, True)
    assert alice.send_it("PATCH", path, {}).status_code == 400


def test_a_filter_may_stand_twice_and_the_token_once(alice: Person) -> None:
    for rating in (1, 3, 5):
        contact(alice, "Jane", rating=rating)
    again = confirmed(alice, "PATCH", "/contacts?rating=gte:2&rating=lt:4", {"owner": BOB})
    assert alice.json_of("PATCH", f"{again}&confirm=x", {"owner": BOB})["fields"] == {"confirm": "stands twice"}
    assert alice.json_of("PATCH", again, {"owner": BOB})["count"] == 1


def test_an_empty_set_is_answered_at_once_with_the_notes_of_a_list(alice: Person) -> None:
    contacts(alice, 1, city="Rome")
    answer = alice.send_it("PATCH", "/contacts?city=Rome, Milan", {"owner": BOB})
    assert answer.text.splitlines()[0] == "OK changed 0 contacts"
    assert "# note: a comma is part of the value" in answer.text
    assert alice.json_of("DELETE", "/contacts?city=Oslo") == {"ok": True, "message": "deleted 0 contacts", "count": 0}


def test_a_search_never_forgives_a_typo(alice: Person) -> None:
    contact(alice, "Jane Kelason")
    assert alice.json_of("GET", "/contacts?search=kelasno")["notes"] == ["no exact match, closest shown"]
    assert alice.json_of("DELETE", "/contacts?search=kelasno")["count"] == 0
    assert alice.json_of("DELETE", "/contacts?search=kelason")["count"] == 1


def test_a_value_of_a_unique_field_is_for_one_record(alice: Person) -> None:
    one, two = contacts(alice, 2, stage="lead")
    answer = alice.json_of("PATCH", "/contacts?stage=lead", {"email": "jane@example.com"})
    assert (answer["error"], "email" in answer["fields"]) == ("already_exists", True)
    alice.patch(f"/contacts/{two}", json={"stage": "won"})
    assert done(alice, "PATCH", "/contacts?stage=lead", {"email": "jane@example.com"})["count"] == 1
    assert done(alice, "PATCH", "/contacts?id=not:null", {"email": None})["count"] == 1
    assert alice.json_of("GET", f"/contacts/{one}")["email"] is None


def test_one_record_that_cannot_be_changed_leaves_all_as_they_were(alice: Person) -> None:
    contacts(alice, 3, stage="lead")
    full = contact(alice, "Full", stage="lead", tags=[f"tag{number}" for number in range(50)])
    contacts(alice, 3, stage="lead")
    answer = done(alice, "PATCH", "/contacts?stage=lead", {"tags": {"add": ["one-more"]}})
    assert (answer["error"], answer["handle"]) == ("invalid_value", f"contact/{full}")
    assert f"contact/{full}: " in answer["hint"]
    assert alice.json_of("GET", "/contacts?tags=one-more")["total"] == 0


def test_records_that_have_the_values_already_are_told_apart_and_get_no_version(alice: Person) -> None:
    one, two = contacts(alice, 2, stage="lead")
    alice.patch(f"/contacts/{one}", json={"owner": BOB})
    answer = done(alice, "PATCH", "/contacts?stage=lead", {"owner": BOB})
    assert (answer["count"], answer["notes"]) == (1, ["1 had these values already"])
    assert [alice.json_of("GET", f"/contacts/{id}")["version"] for id in (one, two)] == [2, 2]
    again = alice.send_it("PATCH", f"/contacts?id=in:{one},{two}", {"owner": BOB})
    assert again.text == "OK changed 0 contacts\n# note: 2 had these values already\n"
    assert "operation" not in alice.json_of("PATCH", f"/contacts?id=in:{one},{two}", {"owner": BOB})


def test_a_change_of_many_merges_tags_and_custom_and_follows_rules_as_one_does(alice: Person) -> None:
    alice.json_of("POST", "/deals", {"title": "One", "tags": ["old"], "custom": {"a": 1}})
    alice.json_of("POST", "/deals", {"title": "Two"})
    body = {"stage": "won", "tags": {"add": ["big"]}, "custom": {"b": 2}}
    done(alice, "PATCH", "/deals?id=not:null", body)
    one, two = alice.json_of("GET", "/deals?sort=title")["items"]
    assert [deal["status"] for deal in (one, two)] == ["won", "won"]
    assert (one["tags"], two["tags"]) == (["old", "big"], ["big"])
    assert (one["custom"], two["custom"]) == ({"a": 1, "b": 2}, {"b": 2})
    assert one["closed_at"] is not None


def test_what_rules_write_beside_the_records_is_told(alice: Person) -> None:
    for title in ("One", "Two"):
        alice.json_of("POST", "/tasks", {"title": title, "due_at": "2026-06-11T09:00:00Z", "repeat": "daily"})
    answer = done(alice, "PATCH", "/tasks?done=false", {"done": True})
    assert answer["count"] == 2
    assert all(note.startswith("task/") and ": next: task/" in note for note in answer["notes"])
    assert alice.json_of("GET", "/tasks?done=false")["total"] == 2


def test_a_delete_of_many_takes_along_and_unlinks_as_one_does(alice: Person) -> None:
    company = alice.json_of("POST", "/companies", {"name": "Acme"})["id"]
    for id in contacts(alice, 3, company_id=company):
        alice.json_of("POST", f"/contacts/{id}/activities", {"body": "Hello"})
        alice.json_of("POST", "/deals", {"title": "Deal", "contact_id": id, "company_id": company})
    assert alice.json_of("GET", "/activities")["total"] == 3 or alice.json_of("GET", "/activities")["items"]
    done(alice, "DELETE", f"/contacts?company_id={company}")
    assert alice.json_of("GET", "/activities")["items"] == []
    assert {deal["contact_id"] for deal in alice.json_of("GET", "/deals")["items"]} == {None}
    assert alice.json_of("GET", f"/companies/{company}")["activities"] == 0
    done(alice, "DELETE", "/companies?id=not:null")
    assert {deal["company_id"] for deal in alice.json_of("GET", "/deals")["items"]} == {None}


def test_activities_are_changed_and_deleted_by_the_parameters_of_their_list(alice: Person) -> None:
    (one, two) = contacts(alice, 2)
    for id in (one, two):
        for kind in ("call", "note"):
            alice.json_of("POST", f"/contacts/{id}/activities", {"body": "Hello", "kind": kind})
    assert done(alice, "PATCH", f"/activities?contact={one}&kind=call", {"outcome": "agreed"})["count"] == 1
    assert done(alice, "DELETE", "/activities?kind=note")["count"] == 2
    assert {each["kind"] for each in alice.json_of("GET", "/activities")["items"]} == {"call"}
    assert alice.json_of("GET", f"/contacts/{one}")["activities"] == 1
    assert done(alice, "PATCH", f"/activities?contact_id={two}&body=like:ello", {"outcome": "open"})["count"] == 1
    assert done(alice, "DELETE", "/activities?outcome=agreed")["count"] == 1
    refused(alice, "invalid_filter", "DELETE", "/activities?colour=red", None, ["colour"])
    assert "id=not:null means all activities" in alice.send_it("DELETE", "/activities").text


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.plural)
def test_a_change_and_a_delete_take_the_filters_that_the_list_takes(alice: Person, kind: Kind) -> None:
    listing, *others = (
        next(found for found in ROUTES if found.paths[0] == kind.path and method in found.methods)
        for method in ("GET", "PATCH", "DELETE")
    )
    taken = {name for name in listing.query if name not in PAGING}
    assert all(taken <= {*found.query} for found in others)
    path = f"/{kind.plural}?{'&'.join(f'{name}=is:null' for name in kind.filters)}"
    field = next(name for name in ("owner", "outcome", "value_cents") if name in kind.by_name)
    assert alice.json_of("GET", path)["items"] == []
    assert alice.json_of("PATCH", path, {field: None})["count"] == 0
    assert alice.json_of("DELETE", path)["count"] == 0


def test_activities_are_named_by_their_ids_as_other_records_are(alice: Person) -> None:
    about = contact(alice, "Jane")
    one, two, other = (
        alice.json_of("POST", f"/contacts/{about}/activities", {"body": "Hello"})["id"] for _ in range(3)
    )
    path = f"/activities?id=in:{one},activity/{two}"
    assert {each["id"] for each in alice.json_of("GET", path)["items"]} == {one, two}
    assert alice.json_of("GET", f"/contacts/{about}/activities?id={other}")["items"][0]["id"] == other
    assert alice.json_of("PATCH", path, {"outcome": "agreed"})["count"] == 2
    assert done(alice, "DELETE", path)["count"] == 2
    assert done(alice, "DELETE", "/activities?id=not:null")["message"] == "deleted 1 activity"


def test_a_day_in_a_filter_is_that_of_the_zone_which_the_request_names(alice: Person) -> None:
    at = "2026-06-10T22:30:00Z"  # the next day in Rome
    alice.json_of("POST", "/tasks", {"title": "Late", "due_at": at})
    path = "/tasks?due_at=2026-06-11"
    assert alice.json_of("DELETE", f"{path}&timezone=UTC")["count"] == 0
    first = alice.json_of("DELETE", f"{path}&timezone=Europe/Rome")
    assert first["count"] == 1
    assert "timezone=Europe/Rome" in first["hint"]
    changed = done(alice, "PATCH", f"{path}&timezone=Europe/Rome", {"due_at": "2026-06-12"})
    assert changed["count"] == 1
    assert alice.json_of("GET", "/tasks")["items"][0]["due_at"] == "2026-06-11T22:00:00Z"


def required(alice: Person, kind: Kind) -> dict[str, Any]:
    given = {field.name: "Something" for field in kind.fields if field.required and field.name in kind.writable}
    if "contact_id" in given:
        given |= {"contact_id": contact(alice, "Jane"), "platform": "meta"}
    return given


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
def test_records_of_every_kind_are_changed_and_deleted(alice: Person, kind: Kind) -> None:
    body = required(alice, kind)
    for _ in range(3):
        assert "id" in alice.json_of("POST", f"/{kind.plural}", body)
    name = next(name for name, value in body.items() if value == "Something" or kind is not CONTACT)
    change = {name: body[name] if name.endswith("_id") else "meta" if name == "platform" else "Else"}
    assert done(alice, "PATCH", f"/{kind.plural}?id=not:null", change)["message"].startswith("changed ")
    found = alice.json_of("GET", f"/{kind.plural}")["items"]
    assert {item[name] for item in found} == {change[name]}
    answer: httpx.Response = alice.send_it("DELETE", f"/{kind.plural}?id=not:null")
    assert answer.status_code == 409
    assert done(alice, "DELETE", f"/{kind.plural}?id=not:null")["count"] == len(found)
    assert alice.json_of("GET", f"/{kind.plural}")["items"] == []


def test_all_is_one_operation(town: House, alice: Person) -> None:
    contacts(alice, 3, stage="lead")
    done(alice, "PATCH", "/contacts?stage=lead", {"owner": BOB})
    sql = "SELECT seq, op FROM audit WHERE action = 'contact.update' ORDER BY seq DESC LIMIT 3"
    rows = town.do(town.crm.database.read(None, lambda connection: connection.execute(sql).fetchall()))
    first = rows[-1][0]
    assert [op for _, op in rows] == [first, first, None]


def test_one_record_is_told_in_the_singular(alice: Person) -> None:
    contacts(alice, 1, stage="lead")
    path = "/contacts?stage=lead"
    assert "This changes 1 contact; it follows." in alice.json_of("PATCH", path, {"owner": BOB})["hint"]
    assert done(alice, "PATCH", path, {"owner": BOB})["message"] == "changed 1 contact"
    assert done(alice, "DELETE", path)["message"] == "deleted 1 contact"


def test_a_body_that_no_record_can_take_is_refused_before_a_token_is_asked_for(alice: Person) -> None:
    contacts(alice, 3, stage="lead")
    gone = alice.json_of("POST", "/companies", {"name": "Gone"})["id"]
    done(alice, "DELETE", f"/companies?id=in:{gone}")
    refused(alice, "invalid_reference", "PATCH", "/contacts?stage=lead", {"company_id": gone}, ["company_id"])


def test_a_set_that_others_write_all_the_time_is_changed_nevertheless(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *_ = contacts(alice, 3, stage="lead")
    again = confirmed(alice, "PATCH", "/contacts?stage=lead", {"owner": BOB})
    notes_on, numbers = lists.notes_on, itertools.count()

    async def after_a_write(*args: Any, **more: Any) -> Any:
        with httpx.Client(base_url=alice.base_url, headers=alice.headers) as other:
            await asyncio.to_thread(other.patch, f"/contacts/{first}", json={"city": f"Rome {next(numbers)}"})
        return await notes_on(*args, **more)

    monkeypatch.setattr(lists, "notes_on", after_a_write)
    assert alice.json_of("PATCH", again, {"owner": BOB})["count"] == 3
    shown = alice.json_of("GET", f"/contacts/{first}")
    assert (shown["owner"], shown["city"], shown["version"]) == (BOB, "Rome 0", 3)
