"""Batches: many records of any kind in one request, each as its own POST would be, all in one operation."""

import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit.model.record import Kind
from crmkit.render import parse
from tests.house import UNLIMITED, House, Person, house
from tests.kinds import ACTIVITY, COMPANY, CONTACT, KINDS, LOGGED
from tests.teams.rights.test_plans import planned
from tests.web.refused import refused

JANE = {"name": "Jane", "email": "jane@acme.com"}
_persons = itertools.count(1)


@pytest.fixture
def dora(town: House) -> Iterator[Person]:
    """Someone with an empty workspace."""
    with town.sign_in(f"dora{next(_persons)}@example.com") as person:
        yield person


@pytest.fixture
def twin(town: House) -> Iterator[Person]:
    """Someone else with an empty workspace."""
    with town.sign_in(f"twin{next(_persons)}@example.com") as person:
        yield person


def outcomes(person: Person, plural: str, items: Any, query: str = "") -> list[tuple[str, ...]]:
    """Return what a batch says of each item: its outcome, and the code of an error."""
    told = person.json_of("POST", f"/{plural}/batch{query}", items)
    assert [item["index"] for item in told["items"]] == list(range(len(items)))
    found = [item["outcome"] for item in told["items"]]
    assert {name: told[name] for name in ("created", "updated", "failed")} == {
        name: found.count(name) for name in ("created", "updated", "failed")
    }
    return [(item["outcome"], item.get("error", "")) for item in told["items"]]


def singly(person: Person, plural: str, items: list[Any]) -> list[tuple[str, ...]]:
    """Return what single requests come to, as `outcomes` tells it."""
    found = []
    for item in items:
        answer = person.post(f"/{plural}", json=item, headers={"Accept": "application/json"})
        outcome = {201: "created", 200: "updated"}.get(answer.status_code, "failed")
        found.append((outcome, answer.json().get("error", "")))
    return found


def held(person: Person, plural: str) -> list[dict[str, Any]]:
    """Return all records of a kind, oldest first, without what names them or who wrote them."""
    page = person.json_of("GET", f"/{plural}?limit=200")["items"]
    own = ("id", "handle", "created_by", "owner", "follows")
    return sorted(
        ({name: value for name, value in item.items() if name not in own and "_id" not in name} for item in page),
        key=lambda item: json.dumps(item, sort_keys=True),
    )


def drawn(kind: Kind, luck: random.Random, about: str) -> dict[str, Any]:
    """Return a body of this kind: often of a record that is there already, sometimes wrong."""
    body: dict[str, Any] = {name: f"name {luck.randrange(5)}" for name in kind.required}
    if "contact_id" in kind.required or kind is ACTIVITY:
        body["contact_id"] = about
    if "platform" in kind.required:
        body |= {"platform": luck.choice(["meta", "google"]), "event": f"event {luck.randrange(3)}"}
    known = {"email": "j{}@acme.com", "domain": "acme{}.com", "source_id": "s{}", "code": "K{}"}
    for name in known.keys() & kind.writable.keys():
        if luck.random() < 0.5:
            body[name] = known[name].format(luck.randrange(4))
    if luck.random() < 0.3 and "notes" in kind.writable:
        body["notes"] = f"noted {luck.randrange(9)}"
    fault = luck.random()
    if fault < 0.1:
        body["nonsense"] = 1
    elif fault < 0.2:
        body.pop(luck.choice(list(body)))
    elif fault < 0.25:
        body["contact_id" if "contact_id" in kind.writable else "tags"] = "c_k7m2q9xb"
    return body


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.name)
@pytest.mark.parametrize("seed", range(3))
def test_a_batch_comes_to_what_single_requests_in_its_order_come_to(
    dora: Person, twin: Person, kind: Kind, seed: int
) -> None:
    luck = random.Random(f"{kind.name}{seed}")
    about = {person: person.json_of("POST", "/contacts", {"name": "About"})["id"] for person in (dora, twin)}
    items = [drawn(kind, luck, "{about}") for _ in range(60)]
    own = {
        person: [json.loads(json.dumps(item).replace("{about}", id)) for item in items] for person, id in about.items()
    }
    assert outcomes(dora, kind.plural, own[dora]) == singly(twin, kind.plural, own[twin])
    for plural in (kind.plural, "contacts"):
        assert held(dora, plural) == held(twin, plural)


def test_text_has_a_line_for_each_item_and_counts(dora: Person) -> None:
    answer = dora.post("/contacts/batch", json=[JANE, {**JANE, "email": "JANE@acme.com"}, {"email": "x@acme.com"}])
    assert answer.status_code == 207
    id = dora.json_of("GET", "/contacts/jane@acme.com")["id"]
    assert answer.headers["X-Operation"].startswith("op_")
    assert answer.text.splitlines() == [
        f"item/0  outcome=created  handle=contact/{id}",
        f"item/1  outcome=updated  handle=contact/{id}",
        'item/2  outcome=failed  error=missing_field  field.name="is needed to create"  '
        'hint="Send a contact with name or first_name or last_name."',
        "# 1 created, 1 updated, 1 failed",
        f"# undo: POST /undo/{answer.headers['X-Operation']}",
    ]


