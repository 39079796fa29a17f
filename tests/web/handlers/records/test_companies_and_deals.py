"""Companies and deals: merging by domain, links that never dangle, limits of their fields, deletes in two steps."""

from collections.abc import Iterator
from typing import Any

import pytest

from crmkit import ids
from tests.core.crowd import Call, at_once, statuses
from tests.house import ALICE, CHARLIE, House, Person, record_in
from tests.kinds import PREFIXES
from tests.web.refused import refused

LINKS = [  # kind that links, by which field, to which kind
    ("contacts", "company_id", "companies"),
    ("deals", "company_id", "companies"),
    ("deals", "contact_id", "contacts"),
]
TITLE = {"contacts": "name", "companies": "name", "deals": "title"}
PREFIX = {"contacts": "c", "companies": "co", "deals": "d"}


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


@pytest.fixture(scope="module")
def charlie(town: House) -> Iterator[Person]:
    with town.sign_in(CHARLIE) as person:
        yield person


def made(person: Person, plural: str, title: str = "Something", **more: Any) -> dict[str, Any]:
    """Create a record and return it."""
    answer = person.send_it(
        "POST", f"/{plural}", {TITLE[plural]: title, **more}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 201, answer.text
    return record_in(answer.json())


def deleted(person: Person, plural: str, id: str) -> None:
    confirm = person.json_of("DELETE", f"/{plural}/{id}")["confirm"]
    assert person.delete(f"/{plural}/{id}?confirm={confirm}").status_code == 200


def counts(person: Person) -> list[int]:
    """Return how many records there are, and how many changes."""
    return [person.json_of("GET", f"/{name}?limit=1&count=exact")["total"] for name in TITLE] + [
        len(person.json_of("GET", "/audit?limit=200")["items"])
    ]


def updates(person: Person, handle: str) -> list[dict[str, Any]]:
    """Return what the updates of a record changed, newest first."""
    entries = person.json_of("GET", f"/audit?target={handle}&limit=200")["items"]
    return [entry["changes"] for entry in entries if entry["action"].endswith(".update")]


def test_a_domain_in_any_case_is_one_company(alice: Person) -> None:
    first = alice.post("/companies", json={"name": "Acme", "domain": "Acme.COM", "tags": ["vip"], "custom": {"a": 1}})
    assert first.status_code == 201
    assert first.text.endswith("\n# created\n")
    again = alice.post("/companies", json={"domain": " aCME.com ", "notes": "met", "custom": {"b": 2}})
    assert again.status_code == 200
    assert again.text.endswith("\n# updated\n")
    (found,) = alice.json_of("GET", "/companies?domain=ACME.com")["items"]
    kept = {"name": "Acme", "domain": "acme.com", "tags": ["vip"], "notes": "met", "custom": {"a": 1, "b": 2}}
    assert {name: found[name] for name in kept} == kept
    assert found["version"] == 2


def test_the_address_of_a_page_is_the_domain_of_its_company(alice: Person) -> None:
    company = made(alice, "companies", "Paged", domain="https://www.Paged.com:443/about?us=1")
    assert company["domain"] == "paged.com"
    for written in ("paged.com", "www.paged.com", "http://paged.com/", "www.paged.com."):
        again = alice.post("/companies", json={"domain": written})
        assert (again.status_code, company["id"] in again.text) == (200, True)
        for operator in ("", "in:globex.com,", "like:"):
            (found,) = alice.get("/companies", params={"domain": f"{operator}{written}", "format": "json"}).json()[
                "items"
            ]
            assert found["id"] == company["id"]
    told = alice.post("/companies", json={"domain": "jane@paged.com"})
    assert "FIELD domain  must be a domain like acme.com; it has '@' at position 5" in told.text


def test_a_new_domain_needs_a_name_and_companies_without_a_domain_never_merge(alice: Person) -> None:
    refused(alice, "missing_field", "POST", "/companies", {"domain": "nameless.com"}, ["name"])
    assert alice.json_of("GET", "/companies?domain=nameless.com")["total"] == 0
    assert made(alice, "companies", "Twin")["id"] != made(alice, "companies", "Twin")["id"]
    assert made(alice, "companies", "Twin", domain="")["domain"] is None


def test_a_taken_domain_names_its_holder(alice: Person) -> None:
    holder = made(alice, "companies", "Holder", domain="holder.com")
    other = made(alice, "companies", "Other")
    facts = refused(alice, "already_exists", "PATCH", f"/companies/{other['id']}", {"domain": "HOLDER.com"}, ["domain"])
    assert facts["handle"] == holder["handle"]
    assert alice.json_of("GET", f"/companies/{other['id']}") == other


def test_a_domain_of_another_workspace_is_free_here(alice: Person, charlie: Person) -> None:
    mine = made(alice, "companies", "Mine", domain="shared.com")
    theirs = made(charlie, "companies", "Theirs", domain="shared.com")
    assert mine["id"] != theirs["id"]
    assert alice.json_of("GET", f"/companies/{mine['id']}")["name"] == "Mine"


def test_forty_posts_of_one_domain_leave_one_company(town: House, alice: Person) -> None:
    calls = [Call("POST", "/companies", {"name": f"Rush {n}", "domain": "rush.com"}) for n in range(40)]
    assert statuses(at_once(town.url, calls, alice.token)) == {201: 1, 200: 39}
    assert alice.json_of("GET", "/companies?domain=rush.com")["total"] == 1


@pytest.mark.parametrize(("plural", "link", "other"), LINKS)
def test_a_link_leads_to_a_live_record_of_the_workspace_or_nothing_is_written(
    alice: Person, charlie: Person, plural: str, link: str, other: str
) -> None:
    record = made(alice, plural)
    gone = made(alice, other)["id"]
    deleted(alice, other, gone)
    wrong = [
        made(charlie, other)["id"],
        gone,
        ids.mint(PREFIX[other]),
        f"{PREFIX[other]}_zzzzzzzz",  # whose check character does not fit
        ids.mint("d" if other != "deals" else "c"),
        "acme",
    ]
    before = counts(alice)
    for id in wrong:
        for spelled in (id, f"{PREFIXES[PREFIX[other]]}/{id}"):
            refused(alice, "invalid_reference", "POST", f"/{plural}", {TITLE[plural]: "X", link: spelled}, [link])
            path = f"/{plural}/{record['id']}"
            refused(alice, "invalid_reference", "PATCH", path, {"notes": "X", link: spelled}, [link])
    assert counts(alice) == before
    assert alice.json_of("GET", f"/{plural}/{record['id']}") == record


def test_every_wrong_link_is_told_at_once(alice: Person) -> None:
    wrong = {"title": "X", "contact_id": ids.mint("c"), "company_id": ids.mint("co")}
    refused(alice, "invalid_reference", "POST", "/deals", wrong, ["contact_id", "company_id"], "look its id up")


@pytest.mark.parametrize(("plural", "link", "other"), LINKS)
def test_the_name_of_a_linked_record_follows_renames_and_is_filtered_sorted_and_searched(
    alice: Person, plural: str, link: str, other: str
) -> None:
    name = link.replace("_id", "_name")
    word = f"zq{plural}{other}"
    first, second = made(alice, other, f"{word} Beta"), made(alice, other, f"{word} alpha")
    handle = first["handle"]
    one = made(alice, plural, "Z-first", **{link: handle})
    two = made(alice, plural, "A-second", **{link: second["id"]})
    assert (one[link], one[name]) == (first["id"], f"{word} Beta")
    both = {one["id"], two["id"]}

    def found(query: str) -> list[str]:
        return [item["id"] for item in alice.json_of("GET", f"/{plural}?{query}")["items"]]

    for spelled in (first["id"], handle, handle.replace("/", "%2F")):
        assert found(f"{link}={spelled}") == [one["id"]]
        assert set(found(f"{link}=in:{spelled},{second['id']}")) == both
    assert found(f"{name}={word} BETA") == [one["id"]]
    assert found(f"{name}=like:{word}&sort={name}") == [two["id"], one["id"]]
    assert found(f"{name}=like:{word}&sort=-{name}") == [one["id"], two["id"]]
    assert set(found(f"search={word}")) == both
    alice.patch(f"/{other}/{first['id']}", json={TITLE[other]: f"{word} Gamma"})
    now = alice.json_of("GET", f"/{plural}/{one['id']}")
    assert (now[name], now["version"]) == (f"{word} Gamma", 1)
    assert found(f"{name}={word} gamma") == [one["id"]]
    assert found(f"{name}={word} beta") == []
    assert found(f"search={word} gamma") == [one["id"]]
    assert f'{name}="{word} Gamma"' in alice.text("GET", f"/{plural}?{link}={first['id']}")
    refused(alice, "unknown_field", "PATCH", f"/{plural}/{one['id']}", {name: "Mine"}, {name: "written by the server"})
    cleared = alice.json_of("PATCH", f"/{plural}/{one['id']}", {link: None})
    assert (cleared[link], cleared[name], cleared["version"]) == (None, None, 2)


def test_a_merge_that_renames_a_company_renames_it_everywhere(alice: Person) -> None:
    company = made(alice, "companies", "Before", domain="rename.com")
    contact = made(alice, "contacts", "Jane", company_id=company["id"])
    assert alice.post("/companies", json={"domain": "rename.com", "name": "After"}).status_code == 200
    assert alice.json_of("GET", f"/contacts/{contact['id']}")["company_name"] == "After"


def test_deleting_a_company_takes_its_activities_and_unlinks_the_rest(alice: Person) -> None:
    company = made(alice, "companies", "Doomed", domain="doomed.com")
    contact = made(alice, "contacts", "Jane", company_id=company["id"])
    deal = made(alice, "deals", "Renewal", company_id=company["id"], contact_id=contact["id"])
    of_company = alice.json_of("POST", f"/companies/{company['id']}/activities", {"body": "its own"})
    of_contact = alice.json_of("POST", f"/contacts/{contact['id']}/activities", {"body": "the contact's"})
    of_deal = record_in(alice.json_of("POST", f"/deals/{deal['id']}/activities", {"body": "the deal's"}))
    place = f"/companies/{company['id']}"
    facts = refused(
        alice,
        "confirmation_required",
        "DELETE",
        place,
        does="activities .* go .* contacts, deals, tasks and tickets stay, unl",
    )
    assert alice.json_of("GET", f"/contacts/{contact['id']}")["company_id"] == company["id"]
    assert alice.text("DELETE", f"{place}?confirm={facts['confirm']}").startswith(
        f"OK deleted {company['handle']}\n# undo: POST /undo/op_"
    )
    for plural, record in (("contacts", contact), ("deals", deal)):
        now = alice.json_of("GET", f"/{plural}/{record['id']}")
        assert (now["company_id"], now["company_name"], now["version"]) == (None, None, 2)
        assert updates(alice, record["handle"]) == [{"company_id": [company["id"], None]}]
    assert alice.get(f"/activities/{of_company['id']}").status_code == 404
    assert alice.json_of("GET", f"/activities/{of_contact['id']}") == record_in(of_contact)
    assert alice.json_of("GET", f"/activities/{of_deal['id']}") == {**of_deal, "company_id": None, "version": 2}
    assert alice.json_of("GET", f"/contacts/{contact['id']}")["activities"] == 2
    assert alice.json_of("GET", f"/deals?company_id={company['id']}")["total"] == 0
    assert made(alice, "companies", "Again", domain="doomed.com")["id"] != company["id"]
    refused(alice, "not_found", "GET", place, does="was deleted at")


def test_deleting_a_contact_keeps_its_deals_unlinked_and_its_company(alice: Person) -> None:
    company = made(alice, "companies", "Staying")
    contact = made(alice, "contacts", "Doomed", company_id=company["id"])
    deal = made(alice, "deals", "Renewal", contact_id=contact["id"], company_id=company["id"])
    own = alice.json_of("POST", f"/contacts/{contact['id']}/activities", {"body": "its own"})
    of_deal = record_in(alice.json_of("POST", f"/deals/{deal['id']}/activities", {"body": "the deal's"}))
    refused(
        alice,
        "confirmation_required",
        "DELETE",
        f"/contacts/{contact['id']}",
        does="activities, conver.* go .* deals, tasks and tickets stay",
    )
    deleted(alice, "contacts", contact["id"])
    now = alice.json_of("GET", f"/deals/{deal['id']}")
    assert (now["contact_id"], now["contact_name"], now["version"], now["activities"]) == (None, None, 2, 1)
    assert now["company_id"] == company["id"]
    assert updates(alice, deal["handle"]) == [{"contact_id": [contact["id"], None]}]
    assert alice.json_of("GET", f"/companies/{company['id']}")["version"] == 1
    assert alice.get(f"/activities/{own['id']}").status_code == 404
    assert alice.json_of("GET", f"/activities/{of_deal['id']}") == {**of_deal, "contact_id": None, "version": 2}


def test_deleting_a_deal_takes_its_activities_from_contact_and_company_too(alice: Person) -> None:
    company = made(alice, "companies", "Staying")
    contact = made(alice, "contacts", "Staying")
    deal = made(alice, "deals", "Doomed", contact_id=contact["id"], company_id=company["id"])
    early = {"body": "first", "occurred_at": "2026-05-01T08:00:00Z"}
    alice.post(f"/contacts/{contact['id']}/activities", json=early)
    for body in ("one", "two"):
        alice.post(f"/deals/{deal['id']}/activities", json={"body": body})
    assert alice.json_of("GET", f"/contacts/{contact['id']}")["activities"] == 3
    refused(alice, "confirmation_required", "DELETE", f"/deals/{deal['id']}", does="activities go .* tasks stay")
    deleted(alice, "deals", deal["id"])
    left = [
        alice.json_of("GET", f"/{plural}/{id}")
        for plural, id in (("contacts", contact["id"]), ("companies", company["id"]))
    ]
    assert [(now["activities"], now["last_activity_at"]) for now in left] == [(1, "2026-05-01T08:00:00Z"), (0, None)]
    assert [now["version"] for now in left] == [1, 1]


@pytest.mark.parametrize(("plural", "link", "other"), LINKS)
def test_no_link_dangles_when_twenty_link_to_a_record_while_it_is_deleted(
    town: House, alice: Person, plural: str, link: str, other: str
) -> None:
    target = made(alice, other, "Doomed")["id"]
    waiting = [made(alice, plural, f"{n}") for n in range(10)]
    confirm = alice.json_of("DELETE", f"/{other}/{target}")["confirm"]
    calls = [Call("PATCH", f"/{plural}/{record['id']}", {link: target}) for record in waiting]
    calls += [Call("POST", f"/{plural}", {TITLE[plural]: f"late {n}", link: target}) for n in range(10)]
    calls += [Call("POST", f"/{other}/{target}/activities", {"body": "late"}) for _ in range(5)]
    calls.insert(12, Call("DELETE", f"/{other}/{target}?confirm={confirm}"))
    answers = at_once(town.url, calls, alice.token)
    assert answers[12].status_code == 200
    for call, answer in zip(calls, answers, strict=True):
        assert answer.status_code < 300 or answer.json()["error"] in ("invalid_reference", "not_found"), call
    assert alice.json_of("GET", f"/{plural}?{link}={target}")["total"] == 0
    name = link.replace("_id", "_name")
    assert alice.json_of("GET", f"/{plural}?{name}=Doomed")["total"] == 0
    asked = {"contacts": "contact", "companies": "company"}[other]
    assert alice.json_of("GET", f"/activities?{asked}={target}")["total"] == 0


def test_a_new_deal_is_open_and_in_dollars(alice: Person) -> None:
    deal = made(alice, "deals", "Plain")
    assert {name: deal[name] for name in ("currency", "status", "amount_cents", "stage", "close_date")} == {
        "currency": "USD",
        "status": "open",
        "amount_cents": None,
        "stage": None,
        "close_date": None,
    }
    assert "  currency=USD  status=open  " in alice.text("GET", f"/deals/{deal['id']}")


@pytest.mark.parametrize(("name", "value", "default"), [("currency", "EUR", "USD"), ("status", "won", "open")])
def test_clearing_a_field_with_a_default_gives_the_default_again(
    alice: Person, name: str, value: str, default: str
) -> None:
    deal = made(alice, "deals", **{name: value})
    for empty in (None, ""):
        assert alice.json_of("PATCH", f"/deals/{deal['id']}", {name: value})[name] == value
        assert alice.json_of("PATCH", f"/deals/{deal['id']}", {name: empty})[name] == default
    assert made(alice, "deals", **{name: None})[name] == default
    assert alice.json_of("GET", f"/deals?id={deal['id']}&{name}=is:null")["total"] == 0


KEPT = {
    "amount_cents": [(9_007_199_254_740_991,) * 2, (-9_007_199_254_740_991,) * 2, (0, 0)],
    "currency": [("eur", "EUR"), (" Jpy ", "JPY")],
    "status": [("WON", "won"), ("lost", "lost")],
    "close_date": [("2028-02-29", "2028-02-29"), (" 2026-06-30 ", "2026-06-30")],
    "stage": [("X" * 200,) * 2, ("Verhandlung", "Verhandlung")],
    "title": [("T" * 200,) * 2],
    "owner": [("Me@Example.com", "me@example.com")],
    "notes": [("n" * 20_000,) * 2],
}
REFUSED = {
    "amount_cents": {
        9_007_199_254_740_992: "9,007,199,254,740,991",
        -9_007_199_254_740_992: "from -9,007",
        10**18: "whole number",
        10.5: "whole number",
        "100": "whole number",
        True: "whole number",
    },
    "currency": {"DOLLAR": "ISO 4217", "US": "ISO 4217", "ZZZ": "ISO 4217", 5: "ISO 4217"},
    "status": {"closed": "one of open, won, lost", "opne": "did you mean open", 1: "one of open"},
    "close_date": {
        "2026-06-31": "like 2026-06-30",
        "30.06.2026": "like 2026-06-30",
        "2026-06-30T09:00:00Z": "a date",
        "2026-W26-2": "a date",
        20260630: "a date",
    },
    "stage": {"X" * 201: "201 characters; at most 200"},
    "title": {"T" * 201: "201 characters; at most 200"},
    "owner": {"nobody": "an address|jane@acme.com"},
    "notes": {"n" * 20_001: "20,001 characters; at most 20,000"},
}


@pytest.mark.parametrize("name", KEPT)
def test_a_deal_keeps_what_just_fits(alice: Person, name: str) -> None:
    deal = made(alice, "deals")
    for sent, kept in KEPT[name]:
        assert alice.json_of("PATCH", f"/deals/{deal['id']}", {name: sent})[name] == kept
        assert alice.json_of("GET", f"/deals/{deal['id']}")[name] == kept


@pytest.mark.parametrize("name", REFUSED)
def test_a_deal_refuses_what_does_not_fit_and_names_the_limit(alice: Person, name: str) -> None:
    deal = made(alice, "deals")
    for sent, what in REFUSED[name].items():
        refused(alice, "invalid_value", "PATCH", f"/deals/{deal['id']}", {name: sent}, {name: what})
    assert alice.json_of("GET", f"/deals/{deal['id']}") == deal


def test_clearing_the_follow_up_of_a_deal_clears_its_note(alice: Person) -> None:
    deal = made(alice, "deals", follow_up_at="2026-07-01", follow_up_note="Call back")
    assert (deal["follow_up_at"], deal["follow_up_note"]) == ("2026-07-01T00:00:00Z", "Call back")
    kept = alice.json_of("PATCH", f"/deals/{deal['id']}", {"stage": "late"})
    assert kept["follow_up_note"] == "Call back"
    now = alice.json_of("PATCH", f"/deals/{deal['id']}", {"follow_up_at": None})
    assert (now["follow_up_at"], now["follow_up_note"]) == (None, None)
    changes = updates(alice, deal["handle"])[0]
    assert changes == {"follow_up_at": ["2026-07-01T00:00:00Z", None], "follow_up_note": ["Call back", None]}


def test_deals_are_found_by_amount_status_currency_and_date(town: House) -> None:
    with town.sign_in("dana@example.com") as dana:
        for title, cents, currency, status, day in (
            ("A", 5_000, "USD", "open", "2026-06-30"),
            ("B", 100_000, "EUR", "won", "2026-07-15"),
            ("C", -20, "USD", "lost", None),
            ("D", None, "USD", "open", "2026-07-01"),
        ):
            more = {"amount_cents": cents, "currency": currency, "status": status, "close_date": day}
            made(dana, "deals", title, **more)

        def found(query: str) -> str:
            return "".join(item["title"] for item in dana.json_of("GET", f"/deals?{query}")["items"])

        wanted = {
            "amount_cents=gte:0&amount_cents=lt:100000": "A",
            "amount_cents=is:null": "D",
            "amount_cents=ne:5000&sort=title": "BCD",
            "status=in:WON,lost&sort=title": "BC",
            "currency=eur": "B",
            "close_date=gte:2026-07-01&sort=-close_date": "BD",
            "close_date=lte:2026-07-01&sort=close_date": "AD",
            "sort=-amount_cents": "BACD",
            "sort=amount_cents": "CABD",
        }
        assert {query: found(query) for query in wanted} == wanted
        refused(dana, "invalid_operator", "GET", "/deals?status=like:o", None, ["status"])
        refused(dana, "invalid_value", "GET", "/deals?status=closed", None, {"status": "one of open, won, lost"})
