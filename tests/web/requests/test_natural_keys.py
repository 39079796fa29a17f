"""Natural keys: wherever the id of a contact or company goes, its email or domain works."""

from collections.abc import Iterator
from itertools import count
from urllib.parse import quote

import pytest

from tests.house import ALICE, CHARLIE, House, Person
from tests.web.refused import refused

NUMBERS = count(1)


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


@pytest.fixture
def acme(alice: Person) -> tuple[str, str]:
    domain = f"acme{next(NUMBERS)}.com"
    return domain, alice.json_of("POST", "/companies", {"name": "Acme", "domain": domain})["id"]


@pytest.fixture
def jane(alice: Person) -> tuple[str, str]:
    email = f"jane{next(NUMBERS)}@jane.example"
    return email, alice.json_of("POST", "/contacts", {"name": "Jane", "email": email})["id"]


def test_every_method_of_a_path_takes_an_email_or_a_domain(
    alice: Person, jane: tuple[str, str], acme: tuple[str, str]
) -> None:
    for plural, (key, id) in (("contacts", jane), ("companies", acme)):
        for spelled in (key, key.upper(), quote(key, safe=""), id):
            one = f"/{plural}/{spelled}"
            assert alice.json_of("GET", one)["id"] == id
            assert alice.head(one).status_code == 200
            assert alice.json_of("PATCH", one, {"notes": spelled})["notes"] == spelled
            assert alice.json_of("POST", f"{one}/activities", {"body": "x"})[f"{id_name(plural)}"] == id
            assert alice.json_of("GET", f"{one}/activities")["total"] > 0
            assert f"DELETE /{plural}/{id}?confirm=" in alice.text("DELETE", one)
        singular = "/contact" if plural == "contacts" else "/company"
        assert alice.json_of("GET", f"{singular}/{key}")["id"] == id
    key, id = acme
    confirm = alice.json_of("DELETE", f"/companies/{key}")["confirm"]
    assert alice.json_of("DELETE", f"/companies/{key}?confirm={confirm}")["id"] == id
    refused(alice, "not_found", "GET", f"/companies/{key}", does=f"There is no company {key} in this workspace")


def id_name(plural: str) -> str:
    return "contact_id" if plural == "contacts" else "company_id"


def test_a_body_takes_them_and_stores_the_id(alice: Person, jane: tuple[str, str], acme: tuple[str, str]) -> None:
    deal = alice.json_of("POST", "/deals", {"title": "X", "contact_id": jane[0], "company_id": acme[0]})
    assert (deal["contact_id"], deal["company_id"]) == (jane[1], acme[1])
    assert (deal["contact_name"], deal["company_name"]) == ("Jane", "Acme")
    changed = alice.json_of("PATCH", f"/contacts/{jane[1]}", {"company_id": f"https://www.{acme[0]}/about"})
    assert changed["company_id"] == acme[1]


def test_in_a_body_a_key_that_names_nothing_or_another_kind_is_an_invalid_reference(
    alice: Person, jane: tuple[str, str], acme: tuple[str, str]
) -> None:
    for field, key, says in (
        ("company_id", "nothing.example", "there is no company nothing.example in this workspace"),
        ("contact_id", "no@nothing.example", "there is no contact no@nothing.example"),
        ("company_id", jane[0], f"{jane[0]} names no company, which is found by its id(, code:X)?"),
        ("contact_id", acme[0], f"{acme[0]} names no contact, which is found by its id"),
        ("company_id", "acme", "acme is no id"),
    ):
        refused(alice, "invalid_reference", "POST", "/deals", {"title": "X", field: key}, {field: says})


def test_a_filter_takes_them_and_one_that_names_nothing_is_an_empty_list(
    alice: Person, jane: tuple[str, str], acme: tuple[str, str]
) -> None:
    assert alice.json_of("PATCH", f"/contacts/{jane[1]}", {"company_id": acme[0]})["id"] == jane[1]
    alice.json_of("POST", f"/contacts/{jane[0]}/activities", {"body": "x"})
    nothing = ("nothing.example", "no@nothing.example")
    for query, found in (
        (f"/contacts?company_id={acme[0]}", 1),
        (f"/contacts?company_id=in:{nothing[0]},{acme[0]},{acme[1]}", 1),
        (f"/contacts?company_id=in:{','.join(nothing)}", 0),
        (f"/contacts?company_id={nothing[0]}", 0),
        (f"/contacts?company_id={jane[0]}", 0),
        (f"/contacts?id={jane[0]}", 1),
        (f"/contacts?id=in:{jane[0]},{nothing[1]}", 1),
        (f"/contacts?id={jane[1]}&company_id=ne:{acme[0]}", 0),
        (f"/contacts?id={jane[1]}&company_id=ne:{nothing[0]}", 1),
        (f"/activities?contact={jane[0]}", 1),
        (f"/activities?contact={jane[0]},{nothing[1]}&company={nothing[0]}", 0),
        (f"/audit?target={jane[0]}&action=contact.update", 1),
        (f"/audit?target={nothing[1]}", 0),
    ):
        assert alice.json_of("GET", query)["total"] == found, query
    notes = alice.json_of("GET", f"/contacts?company_id={nothing[0]}")["notes"]
    assert notes == [f"there is no company {nothing[0]} in this workspace"]


