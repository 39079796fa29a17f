"""A page of any list as CSV and as JSON lines."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmkit import boot
from crmkit.render.files.cells import any_value
from crmkit.render.formats import CSV as CSV_FORMAT
from crmkit.web.app import routes
from tests.house import ALICE, Person, house

CSV, LINES = "text/csv; charset=utf-8; header=present", "application/jsonl"
LISTS = sorted(
    route.paths[0]
    for route in routes(boot.KINDS)
    if CSV_FORMAT in route.formats and not route.streams and "{" not in route.paths[0]
)


@pytest.fixture(scope="module")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    with house(tmp_path_factory.mktemp("pages") / "data") as home, home.sign_in(ALICE) as person:
        for at in range(5):
            sent = {
                "name": f"Jane {at}",
                "phone": "=1",
                "tags": ["a", "b"],
                "notes": "x\ny",
                "custom": {"size": str(at)},
            }
            person.json_of("POST", "/contacts", sent)
        person.json_of("POST", "/tasks", {"title": "@call", "due_at": "2020-01-01"})
        yield person


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(("query", "accept"), [("?format=csv", "*/*"), ("", "text/csv"), ("?format=CSV", "text/plain")])
def test_a_page_is_csv_by_name_and_by_media_type(alice: Person, query: str, accept: str) -> None:
    answer = alice.get(f"/contacts{query}", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == CSV
    found, items = rows(answer.content.decode()), alice.json_of("GET", "/contacts")["items"]
    assert [row["id"] for row in found] == [item["id"] for item in items]
    assert [row["name"] for row in found] == [item["name"] for item in items]
    assert {(row["phone"], row["tags"], row["notes"]) for row in found} == {("'=1", "a,b", "x\ny")}
    assert sorted(row["custom.size"] for row in found) == [f'"{at}"' for at in range(5)]


@pytest.mark.parametrize("path", LISTS)
def test_any_list_has_its_rows_in_both(alice: Person, path: str) -> None:
    query = {"/search": "?q=jane&", "/duplicates": "?kind=contact&"}.get(
        path, "?by=created_by&" if "count" in path else "?"
    )
    whole = alice.json_of("GET", f"{path}{query}")
    items = whole.get("items") or [item for name in ("contacts", "tasks") for item in whole.get(name, ())]
    lines = alice.get(f"{path}{query}format=jsonl")
    assert (lines.status_code, lines.headers["Content-Type"]) == (200, LINES)
    assert [json.loads(line) for line in lines.text.splitlines()] == items
    table = alice.get(f"{path}{query}format=csv")
    assert (table.status_code, table.headers["Content-Type"]) == (200, CSV)
    assert len(rows(table.content.decode())) == len(items)


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_link_leads_to_the_next_page_until_the_last(alice: Person, format: str) -> None:
    url, found = f"/contacts?limit=2&format={format}&name=like:jane%20&cursor=&fields=name", []
    while url:
        answer = alice.get(url)
        assert answer.status_code == 200
        lines = answer.content.decode().splitlines()[1 if format == "csv" else 0 :]
        assert 1 <= len(lines) <= 2
        found += lines
        url = answer.links.get("next", {}).get("url", "")
        assert not url or "cursor" in url
    assert len(found) == len(set(found)) == 5


def test_a_page_that_is_cut_leads_on_from_there(alice: Person) -> None:
    answer = alice.get("/contacts?format=csv&fields=name&max_tokens=30")
    assert len(rows(answer.text)) < 5
    rest = alice.get(answer.links["next"]["url"].replace("max_tokens=30", "max_tokens=3000"))
    assert len(rows(answer.text)) + len(rows(rest.text)) == 5


def test_text_and_json_have_no_link(alice: Person) -> None:
    assert "Link" not in alice.get("/contacts?limit=2").headers
    assert "Link" not in alice.get("/contacts?limit=2&format=json").headers


def test_a_view_leads_to_its_own_next_page(alice: Person) -> None:
    alice.json_of(
        "POST", "/views", {"name": "janes", "path": "/contacts?limit=3&search=jane&format=csv&bom=1&fields=name"}
    )
    answer = alice.get("/views/janes")
    assert answer.content.startswith(b"\xef\xbb\xbfhandle,id,name\r\n")
    assert answer.links["next"]["url"].startswith("/views/janes?cursor=")
    assert len(rows(alice.get(answer.links["next"]["url"]).text)) == 2


def test_bom_and_raw_are_for_csv(alice: Person) -> None:
    answer = alice.get("/contacts?format=csv&fields=phone&bom=1&raw=true")
    assert answer.content.startswith(b"\xef\xbb\xbfhandle,id,phone\r\n")
    assert {row["phone"] for row in rows(answer.content.decode("utf-8-sig"))} == {"=1"}
    for wrong in ("bom=2", "raw=yes", "bom=1&bom=1"):
        assert alice.get(f"/contacts?format=csv&{wrong}").status_code == 400


def test_columns_stand_as_in_lines_or_as_they_were_chosen(alice: Person) -> None:
    titles = alice.get("/contacts?format=csv").text.splitlines()[0].split(",")
    assert titles[:4] == ["handle", "id", "name", "first_name"]
    titles = alice.get("/contacts?format=csv&fields=tags,custom.size,name").text.splitlines()[0].split(",")
    assert titles == ["handle", "id", "tags", "custom.size", "name"]


def test_one_record_has_neither(alice: Person) -> None:
    id = alice.json_of("GET", "/contacts")["items"][0]["id"]
    assert alice.get(f"/contacts/{id}?format=csv").text.startswith("ERROR unknown_format")


def test_links_have_the_path_under_which_the_server_is_seen(tmp_path: Path) -> None:
    with (
        house(tmp_path / "data", {"CRMKIT_SERVER_BASE_URL": "http://localhost/sales"}) as home,
        home.sign_in(ALICE) as person,
    ):
        for at in range(2):
            person.json_of("POST", "/contacts", {"name": f"Jane {at}"})
        url = person.get("/contacts?format=csv&limit=1").links["next"]["url"]
        assert url.startswith("/sales/contacts?format=csv&limit=1&cursor=")


def test_a_value_of_custom_has_the_same_cell_among_rows_of_several_kinds(tmp_path: Path) -> None:
    values = [["red, dark", "blue"], ["red"], "5", 1.0, "=1"]
    with house(tmp_path / "data") as home, home.sign_in(ALICE) as person:
        for at, value in enumerate(values):
            person.json_of("POST", "/contacts", {"name": f"Jane {at}", "custom": {"it": value}})
        for raw in ("", "&raw=1"):
            mixed = rows(person.get(f"/search?q=jane&format=csv{raw}").text)
            own = rows(person.get(f"/contacts?format=csv{raw}").text)
            found = {row["id"]: row["custom.it"] for row in mixed}
            assert found == {row["id"]: row["custom.it"] for row in own}
            assert len(found) == len(values)


def test_a_list_of_texts_is_joined_where_that_tells_them_apart() -> None:
    lists = [["red, dark", "blue"], ["red", "dark"], ["", "blue"], [""], ["dark red"], []]
    told = ['["red, dark","blue"]', "red,dark", '["","blue"]', '[""]', '["dark red"]', ""]
    assert [any_value(each, raw=True) for each in lists] == told


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize("path", ["/contacts", "/contacts/export"])
def test_notes_and_how_a_list_was_read_stand_in_headers(alice: Person, path: str, format: str) -> None:
    asked = "name=like:V1%25&explain=1"
    told = alice.json_of("GET", f"/contacts?{asked}")
    found = alice.get(f"{path}?{asked}&format={format}").headers
    assert told["notes"]
    assert found.get_list("X-Note") == told["notes"]
    assert found["X-Read-As"] == told["read_as"]
