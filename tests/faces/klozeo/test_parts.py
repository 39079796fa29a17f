"""Notes, attributes and batches of leads."""

import uuid
from typing import Any

import pytest

from crmkit.faces.klozeo import attribute, ids
from crmkit.faces.klozeo.routes import notes
from tests.house import Person
from tests.teams.office import Team, new

P = "/api/v1"


@pytest.fixture
def lead(us: Team) -> str:
    """The path of a lead."""
    return f"{P}/leads/{ids.of(new(us.alice, '/contacts', name='Jane'), ids.LEAD)}"


def done(person: Person, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = person.send_it(method, path, body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def test_a_note_is_an_activity_on_the_contact(us: Team, lead: str) -> None:
    note = done(us.alice, "POST", f"{lead}/notes", {"content": "Spoke with the CEO"}, 201)
    assert note.keys() == {"id", "lead_id", "content", "created_at", "updated_at"}
    assert lead.endswith(note["lead_id"])
    assert done(us.bob, "GET", f"{lead}/notes") == {"notes": [note]}
    us.home.clock.move(seconds=60)
    changed = done(us.alice, "PUT", f"{P}/notes/{note['id']}", {"content": "Closed"})
    assert changed == {**note, "content": "Closed", "updated_at": changed["updated_at"]}
    second = done(us.alice, "POST", f"{lead}/notes", {"content": "Second"}, 201)
    assert [each["id"] for each in done(us.bob, "GET", f"{lead}/notes")["notes"]] == [second["id"], note["id"]]
    assert done(us.alice, "DELETE", f"{P}/notes/{note['id']}", status=204) is None
    done(us.alice, "PUT", f"{P}/notes/{note['id']}", {"content": "x"}, 404)
    assert done(us.bob, "GET", f"{lead}/notes") == {"notes": [second]}
    for body in ({}, {"content": ""}, {"content": "x", "title": "y"}):
        done(us.alice, "POST", f"{lead}/notes", body, 400)


def test_a_list_of_notes_is_bounded_and_says_so(us: Team, lead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes, "MOST", 2)
    made = [done(us.alice, "POST", f"{lead}/notes", {"content": f"{at}"}, 201)["id"] for at in range(2)]
    assert done(us.bob, "GET", f"{lead}/notes").keys() == {"notes"}
    us.home.clock.move(seconds=60)
    made.append(done(us.alice, "POST", f"{lead}/notes", {"content": "the newest"}, 201)["id"])
    answer = done(us.bob, "GET", f"{lead}/notes")
    assert (answer["notes"][0]["id"], len(answer["notes"]), answer["has_more"]) == (made[-1], 2, True)


def test_an_activity_that_is_no_note_is_none(us: Team) -> None:
    contact = new(us.alice, "/contacts", name="Jane")
    call = new(us.alice, f"/contacts/{contact}/activities", body="Called", kind="call")
    path = f"{P}/notes/{ids.of(call, ids.NOTE)}"
    done(us.alice, "PUT", path, {"content": "x"}, 404)
    done(us.alice, "DELETE", path, status=404)
    assert done(us.alice, "GET", f"{P}/leads/{ids.of(contact, ids.LEAD)}/notes") == {"notes": []}


VALUES = {
    "text": ("Italian", "Greek"),
    "number": (500, 4.5),
    "bool": (True, False),
    "list": (["CRM", "ERP"], []),
    "object": ({"linkedin": "https://x.example.com"}, {"y": "1"}),
}


@pytest.mark.parametrize("type_", VALUES)
def test_an_attribute_is_a_key_of_custom_with_a_type_and_an_id(us: Team, lead: str, type_: str) -> None:
    first, second = VALUES[type_]
    made = done(us.alice, "POST", f"{lead}/attributes", {"name": "some key", "type": type_, "value": first}, 201)
    assert made == {"id": made["id"], "name": "some key", "type": type_, "value": first}
    path = f"{lead}/attributes/{made['id']}"
    assert done(us.alice, "PUT", path, {"value": second}) == {**made, "value": second}
    assert us.alice.put(path, json=first).json() == made  # bare, as the client for Python sends it
    assert done(us.bob, "GET", f"{lead}/attributes") == {"attributes": [made]}
    assert done(us.bob, "GET", lead)["attributes"] == [made]
    wrong = next(values[0] for name, values in VALUES.items() if name != type_)
    if type_ != "object":  # of one, {"value": …} may be the value
        done(us.alice, "PUT", path, {"value": wrong}, 400)
    done(us.alice, "PUT", path, b"{", 400)
    assert done(us.alice, "DELETE", path, status=204) is None
    done(us.alice, "DELETE", path, status=404)
    assert done(us.bob, "GET", f"{lead}/attributes") == {"attributes": []}


def test_an_object_may_have_a_key_called_value(us: Team, lead: str) -> None:
    made = done(us.alice, "POST", f"{lead}/attributes", {"name": "o", "type": "object", "value": {"a": 1}}, 201)
    changed = done(us.alice, "PUT", f"{lead}/attributes/{made['id']}", {"value": "bare"})
    assert changed["value"] == {"value": "bare"}


@pytest.mark.parametrize(
    "body",
    ["[" * 100_000, "[" * 33 + "]" * 33, '{"value":"\\u0000"}', '"\\ud800"', '{"a":1,"a":2}', "9" * 5000, "", "x"],
)
def test_the_value_of_an_attribute_is_checked_as_any_body_is(us: Team, lead: str, body: str) -> None:
    for type_, value in (("object", {"a": 1}), ("text", "x")):
        made = done(us.alice, "POST", f"{lead}/attributes", {"name": type_, "type": type_, "value": value}, 201)
        path = f"{lead}/attributes/{made['id']}"
        answer = us.alice.put(path, content=body)
        assert (answer.status_code, "or the value as JSON" in answer.text) == (400, True), answer.text


def test_attributes_of_a_merge_are_added_and_overwritten_by_name(us: Team) -> None:
    def sent(**values: str) -> list[dict[str, str]]:
        return [{"name": name, "type": "text", "value": value} for name, value in values.items()]

    body = {"name": "Jane", "source": "s", "email": "jane@example.com"}
    done(us.alice, "POST", f"{P}/leads", {**body, "attributes": sent(a="1", b="2")}, 201)
    merged = done(us.alice, "POST", f"{P}/leads", {**body, "attributes": sent(b="3", c="4")})
    assert {each["name"]: each["value"] for each in merged["attributes"]} == {"a": "1", "b": "3", "c": "4"}


def test_a_batch_tells_of_each_lead_and_merges_within_itself(us: Team) -> None:
    leads = [
        {"name": "One", "source": "import", "email": "one@example.com"},
        {"name": "Without source"},
        {"name": "Again", "source": "import", "email": "ONE@example.com"},
        {"name": "Two", "source": "import", "email": "two@example.com", "attributes": [{"name": "x"}]},
        "nothing",
        {"name": "Three", "source": "import"},
    ]
    told = done(us.alice, "POST", f"{P}/leads/batch", {"leads": leads}, 207)
    assert (told["total"], told["success"], told["failed"]) == (6, 3, 3)
    assert [each["index"] for each in told["created"]] == [0, 2, 5]
    assert [each.get("duplicate", False) for each in told["created"]] == [False, True, False]
    assert told["created"][0]["id"] == told["created"][1]["id"]
    assert all(isinstance(each["created_at"], int) for each in told["created"])
    assert [each["index"] for each in told["errors"]] == [1, 3, 4]
    assert all(each["message"] for each in told["errors"])
    whole = done(us.alice, "POST", f"{P}/leads/batch", {"leads": [leads[0]]}, 201)
    assert (whole["created"][0]["duplicate"], whole["errors"]) == (True, [])
    none = done(us.alice, "POST", f"{P}/leads/batch", {"leads": [{}]}, 207)
    assert (none["created"], none["failed"]) == ([], 1)


def test_a_batch_changes_and_deletes_what_it_names(us: Team) -> None:
    own = [ids.of(new(us.alice, "/contacts", name=name), ids.LEAD) for name in ("One", "Two")]
    named = [*own, "cl_x"]
    told = done(us.alice, "PUT", f"{P}/leads/batch", {"ids": named, "data": {"city": "Bonn", "tags": ["seen"]}}, 207)
    assert [(each["index"], each["id"], each["success"]) for each in told["results"]] == [
        *((0, own[0], True), (1, own[1], True), (2, "cl_x", False))
    ]
    assert (told["total"], told["success"], told["failed"]) == (3, 2, 1)
    assert all(done(us.bob, "GET", f"{P}/leads/{id}")["city"] == "Bonn" for id in own)
    told = done(us.alice, "DELETE", f"{P}/leads/batch", {"ids": own})
    assert (told["success"], told["failed"]) == (2, 0)
    for id in own:
        done(us.bob, "GET", f"{P}/leads/{id}", status=404)


@pytest.mark.parametrize(
    ("method", "body"),
    [
        *(("POST", {}), ("POST", {"leads": []}), ("POST", {"leads": {}}), ("POST", {"leads": [{}] * 501})),
        *(("PUT", {"ids": ["x"]}), ("PUT", {"ids": ["x"], "data": {}}), ("PUT", {"ids": ["x"], "data": {"nope": 1}})),
        *(("PUT", {"ids": [1], "data": {"city": "x"}}), ("DELETE", {}), ("DELETE", {"ids": ["x"] * 501})),
    ],
)
def test_a_batch_that_is_none_is_refused_as_a_whole(us: Team, method: str, body: Any) -> None:
    assert done(us.alice, method, f"{P}/leads/batch", body, 400)["code"] == "bad_request"
    assert us.alice.get(f"{P}/leads").json()["count"] == 0


def test_a_batch_without_leads_is_told_whether_they_were_sent(us: Team) -> None:
    told = [done(us.alice, "POST", f"{P}/leads/batch", body, 400)["message"] for body in ({}, {"leads": []})]
    assert "leads is required" in told[0]
    assert "leads must be a list of 1 to 500" in told[1]


def test_the_id_of_an_attribute_is_a_uuid_made_of_its_contact_and_name() -> None:
    for name in ("industry", "Größe (m²)", ""):
        expected = str(uuid.uuid5(uuid.NAMESPACE_URL, f"crmkit:c_k7m2q9xa/{name}"))
        assert attribute.id_of("c_k7m2q9xa", name) == expected


def test_the_type_of_a_value_is_one_that_it_fits() -> None:
    for value in ("a", "", 1, -0.5, True, False, [], ["a"], {}, {"a": 1}):
        assert attribute.TYPES[attribute.type_of(value)](value)
    assert [attribute.type_of(value) for value in ([1], None)] == ["list", "text"]
