"""All records of a kind as one file: the same as its list has, in its order, of one moment."""

import csv
import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from crmkit.core.transfer.exports import verbs as exports
from crmkit.render.formats import exports_of
from crmkit.storage.lists import whole
from tests.house import ALICE, CHARLIE, UNLIMITED, House, Person, house
from tests.kinds import ACTIVITY, AUDIT, CONVERSION, KINDS, REGISTRY

LISTED = (*KINDS, *REGISTRY.settings, ACTIVITY, AUDIT)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("exports") / "data", UNLIMITED) as running:
        yield running


@pytest.fixture(scope="module")
def alice(home: House) -> Iterator[Person]:
    """Somebody with a few records of every kind; the contacts have keys of custom, one of them Zürich's."""
    with home.sign_in(ALICE) as person:
        contact = person.json_of("POST", "/contacts", {"name": "Somebody"})["id"]
        person.post("/conversions", json={"contact_id": contact, "platform": "meta"})
        for kind in KINDS:
            for at in range(2 if kind is not CONVERSION else 0):
                person.post(f"/{kind.plural}", json={kind.title.name: f"Something {at}"})
        for at in range(5):
            custom = {"size": at, "full name": {"de": f"Nr. {at}"}} if at % 2 else {"city": "Zürich"}
            body = {"name": f"Person {at}", "stage": ["lead", "customer"][at % 2], "custom": custom}
            id = person.json_of("POST", "/contacts", {**body, "code": f"{at}", "tags": ["a", "b"][: at % 3]})["id"]
            person.post(f"/contacts/{id}/activities", json={"body": f"spoke {at}", "kind": "call"})
        person.post("/views", json={"name": "leads", "path": "/contacts?stage=lead"})
        person.post("/scoring-rules", json={"name": "warm", "expression": "activities"})
        person.post("/webhooks", json={"url": "https://example.com/hook"})
        person.post("/fields", json={"kind": "contact", "key": "size", "type": "number"})
        yield person


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def held(content: bytes) -> Any:
    """Return what a file holds, which of an XLSX are the files in it, without the time at which each was written."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def items(person: Person, path: str) -> list[dict[str, Any]]:
    """Return all records of a list, page by page."""
    found, cursor = list[dict[str, Any]](), ""
    while True:
        page = person.json_of("GET", f"{path}{'&' if '?' in path else '?'}limit=200{cursor}")
        found += page["items"]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("kind", LISTED, ids=lambda kind: kind.name)
def test_an_export_has_the_items_of_the_list_in_its_order(alice: Person, kind: Any) -> None:
    expected = items(alice, f"/{kind.plural}")
    assert expected
    assert alice.json_of("GET", f"/{kind.plural}/export?format=json") == {"items": expected}
    assert lines(alice.get(f"/{kind.plural}/export?format=jsonl").text) == expected
    rows = table(alice.get(f"/{kind.plural}/export").text)
    assert [(row["handle"], row["id"]) for row in rows] == [(item["handle"], item["id"]) for item in expected]
    assert {"handle", *kind.names} - {"custom"} <= {*rows[0]}


@pytest.mark.parametrize("kind", LISTED, ids=lambda kind: kind.name)
def test_each_format_of_a_kind_is_a_file_with_its_name_and_type(alice: Person, kind: Any) -> None:
    for format in exports_of(kind):
        answer = alice.get(f"/{kind.plural}/export?format={format.name}")
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == format.content_type
        saved = f'attachment; filename="{kind.plural}.{format.name}"'
        assert answer.headers["Content-Disposition"] == saved
        negotiated = alice.get(f"/{kind.plural}/export", headers={"Accept": format.media})
        assert held(negotiated.content) == held(answer.content)
        assert alice.head(f"/{kind.plural}/export?format={format.name}").headers["Content-Type"] == format.content_type
    refused = alice.get(f"/{kind.plural}/export?format=text")
    assert (refused.status_code, refused.text.splitlines()[0]) == (400, "ERROR unknown_format")
    assert alice.json_of("GET", f"/{kind.plural}/export?format=json&nonsense=1")["error"] == "invalid_filter"


@pytest.mark.parametrize(
    "query",
    [
        "stage=lead",
        "stage=in:lead,customer&sort=-name",
        "sort=custom.size,-id",
        "or.stage=lead&or.name=Person 1",
        "created_at=during:today&sort=created_at",
        "created_at=gte:-1d&timezone=Pacific/Auckland",
        "custom.city=Zürich&fields=name,custom.city",
        "fields=handle",
        "fields=tags,custom,name&sort=name",
        "code=3",
        "name=like:nobody",
    ],
)
def test_filters_groups_times_sort_and_fields_mean_what_they_mean_in_a_list(alice: Person, query: str) -> None:
    expected = items(alice, f"/contacts?{query}")
    assert lines(alice.get(f"/contacts/export?format=jsonl&{query}").text) == expected
    assert len(table(alice.get(f"/contacts/export?{query}").text)) == len(expected)


def test_parameters_of_the_lists_of_logs_mean_the_same(alice: Person) -> None:
    for path, query in (("activities", "kind=call&since=-1d&by=me&search=spoke"), ("audit", "action=contact.create")):
        expected = items(alice, f"/{path}?{query}")
        assert expected
        found = lines(alice.get(f"/{path}/export?format=jsonl&{query}").text)
        assert {item["id"]: item for item in found} == {item["id"]: item for item in expected}
    by_time = lines(alice.get("/activities/export?format=jsonl&sort=created_at,id").text)
    assert [item["id"] for item in by_time] == [
        item["id"] for item in sorted(by_time, key=lambda item: (item["created_at"], item["id"]))
    ]


def test_a_csv_has_a_column_for_each_key_of_custom_of_its_records(alice: Person) -> None:
    whole_row = table(alice.get("/contacts/export").text)[0]
    assert {"custom.size", 'custom."full name"', "custom.city"} <= {*whole_row}
    assert "custom.size" not in table(alice.get("/contacts/export?custom.city=Zürich").text)[0]
    (row,) = table(alice.get("/contacts/export?code=1&fields=custom").text)
    assert (row["custom.size"], row['custom."full name"']) == ("1", '{"de":"Nr. 1"}')
    (row,) = table(alice.get('/contacts/export?code=1&fields=custom."full name".de').text)
    assert row == {"handle": row["handle"], "id": row["id"], 'custom."full name".de': "Nr. 1"}


def test_too_many_keys_of_custom_are_no_columns(alice: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_KEYS", 2)
    answer = alice.get("/contacts/export")
    assert (answer.status_code, "format=jsonl" in answer.text) == (400, True)
    assert len(lines(alice.get("/contacts/export?format=jsonl&code=not:null").text)) == 5
    assert len(table(alice.get("/contacts/export?code=not:null&fields=name").text)) == 5


@pytest.mark.parametrize("parameter", ["limit=5", "cursor=abc", "count=exact", "max_tokens=100"])
def test_what_is_of_pages_alone_is_refused(alice: Person, parameter: str) -> None:
    answer = alice.get(f"/contacts/export?{parameter}")
    assert answer.status_code == 400
    assert f"FIELD {parameter.partition('=')[0]}  is of pages of a list alone" in answer.text


def test_explain_and_notes_are_told_in_headers(alice: Person) -> None:
    answer = alice.get("/contacts/export?search=Zürich&explain=1&stage=lead")
    says = 'contacts found by the search for "Z\\u00fcrich", and whose stage is lead; newest updated_at first'
    assert answer.headers["X-Read-As"] == says
    assert "X-Read-As" not in alice.get("/contacts/export").headers
    note = alice.get("/contacts/export?timezone=UTC").headers["X-Note"]
    assert note == alice.json_of("GET", "/contacts?timezone=UTC")["notes"][0]


def test_the_log_has_one_line_of_an_export(home: House, alice: Person) -> None:
    alice.get("/contacts/export?stage=lead", headers={"X-Request-ID": "exported"})
    (line,) = [line for line in home.logged().splitlines() if "client:exported" in line]
    assert re.search(r"method=GET  path=/contacts/export  status=200  ms=[\d.]+  token=test", line)


def test_a_stranger_exports_nothing_of_others(home: House, alice: Person) -> None:
    id = items(alice, "/contacts")[0]["id"]
    with home.sign_in(CHARLIE) as charlie:
        for kind in LISTED:
            found = lines(charlie.get(f"/{kind.plural}/export?format=jsonl").text)
            assert all(kind.name == "audit" and "charlie" in item["by"] for item in found)
        assert charlie.get(f"/contacts/export?id={id}&format=jsonl").text == ""
    assert home.visitor().get("/contacts/export").status_code == 401


def test_a_view_keeps_lists_and_is_called_no_export(alice: Person) -> None:
    assert alice.json_of("POST", "/views", {"name": "all", "path": "/contacts/export"})["error"] == "invalid_value"
    assert alice.json_of("POST", "/views", {"name": "export", "path": "/contacts"})["error"] == "invalid_value"


@pytest.mark.slow
def test_an_export_is_of_one_moment_while_others_write(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two contacts, the first and the last of the file, are always changed together, and others come and go."""
    monkeypatch.setattr(whole, "AT_ONCE", 1)
    with home.sign_in("dora@example.com") as dora:
        many = [{"name": f"Person {at:03}", "custom": {f"key {at % 7}": at}} for at in range(300)]
        for start in range(0, 300, 100):
            dora.post("/contacts/batch?atomic=1", json={"items": many[start:][:100]})
        all_of_them = items(dora, "/contacts?sort=name")
        pair = [all_of_them[0]["id"], all_of_them[-1]["id"]]
        done, written = threading.Event(), 0

        def write() -> None:
            nonlocal written
            with Person(home.url, dora.token) as other:
                while not done.is_set():
                    written += 1
                    other.patch(f"/contacts?id=in:{','.join(pair)}", json={"job_title": f"{written}"})
                    spare = other.json_of("POST", "/contacts", {"name": "Person 150x"})
                    path = f"/contacts/{spare['id']}"
                    other.delete(f"{path}?confirm={other.json_of('DELETE', path)['confirm']}")

        writer = threading.Thread(target=write)
        writer.start()
        seen = set()
        try:
            for _ in range(20):
                rows = table(dora.get("/contacts/export?sort=name").text)
                first, last = rows[0], rows[-1]
                assert [first["id"], last["id"]] == pair
                assert first["job_title"] == last["job_title"]
                assert 300 <= len(rows) <= 301
                seen.add(first["job_title"])
        finally:
            done.set()
            writer.join()
        assert len(seen) > 3


def test_fields_of_an_unknown_name_are_refused_as_in_a_list(alice: Person) -> None:
    for path in ("/contacts", "/contacts/export"):
        assert alice.json_of("GET", f"{path}?format=json&fields=nmae")["error"] == "invalid_value"
