"""The report of refused rows is mended and sent again: it is read as the file was that it comes from."""

import json
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from tests.house import Person
from tests.render.drawn import exactly, json_values
from tests.render.lines import examples
from tests.web.handlers.transfer.imports.test_imports import counts, imported, planned

CARDS = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:42\r\nFN:Jane Doe\r\nN:Doe;Jane;;;\r\nEMAIL:no address\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:aGVsbG8=\r\nEND:VCARD\r\n"
)


def test_a_mended_card_keeps_its_id_and_leaves_its_photo_out(alice: Person) -> None:
    id = planned(alice, CARDS, "kind=contacts")["id"]
    report = alice.get(f"/imports/{id}?format=csv").text
    assert counts(imported(alice, report.replace("no address", "jane@acme.example"), "kind=contacts")) == (1, 1, 0, 0)
    found = alice.json_of("GET", "/contacts/jane@acme.example")
    assert (found["source_id"], found.get("custom")) == ("vcard:42", None)
    assert counts(planned(alice, CARDS.replace("EMAIL:no address\r\n", ""), "kind=contacts"))[1:3] == (0, 1)


def test_a_report_names_all_cells_of_a_row_that_are_to_be_mended(alice: Person) -> None:
    file = "name,email,rating,latitude,Expected revenue\nJane,no address,many,95,a lot\n"
    before = planned(alice, file, "kind=contacts&map.Expected%20revenue=estimated_cents")
    assert before["refused_rows"][0]["fields"].keys() == {"email", "rating", "latitude", "estimated_cents"}


def mended(person: Person, file: str, query: str = "kind=contacts") -> Any:
    """Return the one contact of a file whose row was refused for its address, mended in the report and sent again."""
    before = planned(person, file, query)
    assert counts(before)[1:] == (0, 0, 1)
    report = person.get(f"/imports/{before['id']}?format=csv").text
    assert report.startswith("row,error,")
    found = imported(person, report.replace("no address", "jane@acme.example"), query)
    assert counts(found) == (1, 1, 0, 0), found
    return person.json_of("GET", "/contacts/jane@acme.example")


CUSTOM = {
    **{"score": 5, "shelf": "007", "rank": "5", "list": [1, "a", {"b": None}], "yes": True, "half": 0.5},
    **{"text": "plain", "quoted": '"q"', "formula": "=1+1", "mark": "'=1", "object": {"a": [1]}, "a b": "12"},
}


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize("lines", [True, False])
def test_a_mended_row_of_a_json_file_keeps_numbers_lists_and_texts(alice: Person, beside: bool, lines: bool) -> None:
    own = {"name": "Jane", "email": "no address", "tags": ["a", "b"], "company": {"name": "Acme", "city": "Rome"}}
    items = [own | (CUSTOM if beside else {"custom": CUSTOM})]
    found = mended(alice, json.dumps(items[0]) if lines else json.dumps({"items": items}))
    assert (found["custom"], found["tags"], found["company_name"]) == (CUSTOM, ["a", "b"], "Acme")
    assert alice.json_of("GET", "/companies")["items"][0]["city"] == "Rome"


def test_what_looks_like_json_in_a_csv_file_stays_text(alice: Person) -> None:
    head = 'name,email,score,flag,list\nJane,no address,5,true,"[1]"\n'
    assert mended(alice, head)["custom"] == {"score": "5", "flag": "true", "list": "[1]"}


def customs(person: Person, operation: str) -> str:
    """Return what custom has of each contact, and take all of them back."""
    found = person.json_of("GET", "/contacts?limit=200")["items"]
    assert person.post(f"/undo/{operation}").status_code == 200
    return exactly({each["email"]: each["custom"] for each in found})


def test_whatever_custom_has_in_a_json_file_comes_back_from_its_report(alice: Person) -> None:
    @settings(examples(5), phases=[Phase.generate])
    @given(st.lists(st.dictionaries(st.sampled_from(["k", "k 2", "Ä.b"]), json_values), min_size=20, max_size=20))
    def holds(found: list[dict[str, Any]]) -> None:
        items = [{"name": "Jane", "email": f"no address {n}x", **held} for n, held in enumerate(found)]
        file = json.dumps(items)
        assume("\\u0000" not in file)  # which no file may have
        whole = imported(alice, file.replace("no address ", "jane@acme.e"))
        expected = customs(alice, whole["operation"])
        id = planned(alice, file)["id"]
        report = alice.get(f"/imports/{id}?format=csv").text
        mended = imported(alice, report.replace("no address ", "jane@acme.e"))
        assert counts(mended) == counts(whole)
        assert customs(alice, mended["operation"]) == expected

    holds()
