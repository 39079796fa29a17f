"""What a token of exact scopes may take back."""

from typing import Any

from tests.house import House, Person
from tests.teams.office import JSON, Team, error_of, new
from tests.teams.rights.narrow import CONTACTS, GONE, HIDDEN, NONE, missing, narrowed


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
