"""`explain=1`: an answer ends with how its query was read, in text and in JSON."""

from collections.abc import Iterator

import pytest

from tests.house import ALICE, House, Person
from tests.web.requests.queries.book import filled


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        filled(town, person)
        yield person


def read_as(person: Person, path: str) -> str:
    """Return how a query was read; text and JSON must tell the same."""
    lines = person.text("GET", path).splitlines()
    (found,) = [line.removeprefix("# read as: ") for line in lines if line.startswith("# read as: ")]
    assert person.json_of("GET", path)["read_as"] == found
    return found


SAID = {
    "/contacts?explain=1": "all contacts; newest updated_at first",
    "/contacts?explain=true&stage=in:lead,won&or.owner=me&or.tags=vip&sort=name": (
        f"contacts whose stage is lead or won, and whose owner is {ALICE} or whose tags have vip; by name"
    ),
    "/contacts?created_at=2026-06-10&timezone=Asia/Tokyo&explain=1": (
        "contacts whose created_at is 2026-06-10 (2026-06-09T15:00:00Z to 2026-06-10T14:59:59Z); days of Asia/Tokyo; "
        "newest updated_at first"
    ),
    "/activities?kind=call,email&since=2026-06-10&explain=1": (
        "activities whose kind is call or email, and whose occurred_at is 2026-06-10 "
        "(2026-06-10T00:00:00Z) or later; days of UTC; newest occurred_at first"
    ),
    "/activities?or.kind=call&or.by=me&explain=1": (
        f"activities whose kind is call or whose created_by is {ALICE}; newest occurred_at first"
    ),
    "/audit?by=me&limit=1&explain=1": f"audit whose by is {ALICE}; newest first; 1 on a page",
    "/search?q=ada&types=contacts,deals&explain=1": (
        'contacts and deals found by the search for "ada"; best match first; up to 5 of each'
    ),
}


@pytest.mark.parametrize("path", SAID)
def test_an_answer_says_how_its_query_was_read(alice: Person, path: str) -> None:
    assert read_as(alice, path) == SAID[path]


def test_reminders_say_of_whom_and_until_when(alice: Person) -> None:
    found = read_as(alice, "/reminders?owner=me&days=7&kind=deal,tasks&explain=1")
    assert found.startswith(f"reminders of deals and tasks whose owner is {ALICE}, due by 2026-")
    assert found.endswith("; earliest first; days of UTC")


def test_it_stands_after_the_notes(alice: Person) -> None:
    lines = alice.text("GET", "/contacts?or.stage=lead,customer&limit=1&explain=1").splitlines()
    starts = [line.split(":")[0].removeprefix("# ") for line in lines if line.startswith("# ")]
    assert starts == ["0 contacts", "total", "note", "note", "read as"]


def test_it_is_told_when_asked_for_alone(alice: Person) -> None:
    for path in ("/contacts", "/contacts?explain=0", "/contacts?explain=", "/activities", "/reminders", "/search?q=a"):
        assert "read as" not in alice.text("GET", path)
        assert "read_as" not in alice.json_of("GET", path)


def test_another_word_is_refused(alice: Person) -> None:
    for path in ("/contacts?", "/activities?", "/reminders?", "/search?q=a&"):
        answer = alice.json_of("GET", f"{path}explain=maybe")
        assert (answer["error"], list(answer["fields"])) == ("invalid_value", ["explain"])


def test_a_value_cannot_forge_a_line(alice: Person) -> None:
    text = alice.text("GET", "/contacts?explain=1&stage=a%0A%23%20total:%205")
    assert text.count("\n# total:") == 1
