"""Groups of filters over HTTP: of `or.` filters one must match, of `or2.` filters another."""

from collections.abc import Iterator

import pytest

from tests.house import ALICE, House, Person
from tests.web.handlers.configuration.declaring import declared
from tests.web.requests.queries.book import filled


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        filled(town, person)
        yield person


FOUND = {
    "or.stage=lead&or.tags=saas": ["Ada Lovelace", "Bob", "Cleo"],
    "or.stage=lead&or.tags=saas&email=not:null": ["Ada Lovelace", "Bob"],
    "or.stage=lead&or.tags=saas&or2.custom.score=gt:9&or2.phone=not:null": ["Ada Lovelace", "Bob", "Cleo"],
    "or.stage=is:null&or9.stage=lead&or9.name=starts:eq": ["eq:Dan"],
    "or.email=ada@acme.com&or.email=bob@globex.com&or.email=nobody@acme.com": ["Ada Lovelace", "Bob"],
    "search=acme.com&or.stage=lead&or.stage=churned": ["Ada Lovelace", "Émile Zola"],
    "search=acme.com&sort=name&or.stage=lead&or.stage=churned": ["Ada Lovelace", "Émile Zola"],
    "or.follow_up_at=lt:2026-06-10&or.follow_up_at=is:null": ["Ada Lovelace", "Cleo", "eq:Dan", "Émile Zola"],
}


@pytest.mark.parametrize("query", FOUND)
def test_records_that_meet_one_filter_of_each_group_are_listed_and_counted(alice: Person, query: str) -> None:
    found = alice.json_of("GET", f"/contacts?{query}")
    assert sorted(each["name"] for each in found["items"]) == FOUND[query]
    names = []
    path = cursor = f"/contacts?{query}&limit=1"
    while cursor:
        page = alice.json_of("GET", path)
        names += [each["name"] for each in page["items"]]
        assert page["total"] in (len(FOUND[query]), None)
        cursor = page["next_cursor"]
        path = f"/contacts?{query}&limit=1&cursor={cursor}"
    assert names == [each["name"] for each in found["items"]]


def test_a_cursor_goes_with_the_groups_that_made_it(alice: Person) -> None:
    cursor = alice.json_of("GET", "/contacts?or.stage=lead&or.tags=saas&limit=1")["next_cursor"]
    swapped = f"/contacts?or2.tags=saas&or2.stage=lead&limit=1&cursor={cursor}"
    assert len(alice.json_of("GET", swapped)["items"]) == 1
    for others in ("stage=lead&tags=saas", "or.stage=lead&or.tags=vip", "or.stage=lead&or.tags=saas&name=x"):
        assert alice.json_of("GET", f"/contacts?{others}&limit=1&cursor={cursor}")["error"] == "invalid_cursor"


def test_a_filter_alone_in_its_group_is_noted(alice: Person) -> None:
    for query in ("stage=lead&or.tags=saas", "or.stage=lead&or.stage=churned&or2.tags=vip"):
        notes = alice.json_of("GET", f"/contacts?{query}")["notes"]
        assert len([note for note in notes if "is alone in its group, so it must match" in note]) == 1
    assert "notes" not in alice.json_of("GET", "/contacts?or.stage=lead&or.tags=saas")


def test_notes_on_filters_of_groups_name_them_as_they_were_sent(alice: Person) -> None:
    notes = alice.json_of("GET", "/contacts?or.source=a,b&or2.source=null&or.source=x&or2.source=y")["notes"]
    assert notes == [
        "a comma is part of the value; for one of several write or.source=in:a,b",
        "for records without a value write or2.source=is:null",
    ]


def test_declared_keys_stand_in_groups(alice: Person) -> None:
    declared(alice, "plan", "text")
    query = "/contacts?or.custom.plan=gold&or.custom.plan=in:10,x&sort=name"
    assert [each["name"] for each in alice.json_of("GET", query)["items"]] == ["Ada Lovelace", "Cleo"]
    assert alice.json_of("GET", f"{query}&limit=1")["total"] == 2
    more = alice.json_of("GET", "/contacts?or.custom.plan=gold&or.stage=churned&sort=custom.plan")
    assert [each["name"] for each in more["items"]] == ["Ada Lovelace", "Émile Zola"]


def test_groups_of_activities_are_those_of_their_parameters(alice: Person) -> None:
    one, two = (alice.json_of("POST", "/contacts", {"name": name})["id"] for name in ("One", "Two"))
    for id, kind in ((one, "call"), (two, "note")):
        alice.json_of("POST", f"/contacts/{id}/activities", {"kind": kind, "body": "x"})
    for path, count in (
        (f"or.contact={one}&or.contact={two}", 2),
        (f"or.contact={one}&or.contact={two}&kind=note", 1),
        (f"or.contact={one}&or.kind=note", 2),
    ):
        assert alice.json_of("GET", f"/activities?{path}")["total"] == count
    for wrong in ("or.limit", "or.contct", "or.search", "contct"):
        answer = alice.json_of("GET", f"/activities?{wrong}=5")
        assert (answer["error"], list(answer["fields"])) == ("invalid_filter", [wrong])
    assert alice.json_of("GET", "/activities?or.since=soon")["fields"].keys() == {"or.since"}
    assert alice.json_of("GET", "/reminders?or.owner=me")["error"] == "invalid_filter"


def test_what_groups_find_is_deleted_by_the_same_filters(alice: Person) -> None:
    for name, stage in (("Gone 1", "old"), ("Gone 2", None), ("Stays", "new")):
        alice.json_of("POST", "/contacts", {"name": name, "stage": stage, "source": "groups"})
    path = "/contacts?source=groups&or.stage=old&or.stage=is:null"
    assert alice.json_of("GET", path)["total"] == 2
    asked = alice.json_of("DELETE", path)
    assert (asked["error"], asked["count"]) == ("confirmation_required", 2)
    assert alice.json_of("DELETE", f"{path}&confirm={asked['confirm']}")["count"] == 2
    assert [each["name"] for each in alice.json_of("GET", "/contacts?source=groups")["items"]] == ["Stays"]


def test_natural_keys_stand_in_groups(alice: Person) -> None:
    company = alice.json_of("POST", "/companies", {"name": "Groups", "domain": "groups.example"})["id"]
    alice.json_of("POST", "/contacts", {"name": "Keyed", "company_id": company})
    (found,) = alice.json_of("GET", "/contacts?or.company_id=groups.example&or.name=nobody")["items"]
    assert found["name"] == "Keyed"
    answer = alice.json_of("GET", "/contacts?or.company_id=nowhere.example&or.name=nobody")
    assert any("nowhere.example" in note for note in answer["notes"])