def test_a_hint_stands_on_the_first_item_that_it_is_of_in_text_and_on_each_in_json(dora: Person) -> None:
    items = [{"email": "x@acme.com"}, {"name": "A", "size": 1}, {"email": "y@acme.com"}, {"name": "B", "color": 2}]
    lines = dora.post("/contacts/batch", json=items).text.splitlines()[:4]
    assert ["  hint=" in line for line in lines] == [True, True, False, False]
    assert all("  error=" in line and "  field." in line for line in lines)
    assert all(item["hint"] for item in dora.json_of("POST", "/contacts/batch", items)["items"])


@pytest.mark.parametrize("kind", [*KINDS, ACTIVITY], ids=lambda kind: kind.name)
def test_many_in_the_body_of_a_single_post_are_told_where_they_go(dora: Person, kind: Kind) -> None:
    refused(dora, "invalid_json", "POST", kind.path, [{}], does="POST /KIND/batch takes a list[.]$")
    many = {"items": f"; POST {kind.path}/batch takes many$"}
    refused(dora, "unknown_field", "POST", kind.path, {"items": [{}]}, many)


def test_json_has_id_and_handle_or_error_hint_and_fields_of_each_item(dora: Person) -> None:
    told = dora.json_of("POST", "/contacts/batch", [JANE, {"email": "x@acme.com"}, 5])
    id = dora.json_of("GET", "/contacts/jane@acme.com")["id"]
    hint = "Send a contact with name or first_name or last_name."
    fields = {"name": "is needed to create"}
    assert told["items"][:2] == [
        {"index": 0, "outcome": "created", "id": id, "handle": f"contact/{id}"},
        {"index": 1, "outcome": "failed", "error": "missing_field", "hint": hint, "fields": fields},
    ]
    assert (told["items"][2]["error"], told["items"][2]["fields"]) == ("invalid_value", {})
    assert (told["created"], told["updated"], told["failed"]) == (1, 0, 2)


def test_names_that_a_client_made_up_are_one_key_of_the_line(dora: Person) -> None:
    item = {"na me": 1, 'a"b': 1, "c.d": 1, "e=f  item/9": 1, "": 1}
    line = dora.post("/contacts/batch", json=[item]).text.splitlines()[0]
    handle, pairs = parse.split(line)
    assert handle == "item/0"
    assert [".".join(path) for path, _ in pairs] == [
        *("outcome", "error", "field.na me", 'field.a"b', "field.c.d", "field.e=f  item/9", "field.", "hint")
    ]


@pytest.mark.parametrize(
    ("items", "status"),
    [([JANE], 201), ([JANE, JANE], 201), ([JANE, {"nme": 1}], 207), ([{"nme": 1}], 207)],
)
def test_the_status_tells_whether_anything_was_created_or_failed(dora: Person, items: Any, status: int) -> None:
    assert dora.post("/contacts/batch", json=items).status_code == status


def test_a_batch_that_only_changes_records_is_200(dora: Person) -> None:
    dora.post("/contacts", json=JANE)
    assert dora.post("/contacts/batch", json=[JANE]).status_code == 200


@pytest.mark.parametrize(
    "body",
    ['{"items":[{"name":"A"},{"name":"B"}]}', '[{"name":"A"},{"name":"B"}]', '{"name":"A"}\n{"name":"B"}\n'],
)
@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson", "text/plain"])
def test_the_three_forms_of_a_body_are_told_apart_whatever_its_media_type(dora: Person, body: str, media: str) -> None:
    answer = dora.post("/contacts/batch", content=body, headers={"Content-Type": media})
    assert answer.status_code == 201
    assert [contact["name"] for contact in dora.json_of("GET", "/contacts?sort=name")["items"]] == ["A", "B"]


def test_records_nested_in_an_item_are_written_with_it_or_not_at_all(dora: Person) -> None:
    acme = {"name": "Acme", "domain": "acme.com"}
    good = {**JANE, "company": acme, "activities": [{"body": "met"}]}
    bad = {"name": "Bob", "company": {"name": "Never"}, "activities": [{"body": "met", "deal_id": "d_00000000"}]}
    assert outcomes(dora, "contacts", [good, bad, {"name": "Cid", "company": acme}]) == [
        ("created", ""),
        ("failed", "invalid_reference"),
        ("created", ""),
    ]
    assert [company["name"] for company in dora.json_of("GET", "/companies")["items"]] == ["Acme"]
    assert dora.json_of("GET", "/contacts?company_id=acme.com")["total"] == 2


