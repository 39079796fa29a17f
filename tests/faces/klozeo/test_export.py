"""The export of leads: every lead that filters find, in each format."""

import csv
import io
from typing import Any

import openpyxl
import pytest

from crmkit.faces.klozeo.words import FIELDS
from tests.teams.office import Team

P = "/api/v1"
ATTRIBUTES = [
    {"name": "size", "type": "number", "value": 500},
    {"name": "is open", "type": "bool", "value": True},
    {"name": "formula", "type": "text", "value": "=1+1"},
]


@pytest.fixture
def full(us: Team) -> Team:
    for number in range(1, 4):
        body: dict[str, Any] = {"name": f"Lead {number}", "source": "tests", "rating": number, "category": "IT"}
        more = {"attributes": ATTRIBUTES, "tags": ["a", "b"], "phone": "+4930123"} if number == 1 else {}
        assert us.alice.post(f"{P}/leads", json=body | more).status_code == 201
    return us


def exported(us: Team, query: str, media: str) -> bytes:
    answer = us.bob.get(f"{P}/leads/export?{query}", headers={"Accept": "application/json"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith(media)
    return answer.content


def test_json_is_an_array_of_whole_leads(full: Team) -> None:
    answer = full.bob.get(f"{P}/leads/export?format=json&sort_by=name")
    leads = full.bob.get(f"{P}/leads?sort_by=name").json()["leads"]
    assert (answer.json(), len(leads)) == (leads, 3)
    assert full.bob.get(f"{P}/leads/export?format=json&filter=and.eq.name.nobody").json() == []


def test_csv_has_a_column_for_each_field_and_attribute_and_no_formula(full: Team) -> None:
    text = exported(full, "format=csv&sort_by=rating&filter=and.lte.rating.2", "text/csv").decode()
    titles, *rows = csv.reader(io.StringIO(text))
    assert titles[: len(FIELDS)] == [*FIELDS]
    assert sorted(titles[len(FIELDS) :]) == ["attr:formula", "attr:is open", "attr:size"]
    first, second = (dict(zip(titles, row, strict=True)) for row in rows)
    assert (first["name"], first["rating"], first["tags"], first["category"]) == ("Lead 1", "1", "a,b", "IT")
    assert (first["attr:size"], first["attr:is open"], first["attr:formula"]) == ("500", "true", "'=1+1")
    assert first["id"].startswith("cl_")
    assert (second["name"], second["tags"], second["attr:size"]) == ("Lead 2", "", "")


def test_xlsx_is_a_sheet_of_typed_cells(full: Team) -> None:
    content = exported(full, "format=xlsx&sort_by=rating&sort_order=DESC", "application/vnd.openxmlformats")
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert sheet is not None
    titles, *rows = sheet.iter_rows(values_only=True)
    leads = [dict(zip(titles, row, strict=True)) for row in rows]
    assert [lead["name"] for lead in leads] == ["Lead 3", "Lead 2", "Lead 1"]
    assert (leads[2]["rating"], leads[2]["attr:size"], leads[2]["attr:is open"]) == (1, 500, True)
    assert leads[2]["attr:formula"] == "=1+1"


@pytest.mark.parametrize(
    "query", ["", "format=pdf", "format=csv&limit=5", "format=csv&filter=x", "format=csv&cursor=x"]
)
def test_an_export_that_is_none_is_refused_in_their_shape(us: Team, query: str) -> None:
    answer = us.bob.get(f"{P}/leads/export?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
