"""POST /import plans what a file becomes; a job writes it, under one operation that one undo takes back."""

import asyncio
import csv
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkit.core.call import Call
from crmkit.core.transfer.imports import dry_run, rows, verbs
from crmkit.errors import Problem
from tests.core.jobs.kinds import actor_of
from tests.house import ALICE, BOB, UNLIMITED, House, Person, house

HEAD = ("name", "email", "stage", "city")
JANE = ("Jane Doe", "jane@acme.example", "lead", "Berlin")


def file(*rows: Sequence[str], head: Sequence[str] = HEAD) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([head, *rows])
    return text.getvalue()


def many(count: int, start: int = 0) -> str:
    return file(*((f"Jane {n}", f"jane{n}@acme.example", "lead", "Berlin") for n in range(start, start + count)))


def planned(person: Person, content: str, query: str = "") -> Any:
    answer = person.json_of("POST", f"/import?{query}", content)
    assert answer.get("state") in ("planned", "running"), answer
    return answer


def ended(person: Person, id: str) -> Any:
    """Return an import once it has ended."""
    deadline = time.monotonic() + 60
    while (found := person.json_of("GET", f"/imports/{id}"))["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def imported(person: Person, content: str, query: str = "") -> Any:
    """Return an import that was started at once, once it has ended."""
    return ended(person, planned(person, content, f"{query}&start=1")["id"])


def counts(found: Any) -> tuple[int, int, int, int]:
    return found["rows"], found["creates"], found["updates"], found["refused"]


def names(person: Person, path: str = "/contacts") -> list[str]:
    return sorted(item["name"] for item in person.json_of("GET", f"{path}?limit=200")["items"])


def error(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.text.splitlines()[0].removeprefix("ERROR ")


def files(home: House) -> list[Path]:
    return list((home.folder / "uploads").glob("*"))


def test_a_file_is_planned_and_nothing_is_written(home: House, alice: Person) -> None:
    alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.example"})
    content = file(JANE, ("Bob", "bob@acme.example", "", ""), ("Eve", "no address", "", ""))
    answer = alice.post("/import?kind=contacts", content=content)
    assert answer.status_code == 201
    head, *rest = answer.text.splitlines()
    id = head.split("  ")[0].removeprefix("import/")
    assert head == f"import/{id}  state=planned  rows=3  creates=1  updates=1  refused=1"
    assert rest[:4] == [f"column/{at}  title={name}  field={name}" for at, name in enumerate(HEAD, 1)]
    assert rest[4].startswith('row/4  error=invalid_value  field.email="')
    assert rest[-1] == f"# next: POST /imports/{id}/start"
    assert names(alice) == ["Jane"]
    assert [oct(path.stat().st_mode & 0o777) for path in files(home)] == ["0o600"]


def test_the_json_of_an_import_has_what_its_text_tells(alice: Person) -> None:
    found = planned(alice, file(JANE, ("Eve", "no address", "", "")))
    id = found["id"]
    fields = found["refused_rows"][0].pop("fields")
    assert found == {
        **{"id": id, "handle": f"import/{id}", "state": "planned"},
        **{"rows": 2, "creates": 1, "updates": 0, "refused": 1, "done": 0, "operation": None},
        "columns": [{"column": at, "title": name, "field": name} for at, name in enumerate(HEAD, 1)],
        "refused_rows": [{"row": 3, "error": "invalid_value"}],
        "next": f"POST /imports/{id}/start",
    }
    assert fields.keys() == {"email"}
    assert alice.json_of("GET", f"/imports/{id}")["refused_rows"][0]["fields"] == fields


def test_a_started_import_writes_its_rows_under_one_operation_which_one_undo_takes_back(
    home: House, alice: Person
) -> None:
    id = planned(alice, file(JANE, ("Bob", "bob@acme.example", "", ""), ("", " JANE@acme.example", "", "Paris")))["id"]
    started = alice.post(f"/imports/{id}/start")
    assert (started.status_code, started.text.split("  ")[1]) == (202, "state=running")
    found = ended(alice, id)
    assert (found["state"], found["done"], *counts(found)) == ("done", 3, 3, 2, 1, 0)
    jane = alice.json_of("GET", "/contacts?email=jane@acme.example")["items"][0]
    assert (jane["name"], jane["city"], jane["version"]) == ("Jane Doe", "Paris", 2)
    sql = "SELECT count(*), count(DISTINCT coalesce(op, seq)) FROM audit WHERE action LIKE 'contact.%'"
    assert home.do(home.crm.database.read(None, lambda connection: connection.execute(sql).fetchone())) == (3, 1)
    assert f"# undo: POST /undo/{found['operation']}" in alice.get(f"/imports/{id}").text.splitlines()
    assert alice.post(f"/undo/{found['operation']}").status_code == 200
    assert names(alice) == []
    assert files(home) == []


def test_start_with_the_first_call_runs_it_at_once(alice: Person) -> None:
    answer = alice.post("/import?start=1", content=file(JANE), headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["state"]) == (201, "running")
    assert counts(ended(alice, answer.json()["id"])) == (1, 1, 0, 0)


def test_what_became_of_the_rows_is_what_was_expected(alice: Person) -> None:
    """A row finds what one before it made, also one of another transaction."""
    some = [(f"Jane {n}", f"jane{n % 70}@acme.example", "", "") for n in range(150)]
    nameless = [("", f"jane{n}@acme.example", "", "Paris") for n in range(3)]
    wrong = [("", "", "", "Rome"), ("Eve", "nonsense", "", "")]
    for mode, expected in (("merge", (70, 83, 2)), ("create", (70, 0, 85)), ("update", (0, 0, 155))):
        plan = planned(alice, file(*some, *nameless, *wrong), f"mode={mode}")
        assert counts(plan) == (155, *expected), mode
        done = ended(alice, alice.json_of("POST", f"/imports/{plan['id']}/start")["id"])
        assert counts(done) == counts(plan), mode
        if done["operation"]:
            assert alice.post(f"/undo/{done['operation']}").status_code == 200


def test_a_mode_refuses_what_it_does_not_do(alice: Person) -> None:
    alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.example"})
    content = file(JANE, ("Bob", "bob@acme.example", "", ""))
    (row,) = imported(alice, content, "mode=update")["refused_rows"]
    assert (row["row"], row["error"]) == (3, "not_found")
    (row,) = imported(alice, content, "mode=create")["refused_rows"]
    assert (row["row"], row["error"]) == (2, "duplicate")
    assert names(alice) == ["Bob", "Jane Doe"]


def test_a_plan_names_no_record_that_only_its_trial_made(alice: Person) -> None:
    (row,) = planned(alice, file(JANE, JANE), "mode=create")["refused_rows"]
    assert (row["row"], row["error"]) == (3, "duplicate")
    assert "contact/" not in str(row)


def test_refused_rows_are_answered_as_csv_under_their_own_titles(alice: Person) -> None:
    content = file(JANE, ("Eve", 'no "address', "", "a, b"), ("Mallory", "x@", "", "line\nbreak"))
    id = imported(alice, content)["id"]
    answer = alice.get(f"/imports/{id}?format=csv")
    assert answer.headers["content-type"].startswith("text/csv; charset=utf-8")
    head, *rows = csv.reader(io.StringIO(answer.text))
    assert head == ["row", "error", *HEAD]
    assert [(row[0], *row[2:]) for row in rows] == [
        ("3", "Eve", 'no "address', "", "a, b"),
        ("4", "Mallory", "x@", "", "line\nbreak"),
    ]
    assert all(row[1].startswith("invalid_value: email ") for row in rows)


def test_the_plan_is_changed_by_the_names_of_the_query(alice: Person) -> None:
    alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.example"})
    id = planned(alice, file(JANE, ("Bob", "bob@acme.example", "", "")))["id"]
    changed = alice.json_of("PATCH", f"/imports/{id}", {"map.city": "", "map.stage": "custom.phase", "mode": "update"})
    assert [column["field"] for column in changed["columns"]] == ["name", "email", "custom.phase", None]
    assert alice.text("GET", f"/imports/{id}").splitlines()[3:5] == [
        "column/3  title=stage  field=custom.phase",
        "column/4  title=city",
    ]
    assert counts(changed) == (2, 0, 1, 1)
    alice.json_of("POST", f"/imports/{id}/start")
    assert counts(ended(alice, id)) == (2, 0, 1, 1)
    jane = alice.json_of("GET", "/contacts?email=jane@acme.example")["items"][0]
    assert (jane["name"], jane["city"], jane["custom"]) == ("Jane Doe", None, {"phase": "lead"})


@pytest.mark.parametrize(
    ("query", "name"),
    [("mode=creat", "mode"), ("unknown=drop", "unknown"), ("dates=xyz", "dates"), ("kind=widgets", "kind")],
)
def test_an_option_that_is_none_is_refused_by_its_name(alice: Person, query: str, name: str) -> None:
    answer = alice.post(f"/import?{query}", content=file(JANE), headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_value")
    assert answer.json()["fields"].keys() == {name}
    assert alice.json_of("GET", "/imports")["items"] == []


def test_a_parameter_that_is_no_option_is_refused(alice: Person) -> None:
    assert error(alice.post("/import?knid=contacts", content=file(JANE))) == (400, "invalid_filter")
    id = planned(alice, file(JANE))["id"]
    assert error(alice.patch(f"/imports/{id}", json={"sort": "name"})) == (400, "unknown_field")
    assert error(alice.patch(f"/imports/{id}", json={"mode": 3})) == (400, "invalid_value")


def test_options_may_stand_beside_the_file_in_a_form(alice: Person) -> None:
    content = file(("Acme", "acme.example"), head=("name", "domain"))
    answer = alice.post("/import", files={"file": ("acme.csv", content)}, data={"kind": "company", "start": "1"})
    assert answer.status_code == 201, answer.text
    (listed,) = alice.json_of("GET", "/imports")["items"]
    assert (listed["name"], listed["kind"], listed["by"]) == ("acme.csv", "companies", ALICE)
    ended(alice, listed["id"])
    assert names(alice, "/companies") == ["Acme"]


@pytest.mark.parametrize("query", ["", "?start=1", "?start=true"])
@pytest.mark.parametrize("field", ["1", "True"])
def test_start_may_stand_in_the_query_and_in_the_form(alice: Person, query: str, field: str) -> None:
    answer = alice.post(f"/import{query}", files={"file": ("a.csv", file(JANE))}, data={"start": field})
    assert (answer.status_code, answer.text.split("  ")[1]) == (201, "state=running")
    ended(alice, answer.text.split("  ")[0].removeprefix("import/"))


@pytest.mark.parametrize(("query", "field"), [("", "yes"), ("?start=yes", "1"), ("?start=yes", "")])
def test_a_start_that_is_no_flag_is_refused(alice: Person, query: str, field: str) -> None:
    answer = alice.post(f"/import{query}", files={"file": ("a.csv", file(JANE))}, data={"start": field})
    assert error(answer) == (400, "invalid_value")
    assert "FIELD start" in answer.text
    assert alice.json_of("GET", "/imports")["items"] == []


def test_a_dry_run_keeps_neither_plan_nor_file(home: House, alice: Person) -> None:
    answer = alice.post("/import?dry_run=1", content=file(JANE), headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["id"], answer.json()["dry_run"]) == (201, None, True)
    assert "next" not in answer.json()
    assert "# next" not in alice.post("/import?dry_run=1", content=file(JANE)).text
    assert counts(answer.json()) == (1, 1, 0, 0)
    assert alice.json_of("GET", "/imports")["items"] == []
    assert files(home) == []


def test_an_import_that_has_ended_is_neither_changed_nor_started_again(alice: Person) -> None:
    id = imported(alice, file(JANE))["id"]
    for method, path, body in (("PATCH", f"/imports/{id}", {"mode": "update"}), ("POST", f"/imports/{id}/start", None)):
        assert error(alice.send_it(method, path, body)) == (400, "invalid_value")
    assert alice.delete(f"/imports/{id}").status_code == 200
    assert ended(alice, id)["state"] == "done"


def test_a_plan_that_is_stopped_is_gone_with_its_file(home: House, alice: Person) -> None:
    id = planned(alice, file(JANE))["id"]
    answer = alice.delete(f"/imports/{id}")
    assert (answer.status_code, answer.text.split("  ")[1]) == (200, "state=stopped")
    assert files(home) == []
    assert counts(alice.json_of("GET", f"/imports/{id}")) == (1, 0, 0, 0)
    assert error(alice.post(f"/imports/{id}/start")) == (400, "invalid_value")


def test_an_import_that_is_stopped_keeps_what_it_wrote(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "TOGETHER", 2)
    monkeypatch.setattr(rows, "IN_PEACE", 2)
    id = planned(alice, many(600), "start=1")["id"]
    while not alice.json_of("GET", f"/imports/{id}")["done"]:
        time.sleep(0.005)
    stopped = alice.json_of("DELETE", f"/imports/{id}")
    assert stopped["state"] == "stopped"
    assert 0 < stopped["creates"] == stopped["done"] < 600
    assert alice.json_of("GET", "/contacts?limit=1")["total"] == stopped["done"]
    assert alice.json_of("GET", f"/imports/{id}") | {"next": ""} == stopped | {"next": ""}
    assert alice.post(f"/undo/{stopped['operation']}").status_code == 200
    assert names(alice) == []


def test_a_cap_ends_an_import_and_what_was_done_is_told(tmp_path: Path) -> None:
    more = tmp_path / "crmkit.toml"
    more.write_text('[plans]\ndefault = "small"\n[plans.small]\ncontacts = 60\n')
    with house(tmp_path / "data", UNLIMITED, file=more) as home, home.sign_in(ALICE) as alice:
        alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane0@acme.example"})
        plan = planned(alice, many(100))
        assert counts(plan) == (100, 99, 1, 0)
        alice.json_of("POST", f"/imports/{plan['id']}/start")
        found = ended(alice, plan["id"])
        assert (found["state"], found["error"], found["done"]) == ("stopped", "plan_limit_reached", 60)
        assert counts(found) == (100, 59, 1, 0)
        assert alice.json_of("GET", "/contacts?limit=1")["total"] == 60
        assert alice.post(f"/undo/{found['operation']}").status_code == 200
        assert names(alice) == ["Jane"]


def test_a_plan_tells_that_a_cap_ends_it(tmp_path: Path) -> None:
    more = tmp_path / "crmkit.toml"
    more.write_text('[plans]\ndefault = "small"\n[plans.small]\ncontacts = 0\n')
    with house(tmp_path / "data", UNLIMITED, file=more) as home, home.sign_in(ALICE) as alice:
        assert planned(alice, file(JANE))["notes"] == [
            "the plan small allows 0 contacts and 0 are used: the import stops there"
        ]


def test_times_without_an_offset_are_those_of_the_zone_that_is_asked_for(alice: Person) -> None:
    content = file(("Jane", "2026-03-02 09:11"), head=("name", "follow_up_at"))
    for zone, time_ in (("Asia/Tokyo", "2026-03-02T00:11:00Z"), ("UTC", "2026-03-02T09:11:00Z")):
        found = imported(alice, content, f"timezone={zone}")
        assert alice.json_of("GET", "/contacts")["items"][0]["follow_up_at"] == time_
        alice.post(f"/undo/{found['operation']}")


def test_of_two_changes_at_once_one_is_made_and_the_other_told(home: House, alice: Person) -> None:
    id, actor = planned(alice, file(JANE))["id"], actor_of(home, alice)

    async def both() -> list[Any]:
        changes: list[dict[str, str]] = [{"map.city": ""}, {"map.stage": ""}]
        calls = [verbs.change(Call(home.crm, actor), id, sent) for sent in changes]
        return await asyncio.gather(*calls, return_exceptions=True)

    (failed,) = [each for each in home.do(both()) if isinstance(each, Problem)]
    assert failed.code == "in_progress"
    assert alice.patch(f"/imports/{id}", json={"map.city": "", "map.stage": ""}).status_code == 200


def test_a_long_file_is_planned_as_far_as_a_client_waits(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "MOST_SECONDS", 0)
    found = planned(alice, many(10))
    assert counts(found) == (10, 0, 0, 0)
    assert found["notes"] == ["the first 0 of 10 rows were tried"]


def test_a_header_alone_is_a_plan_without_rows(alice: Person) -> None:
    assert counts(planned(alice, file())) == (0, 0, 0, 0)
    assert counts(imported(alice, file())) == (0, 0, 0, 0)


def test_the_same_request_under_a_key_plans_once(home: House, alice: Person) -> None:
    first, again = (alice.post("/import", content=file(JANE), headers={"Idempotency-Key": "1"}) for _ in range(2))
    assert first.text == again.text
    assert again.headers["idempotent-replayed"] == "true"
    assert len(files(home)) == len(alice.json_of("GET", "/imports")["items"]) == 1


def test_a_member_imports_too_and_another_workspace_sees_nothing(home: House, alice: Person, charlie: Person) -> None:
    place = alice.json_of("GET", "/whoami")["workspace"]
    alice.json_of("POST", f"/workspaces/{place}/invites", {"email": BOB})
    with home.sign_in(BOB) as bob:
        id = imported(bob, file(JANE))["id"]
    assert alice.json_of("GET", f"/imports/{id}")["state"] == "done"
    assert error(charlie.get(f"/imports/{id}")) == (404, "not_found")
    assert charlie.json_of("GET", "/imports")["items"] == []
