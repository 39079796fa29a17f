"""Filters, sorts and pages of GET /contacts, over HTTP, in text and in JSON."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from crmkit.render import parse
from tests.house import ALICE, CHARLIE, House, Person
from tests.kinds import CONTACT
from tests.web.refused import refused
from tests.web.requests.queries.book import filled

EVERY_FIELD = ",".join(CONTACT.by_name)


@dataclass
class Book:
    """An address book and its reader; `letters` is the id of each entry by its letter."""

    person: Person
    letters: dict[str, str]

    def asked(self, query: str, **more: str) -> str:
        """Return the letters of what a query finds, in order; text and JSON must tell the same."""
        pairs = [tuple(part.split("=", 1)) for part in query.split("&") if part]
        params = [*pairs, *more.items()]
        page = self.person.json_of("GET", "/contacts", params=params)
        assert "items" in page, page
        self.same_in_text(params, page)
        return self.spelled(page["items"])

    def same_in_text(self, params: list[Any], page: dict[str, Any]) -> None:
        lines = self.person.text("GET", "/contacts", params=[*params, ("fields", EVERY_FIELD)]).splitlines()
        count = len(page["items"])
        assert [parse.record(CONTACT, line) for line in lines[:count]] == page["items"]
        rest = [f"# {count} contacts"]
        if page["total"] is not None:
            rest.append(f"# total: {page['total']}")
        rest += [f"# note: {note}" for note in page.get("notes", [])]
        if page["next_cursor"] is not None:
            rest.append(f"# next: {page['next_cursor']}")
        assert lines[count:] == rest

    def spelled(self, items: list[dict[str, Any]]) -> str:
        letter_of = {id: letter for letter, id in self.letters.items()}
        return "".join(letter_of[item["id"]] for item in items)


@pytest.fixture(scope="module")
def book(town: House) -> Iterator[Book]:
    with town.sign_in(ALICE) as alice:
        yield Book(alice, filled(town, alice))


FILTERS = {
    # equality is without case, and what stands before the first colon is an operator only if it is one
    "name=ADA LOVELACE": "A",
    "name=eq:bob": "B",
    "name=eq:eq:dan": "D",
    "name=ÉMILE zola": "E",
    "notes=http://GLOBEX.com": "B",
    "stage=lead": "AB",
    "email=ADA@Acme.com": "A",
    "phone=+49 30 1": "A",
    "created_by=ALICE@example.com": "ABCDE",
    # the other operators; ne also finds the empty ones, the orders do not
    "stage=ne:lead": "CDE",
    "email=ne:ada@acme.com": "BCDE",
    "stage=gt:customer": "AB",
    "stage=gte:customer": "ABC",
    "stage=lt:customer": "E",
    "stage=lte:customer": "CE",
    "stage=in:lead,CUSTOMER": "ABC",
    "stage=in:nothing": "",
    "stage=is:null": "D",
    "stage=not:null": "ABCE",
    "email=is:NULL": "C",
    "company_id=is:null": "ABCDE",
    "last_activity_at=not:null": "",
    "activities=0": "ABCDE",
    "version=gt:1": "",
    "version=in:1,2": "ABCDE",
    # like is contains, and its wildcards are ordinary characters
    "stage=like:EA": "AB",
    "email=like:@ACME": "ADE",
    "name=like:émi": "E",
    "name=like:%": "",
    "notes=like:50%_OFF": "A",
    "notes=like:%": "A",
    "notes=like:_": "A",
    "notes=ne:500 off": "ABCE",
    "notes=not:null": "ABD",
    # times, with an offset or as a date; + as it comes unescaped
    "created_at=2026-06-10T11:00:00+02:00": "A",
    "created_at=2026-06-10T09:00:00Z": "A",
    "created_at=2026-06-10T11:00:00 02:00": "A",
    "created_at=2026-06-11": "B",
    "created_at=ne:2026-06-11": "ACDE",
    "created_at=gt:2026-06-11": "CDE",
    "created_at=lt:2026-06-11": "A",
    "created_at=lte:2026-06-11": "AB",
    "created_at=in:2026-06-10,2026-06-12,2026-06-14T09:00:00Z": "ACE",
    "follow_up_at=ne:2026-06-01": "BCDE",
    "created_at=gte:2026-06-12": "CDE",
    "created_at=in:2026-06-10T09:00:00Z,2026-06-14T09:00:00Z": "AE",
    "follow_up_at=2026-07-01": "B",
    "created_by=me": "ABCDE",
    "created_by=in:Me,bob@example.com": "ABCDE",
    "created_by=ne:me": "",
    "owner=me": "",
    'name=in:"Bob",Cleo': "BC",
    'tags=in:"fintech",saas': "AC",
    "follow_up_at=lt:2026-06-15": "A",
    "follow_up_at=is:null": "CDE",
    # AND, also when one field stands twice
    "stage=lead&email=like:acme": "A",
    "created_at=gte:2026-06-11&created_at=lt:2026-06-13T09:00:00Z": "BC",
    "custom.score=gt:5&custom.score=lt:10": "C",
    "name=like:o&name=like:b": "B",
    "stage=lead&stage=customer": "",
    # tags
    "tags=vip": "AB",
    "tags=VIP,fintech": "A",
    "tags=fintech,vip": "A",
    "tags=in:fintech,saas": "AC",
    "tags=ne:vip": "CDE",
    "tags=ne:vip,fintech": "BCDE",
    "tags=like:fin": "A",
    "tags=vi": "",
    "tags=is:null": "DE",
    # custom: numbers as numbers, text as text without case, nested and quoted keys
    "custom.score=5": "A",
    "custom.score=5.0": "A",
    "custom.score=gte:9": "BC",
    "custom.score=lt:10": "AC",
    "custom.score=in:5,10": "AB",
    "custom.score=ne:5": "BCDE",
    "custom.score=7": "D",
    "custom.score=is:null": "E",
    "custom.plan=GOLD": "A",
    "custom.plan=10": "C",
    "custom.plan=like:ol": "A",
    "custom.ok=true": "A",
    "custom.ok=false": "B",
    "custom.ok=ne:true": "BCDE",
    "custom.address.city=rome": "A",
    "custom.address.city=like:ROM": "AB",
    "custom.address=not:null": "AB",
    'custom."full name"=ada l': "A",
    'custom."address"."city"=roma': "B",
    'custom."a.b"=dot': "C",
    "custom.a.b=dot": "",
    "custom.nowhere=is:null": "ABCDE",
    "custom=is:null": "E",
    # search: every word, anywhere in the key fields, without case and accents; filters hold as well
    "search=ACME": "ADE",
    "search=ada acme": "A",
    "search=emile": "E",
    "search=ovelac": "A",
    "search=ada globex": "",
    "search=acme&stage=is:null": "D",
    "search=%": "A",
    'search=" OR NEAR(': "",
    "": "ABCDE",
}


@pytest.mark.parametrize(("query", "letters"), FILTERS.items(), ids=FILTERS)
def test_a_filter_finds_these_and_no_others(book: Book, query: str, letters: str) -> None:
    assert book.asked(query, sort="created_at") == letters


SORTS = {
    "": "EDCBA",
    "created_at": "ABCDE",
    "-created_at": "EDCBA",
    "-name": "EDCBA",
    "email": "ABDEC",
    "-email": "EDBAC",
    "follow_up_at": "AB{CDE}",
    "-follow_up_at": "BA{EDC}",
    "stage,created_at": "ECABD",
    "-stage,-created_at": "BACED",
    "stage,-created_at": "ECBAD",
    "tags,name": "CBADE",
    "custom.score": "ACBDE",
    "-custom.score": "DBCAE",
    "custom.address.city,-name": "BAEDC",
    "version,activities,-created_at": "EDCBA",
}


@pytest.mark.parametrize(("sort", "letters"), SORTS.items(), ids=SORTS)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_in_any_order_join_to_the_whole_with_empty_values_last(
    book: Book, sort: str, letters: str, limit: int
) -> None:
    found, cursor, pages = "", "", 0
    while cursor is not None and pages <= 5:
        more = {name: text for name, text in (("sort", sort), ("cursor", cursor)) if text}
        page = book.person.json_of("GET", "/contacts", params={"limit": limit, **more})
        book.same_in_text([("limit", limit), *more.items()], page)
        assert page["total"] == (None if cursor else 5)
        found += book.spelled(page["items"])
        cursor = page["next_cursor"]
        pages += 1
    head, _, ties = letters.partition("{")
    if ties:  # equal in every key: by id, in the direction of the last key
        by_id = sorted("CDE", key=lambda letter: book.letters[letter], reverse=sort.startswith("-"))
        head += "".join(by_id)
    assert found == head


def test_a_cursor_goes_on_only_in_its_own_query_and_workspace(town: House, book: Book) -> None:
    query = {"stage": "not:null", "sort": "name", "limit": "1"}
    first = book.person.json_of("GET", "/contacts", params=query)
    cursor = first["next_cursor"]

    def with_(**other: str) -> dict[str, Any]:
        return {"params": {**query, "cursor": cursor, **other}}

    second = book.person.json_of("GET", "/contacts", **with_())
    assert book.spelled(second["items"]) == "B"
    for harmless in ({"limit": "2"}, {"fields": "name"}, {"count": "exact"}, {"stage": "not:NULL"}):
        page = book.person.json_of("GET", "/contacts", **with_(**harmless))
        assert book.spelled(page["items"]).startswith("B")
    elsewhere = (
        {"sort": "-name"},
        {"sort": "name,email"},
        {"stage": "is:null"},
        {"email": "not:null"},
        {"search": "a"},
    )
    for other in elsewhere:
        refused(book.person, "invalid_cursor", "GET", "/contacts", does="same filters", **with_(**other))
    refused(book.person, "invalid_cursor", "GET", "/audit", params={"cursor": cursor})
    with town.sign_in(CHARLIE) as charlie:
        refused(charlie, "invalid_cursor", "GET", "/contacts", does="same workspace", **with_())


def test_a_cursor_that_was_tampered_with_is_refused(book: Book) -> None:
    cursor = book.person.json_of("GET", "/contacts", params={"limit": "2"})["next_cursor"]
    spoiled = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(len(cursor))]
    spoiled += [cursor[:-1], cursor + "A", cursor + "=", cursor * 2, cursor.swapcase(), "é", "../../etc/passwd"]
    for other in spoiled:
        answer = book.person.get("/contacts", params={"limit": "2", "cursor": other})
        assert (answer.status_code, answer.text.split("\n")[0]) == (400, "ERROR invalid_cursor"), other
    assert book.person.get("/contacts", params={"limit": "2", "cursor": cursor}).status_code == 200


def test_more_than_the_limit_is_served_as_the_limit_with_a_note(book: Book) -> None:
    for limit in ("201", "999999999"):
        assert book.person.text("GET", f"/contacts?limit={limit}").splitlines()[-2:] == [
            "# total: 5",
            "# note: limit is 200",
        ]
        assert book.person.json_of("GET", f"/contacts?limit={limit}")["notes"] == ["limit is 200"]
    assert "notes" not in book.person.json_of("GET", "/contacts?limit=200")


def test_a_typo_in_a_search_is_forgiven_and_said_so(book: Book) -> None:
    page = book.person.json_of("GET", "/contacts", params={"search": "lovelase"})
    assert book.spelled(page["items"]) == "A"
    assert page["notes"] == ["no exact match, closest shown"]
    assert "# note: no exact match, closest shown\n" in book.person.text("GET", "/contacts?search=lovelase")


def test_chosen_fields_are_all_that_is_shown(book: Book) -> None:
    id = book.letters["A"]
    line = f'contact/{id}  notes="50%_off, met in Rome"  tags=vip,fintech'
    assert book.person.text("GET", f"/contacts/{id}?fields=notes,tags,follow_up_note") == f"{line}\n"
    assert book.person.text("GET", "/contacts?email=ada@acme.com&fields=notes,tags").split("\n")[0] == line
    chosen = {"handle": f"contact/{id}", "id": id, "notes": "50%_off, met in Rome", "follow_up_note": None}
    assert book.person.json_of("GET", f"/contacts/{id}?fields=notes,follow_up_note") == chosen
    page = book.person.json_of("GET", "/contacts?email=ada@acme.com&fields=notes,follow_up_note,notes")
    assert page["items"] == [chosen]


def test_a_list_leaves_out_long_and_empty_fields_and_one_record_does_not(book: Book) -> None:
    id = book.letters["A"]
    listed = book.person.text("GET", f"/contacts?id={id}").split("\n")[0]
    whole = book.person.text("GET", f"/contacts/{id}")
    assert "notes=" not in listed
    assert "phone=" in listed
    assert "notes=" in whole
    assert "created_at=" in whole
    assert "null" not in listed + whole
