"""POST /undo takes an operation back, or tells what stands against it and changes nothing."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit import ids
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit
from tests.core.crowd import Call, at_once, statuses
from tests.core.undo.contents import newest, rows
from tests.house import House, Person, house
from tests.teams.office import working_in


@pytest.fixture
def home(tmp_path: Path) -> Iterator[House]:
    with house(tmp_path / "data", {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "0"}) as running:
        yield running


@pytest.fixture
def alice(home: House) -> Iterator[Person]:
    with home.sign_in("alice@example.com") as person:
        yield person


def made(person: Person, path: str, **body: Any) -> Any:
    answer = person.post(path, json=body, headers={"Accept": "application/json"})
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def changed(person: Person, path: str, **body: Any) -> None:
    assert person.patch(path, json=body).status_code == 200


def erased(person: Person, path: str) -> None:
    confirm = person.json_of("DELETE", path)["confirm"]
    assert person.delete(f"{path}?confirm={confirm}").status_code == 200


def settled(home: House) -> None:
    """Return once no job is left to do."""

    def left(connection: Any) -> int:
        (number,) = connection.execute("SELECT count(*) FROM jobs WHERE due_at IS NOT NULL").fetchone()
        return int(number)

    for _ in range(2000):
        if not home.do(home.crm.database.read(None, left)):
            return
        time.sleep(0.005)
    raise AssertionError("a job does not end")


def refused(home: House, person: Person, operation: str, code: str = "undo_conflict", status: int = 409) -> Any:
    """Return the answer to an undo that is refused and changes nothing."""
    before = home.do(home.crm.database.read(None, rows))
    answer = person.post(f"/undo/{operation}", headers={"Accept": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == code
    assert home.do(home.crm.database.read(None, rows)) == before
    return answer.json()


def test_who_asks_for_a_deleted_record_is_told_how_the_delete_is_taken_back(alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane")["id"]
    erased(alice, f"/contacts/{jane}")
    told = alice.get(f"/contacts/{jane}")
    assert told.status_code == 404
    undo = told.text.partition("POST ")[2].partition(" ")[0]
    assert alice.post(undo).status_code == 200
    assert alice.get(f"/contacts/{jane}").status_code == 200


def test_a_change_is_taken_back_and_the_answer_says_how_many_records_that_wrote(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane", stage="lead", custom={"a": 1, "b": 2})
    changed(alice, f"/contacts/{jane['id']}", stage="customer", notes="x", custom={"a": 5, "c": 3})
    operation = newest(home, alice)
    changed(alice, f"/contacts/{jane['id']}", job_title="boss", custom={"d": 4})
    undone = alice.text("POST", f"/undo/{operation}")
    assert undone == f"OK undone {operation} (1 record)\n# undo: POST /undo/{newest(home, alice)}\n"
    found = alice.json_of("GET", f"/contacts/{jane['id']}")
    assert (found["stage"], found["notes"], found["job_title"]) == ("lead", None, "boss")
    assert found["custom"] == {"a": 1, "b": 2, "d": 4}
    assert found["version"] == 4


def test_a_delete_is_taken_back_with_all_that_went_along(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane", email="jane@acme.com")["id"]
    deal = made(alice, "/deals", title="Boat", contact_id=jane)["id"]
    campaign = made(alice, "/campaigns", name="Spring")["id"]
    made(alice, f"/campaigns/{campaign}/members", id=jane, reason="wool")
    made(alice, "/conversions", contact_id=jane, platform="meta")
    note = made(alice, f"/contacts/{jane}/activities", body="called", kind="call")["id"]
    made(alice, f"/deals/{deal}/activities", body="on the deal")
    before = alice.json_of("GET", f"/contacts/{jane}")
    erased(alice, f"/contacts/{jane}")
    operation = newest(home, alice)
    answer = alice.json_of("POST", f"/undo/{operation}")
    assert {name: answer[name] for name in ("ok", "message", "count")} == {
        "ok": True,
        "message": f"undone {operation} (6 records)",
        "count": 6,
    }
    after = alice.json_of("GET", f"/contacts/{jane}")
    assert after.pop("version") == before.pop("version") + 1
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}
    assert alice.json_of("GET", f"/deals/{deal}")["contact_name"] == "Jane"
    assert alice.json_of("GET", f"/campaigns/{campaign}")["members"] == 1
    assert alice.json_of("GET", f"/activities/{note}")["body"] == "called"
    assert alice.json_of("GET", f"/contacts/{jane}/activities")["total"] == 2


def test_a_nested_create_goes_and_what_it_merged_into_stays(home: House, alice: Person) -> None:
    acme = made(alice, "/companies", name="Acme", domain="acme.com")
    body = {"company": {"name": "ACME", "domain": "acme.com"}, "activities": [{"body": "hi"}, {"body": "there"}]}
    jane = made(alice, "/contacts", name="Jane", **body)["id"]
    assert "(4 records)" in alice.text("POST", f"/undo/{newest(home, alice)}")
    assert alice.get(f"/contacts/{jane}").status_code == 404
    assert alice.json_of("GET", f"/companies/{acme['id']}")["name"] == "Acme"
    assert alice.json_of("GET", "/activities")["total"] == 0


def test_what_differs_now_is_named_and_nothing_happens(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane", stage="lead", custom={"size": 1})["id"]
    changed(alice, f"/contacts/{jane}", stage="customer", notes="x", custom={"size": 2})
    operation = newest(home, alice)
    changed(alice, f"/contacts/{jane}", stage="old customer", custom={"size": 3})
    found = refused(home, alice, operation)
    assert found["fields"] == {
        f"contact/{jane}.stage": 'is "old customer" now; the operation wrote customer',
        f"contact/{jane}.custom.size": "is 3 now; the operation wrote 2",
    }
    line = f'FIELD contact/{jane}.stage  is "old customer" now; the operation wrote customer'
    assert line in alice.text("POST", f"/undo/{operation}").splitlines()


def test_a_new_record_that_was_changed_since_stays(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane")["id"]
    operation = newest(home, alice)
    changed(alice, f"/contacts/{jane}", job_title="boss")
    found = refused(home, alice, operation)
    assert found["fields"] == {f"contact/{jane}.job_title": "is boss now; the operation wrote nothing"}


def test_a_record_deleted_since_is_a_conflict(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane")["id"]
    create = newest(home, alice)
    changed(alice, f"/contacts/{jane}", stage="lead")
    change = newest(home, alice)
    erased(alice, f"/contacts/{jane}")
    gone = newest(home, alice)
    for operation in (create, change):
        assert refused(home, alice, operation)["fields"] == {
            f"contact/{jane}": f"was deleted at 2026-06-10T09:00:00Z: POST /undo/{gone} first"
        }


def test_a_delete_of_a_record_whose_company_was_deleted_since_names_what_to_undo_first(
    home: House, alice: Person
) -> None:
    acme = made(alice, "/companies", name="Acme")["id"]
    jane = made(alice, "/contacts", name="Jane", company_id=acme)["id"]
    erased(alice, f"/contacts/{jane}")
    of_jane = newest(home, alice)
    erased(alice, f"/companies/{acme}")
    of_acme = newest(home, alice)
    what = f"leads to company/{acme}, which was deleted at 2026-06-10T09:00:00Z: POST /undo/{of_acme} first"
    assert refused(home, alice, of_jane)["fields"] == {f"contact/{jane}.company_id": what}
    for operation in (of_acme, of_jane):
        alice.json_of("POST", f"/undo/{operation}")
    assert alice.json_of("GET", f"/contacts/{jane}")["company_id"] == acme


@pytest.mark.parametrize(
    ("path", "body", "link"),
    [
        ("/deals", {"title": "Boat", "contact_id": "{}"}, "deal/{}.contact_id"),
        ("/tasks", {"title": "Call", "contact_id": "{}"}, "task/{}.contact_id"),
        ("/contacts/{}/activities", {"body": "hi"}, "activity/{}.contact_id"),
        ("/campaigns/{ca}/members", {"id": "{}"}, "membership/"),
    ],
)
def test_a_link_that_others_made_to_a_record_that_would_go_is_a_conflict(
    home: House, alice: Person, path: str, body: dict[str, str], link: str
) -> None:
    campaign = made(alice, "/campaigns", name="Spring")["id"]
    jane = made(alice, "/contacts", name="Jane")["id"]
    operation = newest(home, alice)
    sent = {name: value.replace("{}", jane) for name, value in body.items()}
    id = made(alice, path.replace("{}", jane).replace("{ca}", campaign), **sent)["id"]
    ((name, what),) = refused(home, alice, operation)["fields"].items()
    assert name.startswith(link.replace("{}", id))
    assert what == f"leads to contact/{jane}, which would go"


def test_a_unique_value_taken_since_is_a_conflict(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane", email="jane@acme.com", code="J1")["id"]
    made(alice, f"/contacts/{jane}/activities", body="hi", source_id="mail-1")
    erased(alice, f"/contacts/{jane}")
    operation = newest(home, alice)
    bob = made(alice, "/contacts", name="Bob", email="jane@acme.com", code="J1")["id"]
    mail = made(alice, f"/contacts/{bob}/activities", body="hi", source_id="mail-1")["id"]
    fields = refused(home, alice, operation)["fields"]
    assert [fields[f"contact/{jane}.{name}"] for name in ("email", "code")] == [f"belongs to contact/{bob} now"] * 2
    assert f"belongs to activity/{mail} now" in fields.values()


def test_an_operation_is_undone_once_and_the_undo_can_be_undone(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane")["id"]
    create = newest(home, alice)
    alice.post(f"/undo/{create}")
    undo = newest(home, alice)
    assert refused(home, alice, create)["hint"] == f"{create} was undone by {undo}. POST /undo/{undo} does it again."
    assert alice.post(f"/undo/{undo}").status_code == 200
    redo = newest(home, alice)
    assert alice.json_of("GET", f"/contacts/{jane}")["name"] == "Jane"
    assert refused(home, alice, create)["hint"] == (
        f"{create} was undone by {undo} and that by {redo}. POST /undo/{redo} takes it back again."
    )
    assert alice.post(f"/undo/{redo}").status_code == 200
    assert alice.get(f"/contacts/{jane}").status_code == 404


def test_a_finished_task_opens_again_and_the_next_of_its_series_goes(home: House, alice: Person) -> None:
    task = made(alice, "/tasks", title="Call", due_at="2026-06-10", repeat="daily")["id"]
    changed(alice, f"/tasks/{task}", done=True)
    operation = newest(home, alice)
    assert alice.json_of("GET", "/tasks")["total"] == 2
    assert "(2 records)" in alice.text("POST", f"/undo/{operation}")
    (left,) = alice.json_of("GET", "/tasks")["items"]
    assert (left["id"], left["done"]) == (task, False)
    changed(alice, f"/tasks/{task}", done=True)
    again = newest(home, alice)
    following = next(each["id"] for each in alice.json_of("GET", "/tasks")["items"] if each["id"] != task)
    changed(alice, f"/tasks/{following}", done=True)
    assert f"task/{following}.done" in refused(home, alice, again)["fields"]


def test_fields_and_pipelines_are_taken_back_by_admins_alone(home: House, alice: Person) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    alice.post(f"/workspaces/{place}/invites", json={"email": "bob@example.com"})
    operations = []
    field = made(alice, "/fields", kind="contact", key="size", type="number")["id"]
    settled(home)
    operations.append(newest(home, alice))
    assert alice.put("/pipelines/deals", json={"stages": [{"name": "new"}]}).status_code == 200
    operations.append(newest(home, alice))
    second = {"stages": [{"name": "new"}, {"name": "won", "means": "won"}], "strict": True}
    assert alice.put("/pipelines/deals", json=second).status_code == 200
    operations.append(newest(home, alice))
    with home.sign_in("bob@example.com") as bob:
        member = working_in(bob, place)
        for operation in operations:
            refused(home, member, operation, "admin_required", 403)
    assert refused(home, alice, operations[1])["fields"].keys() == {"pipeline/deals.stages", "pipeline/deals.strict"}
    assert alice.post(f"/undo/{operations[2]}").status_code == 200
    shown = alice.json_of("GET", "/pipelines/deals")
    assert (shown["stages"], shown["strict"]) == ([{"name": "new"}], False)
    assert alice.post(f"/undo/{operations[1]}").status_code == 200
    assert "no pipeline was put yet" in alice.text("GET", "/pipelines/deals")
    assert alice.delete(f"/fields/{field}").status_code == 200
    removal = newest(home, alice)
    made(alice, "/fields", kind="contact", key="size", type="text")
    settled(home)
    assert refused(home, alice, removal)["fields"].keys() == {f"field/{field}.key"}
    assert alice.post(f"/undo/{newest(home, alice)}").status_code == 200
    assert alice.post(f"/undo/{removal}").status_code == 200
    assert alice.json_of("GET", f"/fields/{field}")["type"] == "number"
    jane = made(alice, "/contacts", name="Jane", custom={"size": 5})["id"]
    assert alice.patch(f"/contacts/{jane}", json={"custom": {"size": "x"}}).status_code == 400


def test_what_people_have_cannot_be_undone(home: House, alice: Person) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    assert alice.patch(f"/workspaces/{place}", json={"name": "Other"}).status_code == 200
    found = refused(home, alice, newest(home, alice))
    assert found["fields"] == {f"workspace/{place}": "workspace.update cannot be undone"}


def test_an_operation_that_never_was_is_not_found(home: House, alice: Person) -> None:
    made(alice, "/contacts", name="Jane", activities=[{"body": "hi"}])
    place = alice.json_of("GET", "/whoami")["workspace"]
    last = f"SELECT max(seq) FROM audit WHERE workspace_id = '{place}'"
    (seq,) = home.do(home.crm.database.read(None, lambda c: c.execute(last).fetchone()))
    for operation in (ids.mint("op"), audit.operation_id(place, seq), audit.operation_id(place, seq + 1)):
        refused(home, alice, operation, "not_found", 404)
    with home.sign_in("charlie@example.com") as charlie:
        made(charlie, "/contacts", name="Charlie's")
        refused(home, charlie, newest(home, alice), "not_found", 404)
    for text in ("op_k7m2q9xx", "c_k7m2q9xa", "nonsense"):
        refused(home, alice, text, "not_found", 404)


def test_an_operation_has_the_same_id_whatever_number_its_workspace_has() -> None:
    id = ids.mint("ws")
    here, there = Workspace(id, 1), Workspace(id, 200)
    operation = audit.operation_id(id, here.first + 17)
    assert audit.operation_id(id, there.first + 17) == operation
    assert audit.first_entry(here, operation) == here.first + 17
    assert audit.first_entry(there, operation) == there.first + 17


def test_the_id_of_an_operation_names_none_in_another_workspace() -> None:
    here, there = Workspace("ws_aaaaaaab", 1), Workspace("ws_k7m2q9xa", 1)
    operation = audit.operation_id(here.id, here.first + 17)
    assert abs(audit.first_entry(there, operation) - there.first) > 10**9


def test_an_entry_without_a_version_is_not_taken_back(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane")["id"]
    operation = newest(home, alice)
    place = alice.json_of("GET", "/whoami")["workspace"]

    def forget(tx: Tx) -> None:
        tx.connection.execute("UPDATE audit SET version = NULL WHERE workspace_id = ?", (place,))

    home.do(home.crm.database.write(forget, lanes=[place]))
    what = "was written before the log held what an undo needs"
    assert refused(home, alice, operation)["fields"] == {f"contact/{jane}": what}


def test_a_cap_of_the_plan_refuses_an_undo_that_would_pass_it(tmp_path: Path) -> None:
    config = tmp_path / "crmkit.toml"
    config.write_text('[plans]\ndefault = "small"\n[plans.small]\ncontacts = 2\n[limits]\nrequests_per_minute = 0\n')
    with house(tmp_path / "small", file=config) as home, home.sign_in("alice@example.com") as alice:
        jane = made(alice, "/contacts", name="Jane")["id"]
        made(alice, "/contacts", name="Bob")
        erased(alice, f"/contacts/{jane}")
        removal = newest(home, alice)
        made(alice, "/contacts", name="Charlie")
        third = newest(home, alice)
        found = refused(home, alice, removal, "plan_limit_reached", 403)
        assert (found["resource"], found["cap"], found["used"]) == ("contacts", 2, 2)
        assert alice.post(f"/undo/{third}").status_code == 200
        assert alice.post(f"/undo/{removal}").status_code == 200


@pytest.mark.slow
def test_of_many_undos_of_one_operation_at_once_one_is_done(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane")["id"]
    operation = newest(home, alice)
    answers = at_once(home.url, [Call("POST", f"/undo/{operation}", {})] * 20, alice.token)
    assert statuses(answers) == {200: 1, 409: 19}
    assert alice.get(f"/contacts/{jane}").status_code == 404
    assert alice.json_of("GET", "/audit?action=contact.delete")["total"] == 1


def test_an_undo_stands_in_the_audit_log_before_what_it_changes(home: House, alice: Person) -> None:
    jane = made(alice, "/contacts", name="Jane")["id"]
    operation = newest(home, alice)
    alice.post(f"/undo/{operation}")
    told = [(each["action"], each["target"]) for each in alice.json_of("GET", "/audit?limit=2")["items"]]
    assert told == [("contact.delete", f"contact/{jane}"), ("operation.undo", f"operation/{operation}")]
    assert alice.json_of("GET", f"/audit?target={operation}")["total"] == 1