def test_a_key_in_a_filter_that_names_nothing_is_told_whatever_is_found(
    alice: Person, jane: tuple[str, str], acme: tuple[str, str]
) -> None:
    told = "there is no contact code:X in this workspace"
    for query, found in (
        (f"/contacts?id=in:{jane[0]},code:X", 1),
        (f"/contacts?id=in:code:X,{jane[1]}", 1),
        ("/contacts?id=code:X", 0),
        (f"/activities?contact={jane[0]},code:X", 0),
        ("/audit?target=contact/code:X", 0),
    ):
        answer = alice.json_of("GET", query)
        assert (answer["total"], answer["notes"]) == (found, [told]), query
    assert alice.json_of("GET", "/audit?target=code:X")["notes"][0].startswith("there is no contact")
    assert alice.json_of("GET", "/contacts?id=ne:code:X").get("notes", []) == []


def test_a_kind_before_a_key_says_of_which_kind_it_is(
    alice: Person, jane: tuple[str, str], acme: tuple[str, str]
) -> None:
    contact, company = f"contact/{jane[0]}", f"company/{acme[0]}"
    assert alice.json_of("GET", f"/contacts/{quote(contact, safe='')}")["id"] == jane[1]
    deal = alice.json_of("POST", "/deals", {"title": "X", "contact_id": contact, "company_id": company})
    assert (deal["contact_id"], deal["company_id"]) == (jane[1], acme[1])
    for query in (
        f"/deals?contact_id={contact}",
        f"/contacts?id=in:{contact}",
        f"/audit?target={contact}",
        f"/audit?target=contacts/{jane[0]}",
        f"/audit?target=company/{acme[0]}",
    ):
        assert alice.json_of("GET", query)["total"] == 1, query
    other = {"contact_id": f"{acme[0]} names no contact"}
    refused(alice, "invalid_reference", "POST", "/deals", {"title": "X", "contact_id": company}, other)
    refused(alice, "not_found", "GET", f"/contacts/{quote(company, safe='')}")


def test_the_log_of_a_key_is_that_of_all_that_it_names(alice: Person) -> None:
    contact = alice.json_of("POST", "/contacts", {"name": "X", "code": "both/1"})["handle"]
    company = alice.json_of("POST", "/companies", {"name": "X", "code": "both/1"})["handle"]
    entries = alice.json_of("GET", "/audit?target=code:both/1")["items"]
    assert {entry["target"] for entry in entries} == {contact, company}
    (entry,) = alice.json_of("GET", "/audit?target=company/code:both/1")["items"]
    assert entry["target"] == company


def test_a_cursor_goes_on_in_a_list_that_a_key_filters(alice: Person, acme: tuple[str, str]) -> None:
    for number in range(3):
        alice.json_of("POST", "/contacts", {"name": f"N{number}", "company_id": acme[0]})
    query = f"/contacts?company_id={acme[0]}&limit=2"
    first = alice.json_of("GET", query)
    assert len(alice.json_of("GET", f"{query}&cursor={first['next_cursor']}")["items"]) == 1


@pytest.mark.parametrize("local", ["a/b", "a?b", "a#b", "a%b", "a%2Fb", "a+b", "contact/c"])
def test_in_a_path_signs_of_a_key_are_percent_encoded_once(alice: Person, local: str) -> None:
    email = f"{local}{next(NUMBERS)}@odd.example"
    id = alice.json_of("POST", "/contacts", {"name": "Odd", "email": email})["id"]
    path = f"/contacts/{quote(email, safe='')}"
    assert alice.json_of("GET", path)["id"] == id
    assert alice.json_of("POST", f"{path}/activities", {"body": "x"})["contact_id"] == id


def test_a_word_that_is_no_key_is_not_found_and_the_forms_are_named(alice: Person) -> None:
    for path, forms in (("/contacts", "id.*email"), ("/companies", "id.*domain"), ("/contacts", "a contact is found")):
        for method, more in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/activities")):
            told = refused(alice, "not_found", method, f"{path}/acme{more}", {} if method == "PATCH" else None)
            assert told["hint"].startswith("acme is no id")
            assert forms.split(".*")[-1] in told["hint"].lower()
    refused(alice, "not_found", "GET", "/contacts/acme.com", does="A contact is found by its id")
    refused(alice, "not_found", "GET", "/companies/jane@acme.com", does="A company is found by its id")


def test_a_key_leads_to_nothing_in_another_workspace(town: House, alice: Person, jane: tuple[str, str]) -> None:
    with town.sign_in(CHARLIE) as charlie:
        refused(charlie, "not_found", "GET", f"/contacts/{jane[0]}", does="There is no contact")
        body = {"title": "X", "contact_id": jane[0]}
        refused(charlie, "invalid_reference", "POST", "/deals", body, {"contact_id": "there is no contact"})
        assert charlie.json_of("GET", f"/contacts?id={jane[0]}")["total"] == 0


def test_a_tool_call_takes_them_too(alice: Person, jane: tuple[str, str]) -> None:
    for path in (f"/contacts/{jane[0]}", f"/contacts/{quote(jane[0], safe='')}"):
        call = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": "read", "arguments": {"path": path}},
        }
        answer = alice.post("/mcp", json=call, headers={"Accept": "application/json, text/event-stream"})
        assert f"contact/{jane[1]}" in answer.text


def test_an_activity_is_found_by_its_id_in_another_system(alice: Person, jane: tuple[str, str]) -> None:
    body = {"body": "x", "source_id": f"<{jane[1]}/1@mail.example>"}
    id = alice.json_of("POST", f"/contacts/{jane[0]}/activities", body)["id"]
    one = f"/activities/{quote('source:' + body['source_id'], safe='')}"
    assert alice.json_of("GET", one)["id"] == id
    assert alice.json_of("PATCH", one, {"outcome": "y"})["outcome"] == "y"
    assert alice.json_of("DELETE", one)["id"] == id
    refused(alice, "not_found", "GET", one, does="There is no activity source:")
