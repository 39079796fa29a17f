"""What would find nothing for a wrong reason is refused with what may stand there: filters, and parameters of logs."""

from collections.abc import Iterator

import pytest

from tests.house import ALICE, House, Person
from tests.web.refused import refused
from tests.web.requests.queries.book import filled


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        filled(town, person)
        yield person


REFUSED = {
    "/contacts?email=jane": {"email": "must be an address like"},
    "/contacts?email=ne:jane": {"email": "must be an address like"},
    "/contacts?email=in:jane@acme.com,jane": {"email": "must be an address like"},
    "/contacts?email=me": {"email": "must be an address like"},
    "/contacts?owner=bob": {"owner": "must be an address like"},
    "/contacts?name=%20": {"name": "is empty"},
    "/contacts?name=" + "x" * 201: {"name": "has 201 characters; at most 200 fit"},
    "/contacts?tags=vip%20fintech": {"tags": "must be words"},
    "/contacts?tags=like:vip,fintech": {"tags": "must be words"},
    '/contacts?name=in:"Acme, Inc.,Globex': {"name": "has a quote that does not close"},
    '/contacts?name=in:"Acme" Inc.,Globex': {"name": "has something between a closing quote and the next comma"},
    '/contacts?tags="vip,fintech': {"tags": "has a quote that does not close"},
    '/contacts?name=in:"%5Cud800"': {"name": "has a character that no field can keep"},
    "/contacts?email=like:ada@acme.com,bob@globex.com": {"email": "must be part of an address"},
    "/contacts?stage=not:lead": {"stage": "takes not:null only; ne: finds all records but"},
    "/companies?domain=like:acme%20com": {"domain": "must be part of a domain"},
    "/companies?domain=like:www.": {"domain": "has nothing but www., without which domains are kept"},
    "/contacts?phone=like:%E2%80%AA": {"phone": "is empty"},
    "/contacts?phone=like:%20%E2%80%8B": {"phone": "is empty"},
    "/contacts?phone=gt:%E2%80%AA": {"phone": "is empty"},
    "/contacts?email=like:%20": {"email": "is empty"},
    "/companies?domain=like:%20": {"domain": "is empty"},
    "/companies?domain=acme": {"domain": "must be a domain"},
    "/deals?status=wonn": {"status": "did you mean won"},
    "/deals?status=open,won": {"status": "must be one of open, won, lost"},
    "/deals?currency=EURO": {"currency": "did you mean EUR"},
    "/deals?close_date=2026-02-30": {"close_date": "must be a date"},
    "/deals?amount_cents=5.5": {"amount_cents": "must be a whole number"},
    "/deals?contact_id=co_aaaaaaaa": {"contact_id": "that is the id of a company"},
    "/deals?contact_id=c_aaaaaaab": {"contact_id": "mistyped"},
    "/audit?action=deal.updated": {"action": r"must be one of contact.create, .* \(did you mean deal.update"},
    "/audit?action=token.updated": {"action": r"must be one of .* \(did you mean token.update"},
    "/audit?target=contct": {"target": r"must be a handle, an id or a kind: .* \(did you mean contact"},
    "/audit?target=c_aaaaaaab": {"target": "mistyped"},
    "/audit?target=company/c_aaaaaaaa": {"target": "that is not the handle of a contact"},
    "/audit?target=au_aaaaaaaa": {"target": "must be a handle, an id or a kind"},
    "/audit?by=bob": {"by": "must be an address"},
    "/audit?by=me&by=bob@example.com": {"by": "stands twice"},
    "/audit?since=soon": {"since": "must be a time like"},
    "/activities?kind=cal": {"kind": "did you mean call"},
    "/activities?kind=call&kind=note": {"kind": "stands twice"},
    "/activities?contact=co_aaaaaaaa": {"contact": "that is the id of a company"},
    "/activities?contact=c_aaaaaaab": {"contact": "mistyped"},
    "/activities?on_behalf_of=bob": {"on_behalf_of": "must be an address"},
    "/reminders?days=soon": {"days": "must be 0 to 3650"},
}


@pytest.mark.parametrize(("path", "fields"), REFUSED.items(), ids=[path[:60] for path in REFUSED])
def test_a_value_that_nothing_can_have_is_refused(alice: Person, path: str, fields: dict[str, str]) -> None:
    refused(alice, "invalid_value", "GET", path, None, fields)


def test_a_hint_says_how_ranges_and_empty_fields_are_asked_for(alice: Person) -> None:
    hint = "For a range write created_at=between:FIRST,LAST"
    refused(alice, "invalid_value", "GET", "/deals?created_at=2026-06-10..2026-06-12", None, ["created_at"], hint)
    hint = "For records without a value write amount_cents=is:null"
    refused(alice, "invalid_value", "GET", "/deals?amount_cents=null", None, ["amount_cents"], hint)


def test_a_part_of_a_domain_may_be_a_label_in_any_script(alice: Person) -> None:
    alice.post("/companies", json={"name": "M", "domain": "www2.münchen.example"})
    alice.post("/contacts", json={"name": "M", "email": "m@münchen.example"})
    assert alice.json_of("GET", "/companies?domain=like:MÜNCHEN")["total"] == 1
    assert alice.json_of("GET", "/companies?domain=like:2.münchen.ex")["total"] == 1
    assert alice.json_of("GET", "/contacts?email=like:@münchen")["total"] == 1


