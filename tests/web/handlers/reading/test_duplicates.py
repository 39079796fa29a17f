"""Likely duplicates over HTTP: the words of notes, rows and JSON; pages; what is refused."""

from typing import Any

import pytest

from tests.house import House, Person
from tests.teams.office import address, enter, new
from tests.web.refused import refused


@pytest.fixture
def alice(town: House) -> Person:
    """Alice, in a workspace that is hers alone in each test."""
    return enter(town, address("alice"))


def made(person: Person, path: str = "/contacts", **body: Any) -> Any:
    return person.json_of("POST", path, body)


def test_a_create_notes_the_other_above_its_outcome(alice: Person) -> None:
    jane = made(alice, name="Jane Doe", city="Oslo")
    text = alice.text("POST", "/contacts", {"name": "jane doe", "city": "oslo"})
    assert text.splitlines()[1:] == [f"# note: may be the same as {jane['handle']} (name and city)", "# created"]
    assert "potential_duplicate" not in jane
    assert made(alice, name="Jane Doe", city="Oslo")["potential_duplicate"].startswith("contact/c_")


def test_merge_alike_says_by_what_it_merged(alice: Person) -> None:
    jane = made(alice, name="Jane Doe", phone="+49 30 1234567")
    text = alice.text("POST", "/contacts?merge=alike", {"name": "Jane M. Doe", "phone": "+493012345 67"})
    assert text.startswith(f"{jane['handle']}  ")
    assert text.splitlines()[1:] == ["# note: merged by phone and name", "# updated"]
    refused(alice, "invalid_value", "POST", "/contacts?merge=all", {"name": "X"}, ["merge"], "merge=alike")
    assert list(alice.json_of("POST", "/companies?merge=alike", {"name": "X"})["fields"]) == ["merge"]


def test_pairs_are_rows_in_pages(alice: Person) -> None:
    for number in range(5):
        for _ in range(2):
            made(alice, name=f"Jane {number}", city="Oslo")
    lines = alice.text("GET", "/duplicates?kind=contact&limit=2").splitlines()
    assert lines[0].startswith("duplicates  a=contact/c_")
    assert lines[0].endswith('  reason="name and city"  likeness=1.0')
    assert lines[2:4] == ["# 2 duplicates", "# total: 5"]
    assert lines[4].startswith("# next: ")
    seen, cursor = [], ""
    while cursor is not None:
        page = alice.json_of("GET", f"/duplicates?limit=2&cursor={cursor}")
        seen += page["items"]
        cursor = page["next_cursor"]
    assert len({frozenset((pair["a"], pair["b"])) for pair in seen}) == len(seen) == 5
    assert {(pair["reason"], pair["likeness"]) for pair in seen} == {("name and city", 1.0)}


def test_two_records_are_dismissed_by_ids_handles_and_keys(alice: Person) -> None:
    one = made(alice, name="Jane", city="Oslo", email="jane@acme.example")
    other = made(alice, name="Jane", city="Oslo")
    body = {"a": "jane@acme.example", "b": other["handle"]}
    for _ in range(2):
        answer = alice.json_of("POST", "/duplicates/dismiss", body)
        assert (answer["ok"], answer["a"], answer["b"]) == (True, one["handle"], other["handle"])
    assert alice.json_of("GET", "/duplicates")["items"] == []
    assert alice.json_of("GET", "/audit?action=dismissal.create")["total"] == 1


def test_what_is_no_pair_is_refused(alice: Person, town: House) -> None:
    jane, acme = made(alice, name="Jane"), made(alice, "/companies", name="Acme")
    path, ticket = "/duplicates/dismiss", new(alice, "/tickets", subject="Broken")
    for b, fault in ((jane["id"], "same record"), (acme["id"], "another kind")):
        refused(alice, "invalid_value", "POST", path, {"a": jane["id"], "b": b}, {"b": fault})
    for b in (ticket, "nope", f"{jane['id'][:-1]}{'a' if jane['id'][-1] != 'a' else 'b'}"):
        refused(alice, "invalid_reference", "POST", path, {"a": jane["id"], "b": b}, ["b"])
    refused(alice, "missing_field", "POST", path, {"a": jane["id"]}, ["b"])
    refused(alice, "unknown_field", "POST", path, {"a": jane["id"], "b": acme["id"], "c": 1}, ["c"])
    foreign = made(enter(town, address("charlie")), name="Jane")
    refused(alice, "invalid_reference", "POST", path, {"a": jane["id"], "b": foreign["id"]}, ["b"])
    refused(alice, "invalid_value", "GET", "/duplicates?kind=ticket", None, {"kind": "must be one of contacts"})
    refused(alice, "invalid_cursor", "GET", "/duplicates?cursor=abc")
    assert alice.json_of("GET", "/audit?target=dismissal")["total"] == 0
