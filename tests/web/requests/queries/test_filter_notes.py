"""An empty list says which of its filters may not have meant what they say."""

from collections.abc import Iterator

import pytest

from tests.house import ALICE, House, Person
from tests.web.requests.queries.book import filled


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        filled(town, person)
        yield person


def notes(person: Person, query: str, path: str = "/contacts") -> list[str]:
    """Return the notes of a list; text and JSON must tell the same."""
    pairs = [tuple(part.split("=", 1)) for part in query.split("&")]
    found: list[str] = person.json_of("GET", path, params=pairs).get("notes", [])
    lines = person.text("GET", path, params=pairs).splitlines()
    assert [line.removeprefix("# note: ") for line in lines if line.startswith("# note: ")] == found
    return found


BLANKS = "every blank of the value counts, in a row and at its ends; a + is written %2B"
TRIMMED = "blanks at the ends do not count, all others do; a + is written %2B"
COMMA = "a comma is part of the value; for one of several write "

NOTES = {
    "stage=lead,customer": f"{COMMA}stage=in:lead,customer",
    "stage=New York, Rome,": f'{COMMA}stage=in:"New York",Rome',
    'name=say "hi",5': f'{COMMA}name=in:"say \\"hi\\"","5"',
    f"notes={'x' * 150},{'y' * 150}": f"{COMMA}notes=in:VALUE,VALUE",
    "name=lke:x": "lke is no operator (did you mean like?), so it was looked for as part of the value",
    "name=contains:x": "contains is no operator (did you mean like?), so it was looked for as part of the value",
    "name=LIKE:ada": "LIKE is no operator (did you mean like?), so it was looked for as part of the value",
    "name=>5": "> is no operator (did you mean gt?), so it was looked for as part of the value",
    "tags=lke:vip": "lke is no operator (did you mean like?), so it was looked for as part of the value",
    'name="Bob"': "quotes around a value are part of it; only the items of in: may stand in quotes",
    "stage=null": "for records without a value write stage=is:null",
    "name=Ada  Lovelace": TRIMMED,
    "name= Adam ": TRIMMED,
    "phone= 41": TRIMMED,
    "phone=like: 41  9 ": TRIMMED,
    "notes=Adam ": TRIMMED,
    "name=like: Ada": BLANKS,
    "notes=like:Ada  ": BLANKS,
    "name=lt:  ": BLANKS,
    "custom.region=Adam ": BLANKS,
    "stage=nin:lead,customer": "nin is no operator (did you mean out?), so it was looked for as part of the value",
    "tags=all:vip,saas": "all is no operator (did you mean eq?), so it was looked for as part of the value",
    "name=!Bob": "! is no operator (did you mean ne?), so it was looked for as part of the value",
    "custom.score=>5": "> is no operator (did you mean gt?), so it was looked for as part of the value",
    "email=*@acme.com": "* and % stand for themselves; for a part of the value write email=like:@acme.com",
    "email=like:*@acme.com": "* and % stand for themselves; for a part of the value write email=like:@acme.com",
    "owner=like:me": "me is your address only as a whole value: owner=me",
    "search=name:ada": "search looks for words in all key fields; for one field write name=like:ada",
    "name=like:%Ada%": "* and % stand for themselves; for a part of the value write name=like:Ada",
    "name=Ada L*": '* and % stand for themselves; for a part of the value write name=like:"Ada L"',
    "stage=lead&stage=customer": "all filters must match; for one of several write stage=in:lead,customer",
    "created_at=gte:2026-07-01&created_at=lt:2026-06-01": (
        "nothing is both created_at=gte:2026-07-01T00:00:00Z and created_at=lt:2026-06-01T00:00:00Z"
    ),
    "version=gt:5&version=lt:5": "nothing is both version=gt:5 and version=lt:5",
}


@pytest.mark.parametrize(("query", "note"), NOTES.items(), ids=[query[:40] for query in NOTES])
def test_an_empty_list_says_what_may_be_wrong_with_a_filter(alice: Person, query: str, note: str) -> None:
    assert notes(alice, query) == [note]


def test_what_a_note_proposes_finds_the_records(alice: Person) -> None:
    for query in ("stage=in:lead,customer", "name=like:Ada", "stage=is:null"):
        assert alice.json_of("GET", f"/contacts?{query}")["items"]


def test_a_key_of_custom_that_finds_nothing_is_named(alice: Person) -> None:
    told = "keys of custom count with case, and what is in a list is found by like: custom.Plan"
    assert notes(alice, "custom.Plan=gold") == [told]
    assert notes(alice, "custom.plan=gold") == []


def test_a_number_that_is_compared_with_texts_of_custom_is_told(alice: Person) -> None:
    made = alice.json_of("POST", "/deals", {"title": "Texts", "custom": {"digits": "4005"}})["id"]
    told = 'a number compares with numbers alone: a text in custom.digits, like "4000", is not found'
    for query in ("custom.digits=gte:4000", "custom.digits=between:4000,5000"):
        assert notes(alice, query, "/deals") == [told]
    assert notes(alice, "custom.digits=4005", "/deals") == []
    alice.json_of("PATCH", f"/deals/{made}", {"custom": {"digits": 4005}})
    assert notes(alice, "custom.digits=gte:4000", "/deals") == []


def test_a_list_that_is_not_empty_has_no_such_notes(alice: Person) -> None:
    for query in ("name=like:o", "stage=like:e", "tags=vip,fintech", "stage=in:lead,customer", "name=eq:eq:Dan"):
        assert notes(alice, query) == []


def test_an_empty_list_whose_filters_say_what_they_mean_has_no_notes(alice: Person) -> None:
    for query in (
        "stage=gone",
        "tags=vip,gone",
        "tags=vip,  gone",
        "stage=eq:a,b",
        "notes=http://x.example",
        "stage=like:a, b",
        "owner=me",
    ):
        assert notes(alice, query) == []


def test_not_null_is_told_whatever_is_found(alice: Person) -> None:
    assert notes(alice, "stage=ne:null") == ["null is a text here; for records with a value write stage=not:null"]


def test_an_id_that_names_no_record_is_told(alice: Person) -> None:
    gone = alice.json_of("POST", "/contacts", {"name": "Gone"})["id"]
    assert notes(alice, f"contact={gone}", "/activities") == []
    told = [f"there is no contact {gone} in this workspace"]
    alice.delete(
        f"/contacts/{gone}", params={"confirm": alice.delete(f"/contacts/{gone}?format=json").json()["confirm"]}
    )
    assert notes(alice, f"contact={gone}", "/activities") == told
    assert notes(alice, f"contact_id=in:{gone}", "/deals") == notes(alice, f"id={gone}") == told


def test_a_note_cannot_be_forged(alice: Person) -> None:
    (note,) = notes(alice, "stage=a\n# total: 5,b")
    assert note == f'{COMMA}stage=in:"a\\n# total: 5",b'


def test_a_log_whose_bounds_leave_nothing_says_so(alice: Person) -> None:
    told = ["nothing is both at=gte:2026-07-02T00:00:00Z and at=lte:2026-07-01T23:59:59Z"]
    assert notes(alice, "since=2026-07-02&until=2026-07-01", "/audit") == told
