"""GET /imports/{id} tells every refused row, what to do with them, what was noted, and whether all was undone."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from crmkit.web.handlers.transfer import imports
from tests.house import BOB, House, Person
from tests.web.handlers.transfer.imports.test_imports import counts, ended, error, file, imported, planned

WRONG = [(f"Jane {n}", "no address", "", "") for n in range(2_500)]


def test_every_refused_row_is_told_however_many_there_are(alice: Person) -> None:
    id = imported(alice, file(*WRONG))["id"]
    found = alice.json_of("GET", f"/imports/{id}")
    assert [each["row"] for each in found["refused_rows"]] == list(range(2, 2_502))
    lines = alice.get(f"/imports/{id}").text.splitlines()
    assert sum(line.startswith("row/") for line in lines) == 2_500
    assert not any("more refused rows" in line for line in lines)
    assert lines[-1] == f"# next: GET /imports/{id}?format=csv"


@pytest.mark.parametrize("format", ["text", "json"])
def test_an_answer_that_is_sent_as_it_is_read_is_the_same(
    alice: Person, monkeypatch: pytest.MonkeyPatch, format: str
) -> None:
    id = imported(alice, file(*WRONG[:150], ("Eve", "eve@acme.example", "", "")))["id"]
    for path in (f"/imports/{id}?format={format}", f"/imports/{id}?format={format}&limit=120"):
        whole = alice.get(path)
        with monkeypatch.context() as patch:
            patch.setattr(imports, "AT_ONCE", 5)
            pieces = alice.get(path)
        assert "content-length" not in pieces.headers or format == "text"
        for name in ("content-type", "x-operation", "vary"):
            assert pieces.headers[name] == whole.headers[name]
        if format == "json":
            assert pieces.json() == whole.json()
        else:
            assert pieces.text == whole.text


def test_a_look_without_the_refused_rows_is_short(alice: Person) -> None:
    id = imported(alice, file(*WRONG[:30]))["id"]
    found = alice.json_of("GET", f"/imports/{id}?limit=0")
    assert (found["refused"], found["refused_rows"]) == (30, [])
    assert f"30 more refused rows: GET /imports/{id}?format=csv" in found["notes"]
    assert len(alice.json_of("GET", f"/imports/{id}?limit=7")["refused_rows"]) == 7
    assert error(alice.get(f"/imports/{id}?limit=few")) == (400, "invalid_value")


def test_what_is_said_of_the_report_sends_it_as_the_file_was(alice: Person) -> None:
    alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.example"})
    query = "kind=contacts&mode=update&dates=dmy&map.Our+town=city&map.Born+on=custom.born&map.Fax="
    head = ("name", "email", "Our town", "Born on", "Fax")
    id = imported(alice, file(("Jane", "no address", "Paris", "3/4/1990", "1"), head=head), query)["id"]
    report = alice.get(f"/imports/{id}?format=csv")
    note = next(each for each in alice.json_of("GET", f"/imports/{id}")["notes"] if "POST /import" in each)
    assert report.headers["x-note"] == note
    url = note.rpartition("POST ")[2]
    sent = {name: each for name, (each,) in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}
    assert sent == {
        **{"kind": "contacts", "mode": "update", "dates": "dmy"},
        **{"map.Our town": "city", "map.Born on": "custom.born", "map.Fax": ""},
    }
    mended = alice.post(f"{url}&start=1", content=report.text.replace("no address", "jane@acme.example"))
    assert mended.status_code == 201, mended.text
    assert counts(ended(alice, mended.text.split("  ")[0].removeprefix("import/"))) == (1, 0, 1, 0)
    jane = alice.json_of("GET", "/contacts/jane@acme.example")
    assert (jane["city"], jane["custom"]) == ("Paris", {"born": "3/4/1990"})


def test_a_mapping_holds_for_a_column_that_the_report_calls_by_its_key(alice: Person) -> None:
    query = "kind=contacts&map.size=custom.points&map.shelf=custom"
    items = [{"name": "Jane", "email": "no address", "size": 5, "shelf": 7}]
    id = imported(alice, json.dumps(items), query)["id"]
    report = alice.get(f"/imports/{id}?format=csv").text
    assert report.splitlines()[0] == "row,error,name,email,custom.points,custom.shelf"
    assert counts(imported(alice, report.replace("no address", "jane@acme.example"), query)) == (1, 1, 0, 0)
    assert alice.json_of("GET", "/contacts/jane@acme.example")["custom"] == {"points": 5, "shelf": 7}


def test_an_import_that_was_undone_says_so(alice: Person) -> None:
    found = imported(alice, file(("Jane", "jane@acme.example", "", "")))
    path, undo = f"/imports/{found['id']}", f"# undo: POST /undo/{found['operation']}"
    assert undo in alice.get(path).text
    assert "undone" not in found
    back = alice.json_of("POST", f"/undo/{found['operation']}")["operation"]
    text = alice.get(path).text
    assert "# undo:" not in text
    assert f"# note: it was undone by {back}: POST /undo/{back} brings it back" in text
    assert alice.json_of("GET", path)["undone"] is True
    again = alice.json_of("POST", f"/undo/{back}")["operation"]
    assert alice.json_of("GET", path)["undone"] is False
    assert f"POST /undo/{again} takes it back again" in alice.get(path).text
    assert alice.post(f"/undo/{again}").status_code == 200
    assert alice.json_of("GET", "/contacts")["items"] == []


@pytest.mark.parametrize("starts", [True, False])
def test_a_run_notes_what_its_trial_noted(alice: Person, starts: bool) -> None:
    alice.json_of("POST", "/contacts", {"name": "Jane Doe", "phone": "+49301234567"})
    head = ("name", "Rating", "phone", "Follow up date")
    rows = [("Jane Doe", "high", "+49301234567", "3/4/2027"), ("Bob", "low", "", ""), ("", "none", "", "")]
    content = file(*rows, head=head)
    trial = planned(alice, content, "dates=dmy")
    assert any("2 cells" in note for note in trial["notes"])
    assert any("/duplicates" in note for note in trial["notes"])
    done = imported(alice, content, "dates=dmy") if starts else ended(alice, started(alice, trial["id"]))
    assert counts(done) == counts(trial)
    assert [each for each in done["notes"] if "POST /import" not in each] == trial["notes"]


def started(person: Person, id: str) -> str:
    assert person.post(f"/imports/{id}/start").status_code == 202
    return id


def test_what_is_left_out_of_a_file_is_noted_though_it_starts_at_once(home: House) -> None:
    with home.sign_in(BOB) as bob:
        body: Any = "body,Weather,at,contact_id\nCall,sunny,2026-01-02,jane@acme.example\n"
        bob.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.example"})
        found = imported(bob, body, "kind=activities")
        assert found["notes"] == ['left out, since an activity has no custom: "Weather"']