@pytest.mark.parametrize(
    "query",
    ["domain=like:www.kelas", "domain=like:https://www.kelason.ex", "domain=like:www.kelason.example"]
    + [f"search={text}" for text in ("www.kelason.example", "https://www.kelason.example/about?x%3D1", "www.kelas")],
)
def test_a_company_is_found_by_the_address_of_a_page_with_www(alice: Person, query: str) -> None:
    alice.post("/companies", json={"name": "K", "domain": "kelason.example"})
    assert [found["name"] for found in alice.json_of("GET", f"/companies?{query}")["items"]] == ["K"]


def test_a_search_of_all_kinds_finds_a_company_by_the_address_of_a_page(alice: Person) -> None:
    company = alice.json_of("POST", "/companies", {"name": "G", "domain": "globex.example"})
    assert company["handle"] in alice.text("GET", "/search?q=https://www.globex.example/about")


def test_a_comma_in_a_field_of_few_words_leads_to_in(alice: Person) -> None:
    hint = "For one of several write status=in:VALUE,VALUE"
    refused(alice, "invalid_value", "GET", "/deals?status=open,won", None, ["status"], hint)


@pytest.mark.parametrize("text", ["%3E5", "%3E=5", "gtt:5", "after:5"])
def test_a_mistyped_operator_of_a_number_is_refused(alice: Person, text: str) -> None:
    refused(alice, "invalid_operator", "GET", f"/deals?amount_cents={text}", None, {"amount_cents": "has no operator"})


def test_a_plus_in_an_address_may_arrive_as_a_blank(alice: Person) -> None:
    alice.post("/contacts", json={"name": "Plus", "email": "plus+sign@x.example"})
    for query in ("email=plus+sign@x.example", "email=like:plus+s", "email=in:plus+sign@x.example,a@b.example"):
        assert alice.json_of("GET", f"/contacts?{query}")["total"] == 1


def test_me_is_the_address_of_the_caller_in_bodies_and_filters(alice: Person) -> None:
    made = alice.json_of("POST", "/contacts", {"name": "Mine", "owner": "me"})
    assert made["owner"] == ALICE
    assert [item["id"] for item in alice.json_of("GET", "/contacts?owner=Me")["items"]] == [made["id"]]
    alice.json_of("PATCH", f"/contacts/{made['id']}", {"owner": None})
    assert alice.json_of("PATCH", f"/contacts/{made['id']}", {"owner": " ME "})["owner"] == ALICE
    activity = alice.json_of("POST", f"/contacts/{made['id']}/activities", {"body": "x", "on_behalf_of": "me"})
    assert activity["on_behalf_of"] == ALICE
    (found,) = alice.json_of("GET", "/activities?on_behalf_of=me,bob@example.com")["items"]
    assert found["id"] == activity["id"]
    assert alice.json_of("GET", "/audit?by=me")["total"] == alice.json_of("GET", f"/audit?by={ALICE}")["total"] > 0
    refused(alice, "invalid_value", "POST", "/contacts", {"name": "x", "email": "me"}, {"email": "must be an address"})


def test_the_target_of_the_audit_may_be_a_kind_in_the_singular_and_in_the_plural(alice: Person) -> None:
    every = alice.json_of("GET", "/audit?limit=200")["items"]
    for kind, words in {"contact": ("contact", "contacts", "Contact"), "token": ("token", "tokens")}.items():
        expected = [entry["id"] for entry in every if entry["target"].startswith(f"{kind}/")]
        assert expected
        for word in words:
            found = alice.json_of("GET", f"/audit?limit=200&target={word}")
            assert ([entry["id"] for entry in found["items"]], found["total"]) == (expected, len(expected))
    handle = every[0]["target"]
    for word in (handle, handle.partition("/")[2], handle.replace("/", "%2F")):
        assert {entry["target"] for entry in alice.json_of("GET", f"/audit?target={word}")["items"]} == {handle}


def test_the_kind_of_an_activity_may_be_in_the_plural(alice: Person) -> None:
    contact = alice.json_of("GET", "/contacts?limit=1")["items"][0]["id"]
    activity = alice.json_of("POST", f"/contacts/{contact}/activities", {"kind": "calls", "body": "x"})
    assert activity["kind"] == "call"
    assert activity["id"] in [item["id"] for item in alice.json_of("GET", "/activities?kind=Calls,notes")["items"]]


def test_a_day_as_until_goes_up_to_its_end(alice: Person, town: House) -> None:
    day = str(town.clock())[:10]
    everything = alice.json_of("GET", "/audit?limit=1")["total"]
    assert alice.json_of("GET", f"/audit?limit=1&until={day}")["total"] == everything
    assert alice.json_of("GET", f"/audit?limit=1&until={day}T00:00:00Z")["total"] < everything
    assert alice.json_of("GET", f"/audit?limit=1&since={day}")["total"] > 0