def test_what_else_was_written_is_told_beside_its_item(dora: Person) -> None:
    task = {"title": "Report", "due_at": "2026-06-01", "repeat": "monthly", "done": True}
    text = dora.post("/tasks/batch", json=[task]).text
    assert '  note="next: task/t_' in text
    told = dora.json_of("POST", "/tasks/batch", [task])["items"][0]["remarks"]
    assert len(told) == 1
    assert told[0].startswith("next: task/t_")


def test_an_atomic_batch_writes_all_or_nothing(dora: Person) -> None:
    items = [JANE, {"name": "Bob"}, {"email": "x@acme.com"}, {"nonsense": 1}]
    does = "Item 2 was refused, so nothing was written."
    told = refused(dora, "missing_field", "POST", "/contacts/batch?atomic=1", items, ["name"], does)
    assert told
    assert dora.json_of("GET", "/contacts")["total"] == 0
    assert outcomes(dora, "contacts", items[:2], "?atomic=1") == [("created", ""), ("created", "")]


@pytest.mark.parametrize("value", ["", "2", "yes", "maybe"])
def test_atomic_is_one_or_nought(dora: Person, value: str) -> None:
    refused(dora, "invalid_value", "POST", f"/contacts/batch?atomic={value}", [JANE], ["atomic"])
    assert dora.json_of("GET", "/contacts")["total"] == 0


@pytest.mark.parametrize("value", ["0", "false"])
def test_a_batch_that_is_not_atomic_may_say_so(dora: Person, value: str) -> None:
    assert dora.post(f"/contacts/batch?atomic={value}", json=[JANE, {}]).status_code == 207


def test_more_items_than_the_settings_allow_are_refused(tmp_path: Path) -> None:
    limits = {**UNLIMITED, "CRMKIT_LIMITS_BATCH_ITEMS": "3"}
    with house(tmp_path / "data", limits) as home, home.sign_in("alice@example.com") as alice:
        items = [{"name": f"n{number}"} for number in range(4)]
        refused(alice, "too_large", "POST", "/contacts/batch", items, does="at most 3 items")
        assert alice.json_of("GET", "/contacts")["total"] == 0
        assert alice.post("/contacts/batch", json=items[:3]).status_code == 201


def test_items_that_nest_more_records_than_a_batch_may_write_are_refused(tmp_path: Path) -> None:
    limits = {**UNLIMITED, "CRMKIT_LIMITS_BATCH_ITEMS": "3"}
    with house(tmp_path / "data", limits) as home, home.sign_in("alice@example.com") as alice:
        nested = {"name": "Jane", "company": {"name": "Acme"}, "activities": [{"body": "met"}] * 4}
        does = "at most 6 records .*split these 7 into"
        refused(alice, "too_large", "POST", "/contacts/batch", [nested, {"name": "Joe"}], does=does)
        assert alice.json_of("GET", "/contacts")["total"] == 0
        assert alice.post("/contacts/batch", json=[nested]).status_code == 201


def test_a_thousand_items_fit_into_a_batch_and_one_more_does_not(dora: Person) -> None:
    items = [{"name": f"n{number}", "notes": "x" * 1_500} for number in range(1_000)]  # more than other bodies may have
    told = dora.json_of("POST", "/contacts/batch", items)
    assert (told["created"], told["failed"]) == (1_000, 0)
    assert dora.json_of("GET", "/contacts?count=exact")["total"] == 1_000
    refused(dora, "too_large", "POST", "/contacts/batch", [*items, JANE], does="at most 1,000 items")


def test_the_body_of_a_batch_may_be_larger_than_another_and_is_bounded(tmp_path: Path) -> None:
    limits = {"CRMKIT_LIMITS_BATCH_MIB": "2", "CRMKIT_LIMITS_BODY_KIB": "1"}
    with house(tmp_path / "data", {**UNLIMITED, **limits}) as home, home.sign_in("alice@example.com") as alice:
        items = [{"name": f"n{number}", "notes": "x" * 15_000} for number in range(100)]
        assert alice.post("/contacts/batch", json=items).status_code == 201
        refused(alice, "too_large", "POST", "/contacts/batch", items * 2, does="at most 2 MiB")
        refused(alice, "too_large", "POST", "/contacts", items[0], does="at most 1 KiB")


def test_caps_hold_within_a_batch_and_what_came_before_them_stays(tmp_path: Path) -> None:
    with planned(tmp_path, contacts=5) as home, home.sign_in("alice@example.com") as alice:
        alice.post("/contacts", json={"name": "First"})
        items = [{"name": f"n{number}", "email": f"n{number % 5}@acme.com"} for number in range(10)]
        told = outcomes(alice, "contacts", items)
        full, merged = ("failed", "plan_limit_reached"), ("updated", "")
        assert told == [("created", "")] * 4 + [full] + [merged] * 4 + [full]
        assert alice.json_of("GET", "/whoami")["usage"]["contacts"] == {"used": 5, "cap": 5}
        assert alice.json_of("GET", "/contacts")["total"] == 5


