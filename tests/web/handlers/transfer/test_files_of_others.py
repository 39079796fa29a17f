"""Exports that spreadsheets, address books and calendars open, over HTTP."""

import io
from collections.abc import Iterator
from typing import Any

import icalendar
import openpyxl
import pytest
import vobject

from tests.house import ALICE, BOB, House, Person, house
from tests.kinds import CONTACT
from tests.web.handlers.transfer.imports.test_imports import ended

BERLIN = "Europe/Berlin"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("files") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def alice(home: House) -> Iterator[Person]:
    with home.sign_in(ALICE) as person:
        for at in range(3):
            sent = {"name": f"Jane {at}", "custom": {"size": str(at)}, "follow_up_at": f"2026-12-0{at + 1}T08:30:00Z"}
            person.json_of("POST", "/contacts", {**sent, "follow_up_note": "ring"})
        person.json_of("POST", "/contacts", {"name": "=Joe", "owner": "bob@example.com"})
        person.json_of("POST", "/tasks", {"title": "Call", "due_at": "2026-11-30T23:00:00Z"})
        person.json_of("POST", "/tasks", {"title": "Write", "done": True})
        yield person


def events(content: str) -> list[tuple[str, str]]:
    found = icalendar.Calendar.from_ical(content).walk("VEVENT")
    return [(str(event["summary"]), str(event["dtstart"].dt)) for event in found]


def test_contacts_are_a_sheet_and_cards(alice: Person) -> None:
    sheet = alice.get("/contacts/export?format=xlsx&fields=name,custom.size&sort=name")
    assert sheet.headers["Content-Type"].endswith("spreadsheetml.sheet")
    rows = list(openpyxl.load_workbook(io.BytesIO(sheet.content)).active.iter_rows(values_only=True))
    assert [row[2:] for row in rows] == [
        ("name", "custom.size"),
        *(("=Joe", None), ("Jane 0", '"0"'), ("Jane 1", '"1"'), ("Jane 2", '"2"')),
    ]
    cards = vobject.readComponents(alice.get("/contacts/export?format=vcf&sort=name&fields=email").text)
    assert [card.fn.value for card in cards] == ["=Joe", "Jane 0", "Jane 1", "Jane 2"]


def test_tasks_are_to_dos(alice: Person) -> None:
    content = alice.get(f"/tasks/export?format=ics&timezone={BERLIN}&sort=title").text
    call, write = icalendar.Calendar.from_ical(content).walk("VTODO")
    assert (str(call["summary"]), str(call["due"].dt), str(call["status"])) == ("Call", "2026-12-01", "NEEDS-ACTION")
    assert (str(write["summary"]), str(write["status"])) == ("Write", "COMPLETED")


def test_all_reminders_are_a_calendar_in_the_zone_of_who_asks(alice: Person) -> None:
    answer = alice.get(f"/reminders/export?timezone={BERLIN}")
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="reminders.ics"'
    assert events(answer.text) == [
        ("Call", "2026-12-01"),
        *((f"Jane {at}", f"2026-12-0{at + 1} 09:30:00+01:00") for at in range(3)),
    ]
    assert f"TZID:{BERLIN}" in answer.text


@pytest.mark.parametrize(
    ("query", "many"), [("days=2026-12-01", 2), ("kind=task", 1), ("owner=bob@example.com", 0), ("days=0", 0)]
)
def test_reminders_are_exported_by_the_filters_of_their_list(alice: Person, query: str, many: int) -> None:
    assert len(events(alice.get(f"/reminders/export?{query}").text)) == many


def test_a_page_of_reminders_is_a_calendar_too_and_leads_to_the_next(alice: Person) -> None:
    url, found = "/reminders?format=ics&days=365&limit=3", []
    while url:
        answer = alice.get(url)
        found += events(answer.text)
        url = answer.links.get("next", {}).get("url", "")
    assert [title for title, _ in found] == ["Call", "Jane 0", "Jane 1", "Jane 2"]


def test_more_reminders_than_a_page_has_are_exported(tmp_path_factory: pytest.TempPathFactory) -> None:
    with house(tmp_path_factory.mktemp("many") / "data") as home, home.sign_in(ALICE) as person:
        items = [{"title": f"T{at}", "due_at": "2027-01-01" if at % 2 else "2027-01-02"} for at in range(450)]
        person.json_of("POST", "/tasks/batch", {"items": items})
        found = events(person.get("/reminders/export").text)
        assert len({title for title, _ in found}) == len(found) == 450
        assert found == sorted(found, key=lambda event: event[1])


@pytest.mark.parametrize(
    "path", ["/deals/export?format=vcf", "/campaigns/export?format=ics", "/reminders/export?format=csv"]
)
def test_a_format_that_a_kind_does_not_have_is_unknown(alice: Person, path: str) -> None:
    answer = alice.get(path)
    assert (answer.status_code, answer.text.splitlines()[0]) == (400, "ERROR unknown_format")


def test_where_there_is_one_format_an_unknown_one_is_told_it_once(alice: Person) -> None:
    refused = alice.text("GET", "/reminders/export?format=csv")
    assert refused == "ERROR unknown_format\nFIELD format  must be ics\nHINT  Send format=ics.\n"


def test_a_sheet_that_no_spreadsheet_opens_is_refused_before_anything_is_sent(alice: Person) -> None:
    made = alice.json_of("POST", "/deals", {"title": "x", "notes": "\U0001f600" * 17_000})
    answer = alice.get("/deals/export?format=xlsx")
    assert (answer.status_code, answer.text.splitlines()[0]) == (400, "ERROR invalid_value")
    assert "format=csv" in answer.text
    assert alice.get("/deals/export?format=csv").status_code == 200
    assert made["notes"] in alice.get("/deals/export?format=csv").content.decode()


@pytest.mark.parametrize("format", ["csv", "csv&bom=1", "xlsx", "json", "jsonl"])
def test_an_export_is_imported_into_another_workspace_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, format: str
) -> None:
    whole = {
        **{"name": "=1+1", "first_name": "'=x", "email": "a@acme.com", "phone": "+49 30 1234-5", "country": "DE"},
        **{"tags": ["vip", "2024"], "notes": "a\r\nb\n\n N/A\u2028c", "rating": 4.5, "estimated_cents": -1050},
        **{"follow_up_at": "2027-03-28T01:30:00Z", "source_id": "007", "website": "acme.com", "currency": "EUR"},
        "custom": {"n": 42, "t": "42", "b": True, "x": " \t=1 ", "l": [1, "a"], "full  name": "N/A", "é": {"a": None}},
    }
    others = [
        {"name": "-", "custom": {"t": "NULL"}},
        {"name": "N/A"},
        {"name": "'", "notes": "-1+2", "priority": "high"},
    ]
    with (
        house(tmp_path_factory.mktemp("there") / "data") as home,
        home.sign_in(ALICE) as alice,
        home.sign_in(BOB) as bob,
    ):
        for body in (whole, *others):
            alice.json_of("POST", "/contacts", body)
        file = alice.get(f"/contacts/export?format={format}").content
        told = ended(bob, bob.json_of("POST", "/import?kind=contacts&start=1", file)["id"])
        assert (told["state"], told["rows"], told["creates"], told["refused"]) == ("done", 4, 4, 0), told
        assert written_of(bob) == written_of(alice)


def written_of(person: Person) -> list[dict[str, Any]]:
    """Return what was written of each contact."""
    found = person.json_of("GET", "/contacts?sort=name")["items"]
    return [{name: each[name] for name, field in CONTACT.by_name.items() if field.writable} for each in found]
