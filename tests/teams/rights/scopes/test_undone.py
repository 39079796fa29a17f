"""What a token of exact scopes may take back."""

from typing import Any

from tests.house import House, Person
from tests.teams.office import JSON, Team, error_of, new
from tests.teams.rights.scopes.narrow import CONTACTS, GONE, HIDDEN, NONE, missing, narrowed


def test_undo_needs_the_reverse_of_all_that_was_written(home: House, us: Team) -> None:
    def operation(person: Person, method: str, path: str, body: Any = None) -> str:
        answer = person.send_it(method, path, body, headers=JSON)
        if error_of(answer) == (409, "confirmation_required"):
            answer = person.send_it(method, f"{path}?confirm={answer.json()['confirm']}", body, headers=JSON)
        assert answer.is_success, answer.text
        return str(answer.json()["operation"])

    def needed(done: str, *words: str) -> list[str]:
        """Return what is missing of each of these tokens."""
        tries = (narrowed(home, us.alice, each).post(f"/undo/{done}?dry_run=1", headers=JSON) for each in words)
        return [missing(answer) for answer in tries]

    alice, writes, deletes = us.alice, "contacts.write", "contacts.delete"
    nested = {"company": {"name": "Acme"}, "activities": [{"body": "called"}]}
    made = operation(alice, "POST", "/contacts", {"name": "Ann", **nested})
    assert needed(made, deletes, f"{deletes} companies.delete", "activities.delete *.write", "*.delete") == [
        "activities.delete",
        "activities.delete",
        "companies.delete",
        "",
    ]
    id = new(alice, "/contacts", name="Bea")
    assert needed(operation(alice, "PATCH", f"/contacts/{id}", {"name": "Bee"}), deletes, writes) == [writes, ""]
    other = new(alice, "/contacts", name="Bibi")
    merged = operation(alice, "POST", f"/contacts/{id}/merge", {"from": other})
    assert needed(merged, writes, deletes, f"{writes} {deletes}") == [deletes, writes, ""]
    gone = operation(alice, "DELETE", f"/contacts/{id}")
    assert needed(gone, deletes, writes, "write") == [writes, "", ""]
    fair, who = new(alice, "/campaigns", name="Fair"), new(alice, "/contacts", name="Cy")
    joined = operation(alice, "POST", f"/campaigns/{fair}/members", {"id": who})
    assert needed(joined, writes, "campaigns.delete") == ["campaigns.delete", ""]
    stages = operation(alice, "PUT", "/pipelines/deals", {"stages": [{"name": "new"}]})
    assert needed(stages, "write", "workspace.write") == ["workspace.write", ""]
    kept = operation(alice, "POST", "/views", {"name": "all", "path": "/contacts"})
    assert needed(kept, writes, "write") == ["write", ""]
    two = [new(alice, "/contacts", name="Dee"), new(alice, "/contacts", name="Dee")]
    said = operation(alice, "POST", "/duplicates/dismiss", {"a": two[0], "b": two[1]})
    assert needed(said, deletes, writes) == [writes, ""]
    undone = operation(alice, "POST", f"/undo/{said}")
    assert needed(undone, deletes, writes) == [writes, ""]


def test_nothing_is_told_of_an_operation_that_may_not_be_undone(home: House, us: Team) -> None:
    answer = us.alice.post("/deals", json={"title": HIDDEN}, headers=JSON).json()
    assert us.alice.patch(f"/deals/{answer['id']}", json={"title": f"{HIDDEN} 2"}).is_success
    clerk = narrowed(home, us.alice, "contacts.write contacts.delete")
    refused = clerk.post(f"/undo/{answer['operation']}", headers=JSON)
    assert missing(refused) == "deals.delete"
    assert answer["id"] not in refused.text
    assert HIDDEN not in refused.text
    assert us.alice.json_of("GET", f"/deals/{answer['id']}")["version"] == 2
    assert missing(clerk.post("/undo/op_nothing", headers=JSON)) == GONE
    assert missing(narrowed(home, us.alice, CONTACTS).post("/undo/op_nothing", headers=JSON)) == NONE


def test_a_conflict_tells_no_value_of_a_kind_that_the_token_may_not_read(home: House, us: Team) -> None:
    id = new(us.alice, "/contacts", name="Ann", email="ann@acme.com", custom={"size": HIDDEN})
    stages = {"stages": [{"name": HIDDEN}]}
    done = [
        us.alice.patch(f"/contacts/{id}", json={"notes": HIDDEN, "custom": {"size": f"{HIDDEN} 2"}}, headers=JSON),
        us.alice.post("/contacts", json={"name": HIDDEN}, headers=JSON),
        us.alice.put("/pipelines/deals", json=stages, headers=JSON),
    ]
    us.alice.patch(f"/contacts/{id}", json={"notes": f"{HIDDEN} 3", "custom": {"size": f"{HIDDEN} 4"}})
    us.alice.patch(f"/contacts/{done[1].json()['id']}", json={"name": f"{HIDDEN} 5"})
    us.alice.put("/pipelines/deals", json={"stages": [{"name": f"{HIDDEN}-6"}]})
    words = "contacts.write contacts.delete workspace.write"
    clerk, reader = narrowed(home, us.alice, words), narrowed(home, us.alice, f"{words} *.read")
    for each in done:
        path = f"/undo/{each.json()['operation']}"
        told, shown = clerk.post(path, headers=JSON), reader.post(path, headers=JSON)
        assert error_of(told) == error_of(shown) == (409, "undo_conflict")
        assert told.json()["fields"].keys() == shown.json()["fields"].keys()
        assert set(told.json()["fields"].values()) == {"is not what the operation wrote"}
        assert HIDDEN not in told.text
        assert HIDDEN in shown.text
