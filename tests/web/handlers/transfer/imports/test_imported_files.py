"""Files as other programs write them, and files of every kind of records, are imported as they were planned."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.house import Person
from tests.kinds import KINDS

SAMPLES = Path(__file__).parents[4] / "samples"
FILES = sorted(path for path in SAMPLES.iterdir() if path.suffix in (".csv", ".vcf") and path.name != "empty.csv")
COUNTS = ("rows", "creates", "updates", "refused")


def planned(person: Person, content: bytes | str, query: str = "") -> Any:
    found = person.json_of("POST", f"/import?{query}", content)
    assert found.get("state") == "planned", found
    return found


def ran(person: Person, id: str) -> Any:
    person.json_of("POST", f"/imports/{id}/start")
    deadline = time.monotonic() + 60
    while (found := person.json_of("GET", f"/imports/{id}"))["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def total(person: Person, path: str) -> int:
    found: int = person.json_of("GET", f"{path}?limit=1")["total"]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_a_plan_says_of_a_file_happens_and_is_undone_as_one(alice: Person, path: Path) -> None:
    plan = planned(alice, path.read_bytes())
    done = ran(alice, plan["id"])
    assert [done[name] for name in COUNTS] == [plan[name] for name in COUNTS]
    assert (done["state"], done["done"]) == ("done", plan["rows"])
    assert total(alice, "/contacts") == plan["creates"]
    assert {row["row"] for row in done["refused_rows"]} == {row["row"] for row in plan["refused_rows"]}
    if done["operation"]:
        assert alice.post(f"/undo/{done['operation']}").status_code == 200
    assert total(alice, "/contacts") == total(alice, "/companies") == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_that_is_imported_again_changes_and_creates_no_further_record_with_a_key(
    alice: Person, path: Path
) -> None:
    first = ran(alice, planned(alice, path.read_bytes())["id"])
    known = sum(contact["email"] is not None for contact in alice.json_of("GET", "/contacts?limit=200")["items"])
    companies = total(alice, "/companies")
    again = ran(alice, planned(alice, path.read_bytes())["id"])
    assert again["creates"] <= first["creates"] - known
    assert total(alice, "/companies") == companies


def test_lines_that_are_no_rows_are_told(alice: Person) -> None:
    notes = planned(alice, (SAMPLES / "salesforce.csv").read_bytes())["notes"]
    assert len([note for note in notes if note.startswith("left out, since it is no row: ")]) >= 3


def test_a_file_that_is_none_is_refused_and_keeps_nothing(alice: Person) -> None:
    for content in (b"", b"%PDF-1.7 \x00", b"PK\x03\x04nonsense", b"\xd0\xcf\x11\xe0"):
        answer = alice.post("/import", content=content, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_file")
    assert alice.json_of("GET", "/imports")["items"] == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_records_of_every_kind_are_imported(alice: Person, kind: Any) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    title = kind.title.name if kind.has_title else ""
    needed = {name: field for name, field in kind.writable.items() if field.required}
    known = {"contact_id": contact, "platform": "meta"}
    items = [{name: known.get(name, f"Mine {at}") for name in needed or [title]} for at in range(2)]
    for content in (json.dumps(items), "\n".join(map(json.dumps, items))):
        done = ran(alice, planned(alice, content, f"kind={kind.name}")["id"])
        assert (done["state"], done["refused"], done["creates"] + done["updates"]) == ("done", 0, 2), done


def test_activities_are_imported(alice: Person) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.example"})["id"]
    content = "contact_id,kind,body\njane@acme.example,call,Hello\nnobody@acme.example,call,Hello\n"
    plan = planned(alice, content, "kind=activities")
    assert [plan[name] for name in COUNTS] == [2, 1, 0, 1]
    done = ran(alice, plan["id"])
    assert [done[name] for name in COUNTS] == [2, 1, 0, 1]
    (logged,) = alice.json_of("GET", f"/contacts/{contact}/activities")["items"]
    assert (logged["kind"], logged["body"]) == ("call", "Hello")
    assert alice.post("/import?kind=activities&mode=update", content=content).status_code == 400


def test_companies_of_a_column_are_made_once_and_unknown_titles_go_to_custom(alice: Person) -> None:
    content = "Name,Email,Company,Shoe size\nJane,jane@acme.example,Acme,38\nBob,bob@acme.example,acme,\n"
    done = ran(alice, planned(alice, content)["id"])
    assert [done[name] for name in COUNTS] == [2, 2, 0, 0]
    assert [company["name"] for company in alice.json_of("GET", "/companies")["items"]] == ["Acme"]
    jane = alice.json_of("GET", "/contacts?email=jane@acme.example")["items"][0]
    assert (jane["company_name"], jane["custom"]) == ("Acme", {"Shoe size": "38"})
    refused = alice.post("/import?unknown=refuse", content=content, headers={"Accept": "application/json"})
    assert (refused.status_code, refused.json()["error"]) == (400, "unknown_field")
    assert refused.json()["fields"].keys() == {"Shoe size"}


def test_an_update_creates_no_related_record_either(alice: Person) -> None:
    alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.example"})
    alice.json_of("POST", "/companies", {"name": "Acme"})
    content = "email,company\njane@acme.example,Acme\njane@acme.example,Unknown\n"
    done = ran(alice, planned(alice, content, "mode=update")["id"])
    assert [done[name] for name in COUNTS] == [2, 0, 1, 1]
    assert [(row["row"], row["error"]) for row in done["refused_rows"]] == [(3, "not_found")]
    assert [company["name"] for company in alice.json_of("GET", "/companies")["items"]] == ["Acme"]


def test_a_report_that_is_mended_is_imported_as_it_is(alice: Person) -> None:
    content = "name,email,notes\nJane,no address,=1+1\nBob,bob@acme.example,\n"
    done = ran(alice, planned(alice, content)["id"])
    assert [done[name] for name in COUNTS] == [2, 1, 0, 1]
    report = alice.get(f"/imports/{done['id']}?format=csv").text
    assert "'=1+1" in report
    again = ran(alice, planned(alice, report.replace("no address,", "jane@acme.example,"))["id"])
    assert [again[name] for name in COUNTS] == [1, 1, 0, 0]
    jane = alice.json_of("GET", "/contacts?email=jane@acme.example")["items"][0]
    assert (jane["notes"], jane["custom"]) == ("=1+1", None)


def test_a_row_whose_id_is_of_another_workspace_tells_how_its_name_finds_the_record(alice: Person) -> None:
    alice.json_of("POST", "/companies", {"name": "Acme"})
    file = "name,company_id,company_name\nJane,co_k7m2q9xa,Acme\n"
    (row,) = ran(alice, planned(alice, file)["id"])["refused_rows"]
    advice = "map.company_name=company&map.company_id="
    assert f"send {advice} to find it by name" in row["fields"]["company_id"]
    done = ran(alice, planned(alice, file, advice)["id"])
    assert (done["creates"], done["refused"]) == (1, 0)
    assert alice.json_of("GET", "/contacts")["items"][0]["company_name"] == "Acme"


@pytest.mark.parametrize("spelled", ["{id}", "campaign/{id}", "Spring"])
def test_a_column_names_the_campaign_that_its_records_join(alice: Person, spelled: str) -> None:
    id = alice.json_of("POST", "/campaigns", {"name": "Spring"})["id"]
    content = f"name,campaign_id\nJane,{spelled.format(id=id)}\nBob,\nJoe,ca_k7m2q9xa\n"
    done = ran(alice, planned(alice, content)["id"])
    assert [done[name] for name in COUNTS] == [3, 2, 0, 1]
    assert [each["name"] for each in alice.json_of("GET", f"/contacts?campaign={id}")["items"]] == ["Jane"]
    assert total(alice, "/contacts") == 2