def test_an_atomic_batch_past_a_cap_tells_what_was_used_before_it(tmp_path: Path) -> None:
    with planned(tmp_path, contacts=3) as home, home.sign_in("alice@example.com") as alice:
        alice.post("/contacts", json={"name": "First"})
        items = [{"name": f"n{number}"} for number in range(5)]
        answer = alice.post("/contacts/batch?atomic=1&format=json", json=items)
        assert (answer.status_code, answer.json()["error"]) == (403, "plan_limit_reached")
        assert (answer.json()["used"], answer.json()["cap"]) == (1, 3)
        assert alice.json_of("GET", "/contacts")["total"] == 1


def test_a_batch_counts_as_one_request(tmp_path: Path) -> None:
    limits = {**UNLIMITED, "CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "5"}
    with house(tmp_path / "data", limits) as home, home.sign_in("alice@example.com") as alice:
        answer = alice.post("/contacts/batch", json=[{"name": f"n{number}"} for number in range(50)])
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (201, "4")


def test_a_setting_has_no_batch(dora: Person) -> None:
    assert dora.post("/fields/batch", json=[{}]).status_code == 404


@pytest.mark.parametrize("kind", LOGGED, ids=lambda kind: kind.name)
def test_an_activity_names_the_record_that_it_is_about(dora: Person, kind: Kind) -> None:
    record = dora.json_of("POST", f"/{kind.plural}", {kind.title.name: "Something"})
    answer = dora.post("/activities?format=json", json={"body": "met", kind.activity_link: record["id"]})
    assert answer.status_code == 201
    activity = answer.json()
    assert activity[kind.activity_link] == record["id"]
    assert dora.json_of("GET", f"/{kind.plural}/{record['id']}")["activities"] == 1
    assert dora.json_of("GET", f"/{kind.plural}/{record['id']}/activities")["items"][0]["id"] == activity["id"]


def test_an_activity_takes_a_key_in_place_of_an_id_and_is_logged_once(dora: Person) -> None:
    jane = dora.json_of("POST", "/contacts", JANE)
    mail = {"body": "wrote", "contact_id": "jane@acme.com", "source_id": "<m1@x>"}
    first, again = (dora.post("/activities?format=json", json=mail) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["contact_id"] == jane["id"]
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["remarks"] == ["an activity with this source_id is there already; nothing was changed"]


def test_an_activity_on_a_deal_reaches_its_contact_too(dora: Person) -> None:
    deal = dora.json_of("POST", "/deals", {"title": "X", "contact": {"name": "Jane"}, "company": {"name": "Acme"}})
    activity = dora.json_of("POST", "/activities", {"body": "met", "deal_id": deal["id"]})
    assert (activity["contact_id"], activity["company_id"]) == (deal["contact_id"], deal["company_id"])


def test_an_activity_that_names_no_record_is_refused_with_what_names_one(dora: Person) -> None:
    links = [kind.activity_link for kind in LOGGED]
    refused(dora, "missing_field", "POST", "/activities", {"body": "met"}, links, "contact_id, company_id, deal_id or")


def test_an_activity_on_a_record_that_is_gone_is_refused_with_every_wrong_link(dora: Person) -> None:
    gone = {kind: dora.json_of("POST", f"/{kind.plural}", {"name": "Gone"})["id"] for kind in (CONTACT, COMPANY)}
    for kind, id in gone.items():
        token = dora.json_of("DELETE", f"/{kind.plural}/{id}")["confirm"]
        assert dora.delete(f"/{kind.plural}/{id}?confirm={token}").status_code == 200
    body = {"body": "met", "contact_id": gone[CONTACT], "company_id": gone[COMPANY]}
    refused(dora, "invalid_reference", "POST", "/activities", body, ["contact_id", "company_id"])


def test_activities_of_a_batch_are_logged_on_what_each_names(dora: Person) -> None:
    jane, acme = dora.json_of("POST", "/contacts", JANE), dora.json_of("POST", "/companies", {"name": "Acme"})
    items = [{"body": "a", "contact_id": jane["id"]}, {"body": "b"}, {"body": "c", "company_id": acme["id"]}] * 2
    assert outcomes(dora, "activities", items) == [("created", ""), ("failed", "missing_field"), ("created", "")] * 2
    assert dora.json_of("GET", f"/contacts/{jane['id']}")["activities"] == 2
    assert dora.json_of("GET", f"/companies/{acme['id']}")["activities"] == 2
