"""What a token of exact scopes needs to name a record by its natural key, which unlike an id can be guessed."""

from typing import Any

import pytest

from tests.house import House, Person
from tests.teams.office import JSON, Team, new
from tests.teams.rights.scopes.narrow import missing, narrowed
from tests.web.connecting import rpc

JANE, ACME, HIDDEN = "jane@acme.example", "acme.example", "Zebracanary"
UNKNOWN = {JANE: "nobody@acme.example", ACME: "nothing.example"}

# the scopes of a token, a request of it that names a record by its key, and the scope that is missing
NAMING: list[tuple[str, str, str, Any, str]] = [
    ("tasks.write", "POST", "/tasks", {"title": "x", "contact_id": JANE}, "contacts.read"),
    ("tasks.write", "POST", "/tasks", {"title": "x", "contact_id": "code:J-1"}, "contacts.read"),
    ("tasks.write tasks.read", "PATCH", "/tasks/{t}", {"company_id": ACME}, "companies.read"),
    ("deals.write", "POST", "/deals", {"title": "x", "contact_id": JANE}, "contacts.read"),
    ("conversions.write", "POST", "/conversions", {"contact_id": JANE, "platform": "meta"}, "contacts.read"),
    ("activities.write", "POST", "/activities", {"contact_id": JANE, "body": "x"}, "contacts.read"),
    ("activities.write", "POST", f"/contacts/{JANE}/activities", {"body": "x"}, "contacts.read"),
    ("activities.write", "POST", "/contacts/{c}/activities", {"body": "x", "company_id": ACME}, "companies.read"),
    ("campaigns.write", "POST", "/campaigns/{ca}/members", {"id": JANE}, "contacts.read"),
    ("campaigns.write", "POST", "/campaigns/{ca}/members", {"id": ACME}, "companies.read"),
    ("campaigns.delete", "DELETE", f"/campaigns/{{ca}}/members/{JANE}", None, "contacts.read"),
    ("contacts.write", "POST", "/contacts", {"name": "x", "company_id": ACME}, "companies.read"),
    ("contacts.write", "PATCH", "/contacts/{c}", {"company_id": ACME}, "companies.read"),
    ("contacts.write", "PATCH", f"/contacts/{JANE}", {"job_title": "CTO"}, "contacts.read"),
    ("contacts.delete", "DELETE", f"/contacts/{JANE}", None, "contacts.read"),
    ("contacts.read contacts.write", "PATCH", "/contacts?name=Joe", {"company_id": ACME}, "companies.read"),
    ("contacts.read contacts.write", "PATCH", f"/contacts?company_id={ACME}", {"job_title": "x"}, "companies.read"),
    ("contacts.write contacts.delete", "POST", "/contacts/{c}/merge", {"from": JANE}, "contacts.read"),
    ("contacts.write", "POST", "/duplicates/dismiss", {"a": "{c}", "b": JANE}, "contacts.read"),
    (
        "contacts.write companies.write",
        "POST",
        "/contacts",
        {"name": "x", "company": {"domain": ACME}},
        "companies.read",
    ),
    ("activities.read", "GET", f"/activities?contact={JANE}", None, "contacts.read"),
    ("activities.read", "GET", f"/contacts/{JANE}/activities", None, "contacts.read"),
    ("tasks.read", "GET", f"/tasks?contact_id=ne:{JANE}", None, "contacts.read"),
    ("contacts.read", "GET", f"/contacts?company_id=in:co_aaaaaaaa,{ACME}", None, "companies.read"),
    ("contacts.read", "GET", f"/contacts?or.company_id={ACME}&or.name=x", None, "companies.read"),
    ("contacts.read", "GET", f"/contacts/count?company_id={ACME}", None, "companies.read"),
    ("contacts.read", "GET", f"/contacts/export?company_id={ACME}", None, "companies.read"),
    ("deals.read", "POST", "/links", {"path": f"/deals?contact_id={JANE}"}, "contacts.read"),
    ("audit.read", "GET", f"/audit?target={JANE}", None, "contacts.read"),
]


@pytest.fixture
def ids(us: Team) -> dict[str, str]:
    alice = us.alice
    new(alice, "/contacts", name=f"{HIDDEN} Jane", email=JANE, code="J-1")
    new(alice, "/companies", name=f"{HIDDEN} Acme", domain=ACME)
    return {
        "{c}": new(alice, "/contacts", name="Joe"),
        "{t}": new(alice, "/tasks", title="call"),
        "{ca}": new(alice, "/campaigns", name="Spring"),
    }


def filled(sent: Any, known: dict[str, str]) -> Any:
    if isinstance(sent, dict):
        return {name: filled(value, known) for name, value in sent.items()}
    if isinstance(sent, str):
        for text, instead in known.items():
            sent = sent.replace(text, instead)
    return sent


@pytest.mark.parametrize(("words", "method", "path", "body", "scope"), NAMING)
def test_a_key_names_a_record_to_a_token_that_reads_its_kind_and_tells_others_nothing(
    home: House, us: Team, ids: dict[str, str], words: str, method: str, path: str, body: Any, scope: str
) -> None:
    path, body = filled(path, ids), filled(body, ids)
    clerk = narrowed(home, us.alice, words)
    known = clerk.send_it(method, path, body, headers=JSON)
    unknown = clerk.send_it(method, filled(path, UNKNOWN), filled(body, UNKNOWN), headers=JSON)
    assert missing(known) == missing(unknown) == scope, known.text
    assert HIDDEN not in known.text
    assert known.json()["hint"] == unknown.json()["hint"]
    opened = narrowed(home, us.alice, f"{words} {scope}").send_it(method, path, body, headers=JSON)
    assert missing(opened) in ("", "not_found"), opened.text


def test_an_item_of_a_batch_is_refused_alone(home: House, us: Team, ids: dict[str, str]) -> None:
    items = [{"title": "a", "contact_id": JANE}, {"title": "b", "contact_id": UNKNOWN[JANE]}, {"title": "c"}]
    batch = narrowed(home, us.alice, "tasks.write").post("/tasks/batch", json=items, headers=JSON).json()
    assert [item.get("error") for item in batch["items"]] == ["scope_required", "scope_required", None]


def test_a_row_of_an_import_names_records_by_keys_and_names_where_the_token_reads_them(
    home: House, us: Team, ids: dict[str, str]
) -> None:
    path, words = "/import?kind=tasks&unknown=refuse", "imports.write imports.read tasks.read tasks.write"
    for known in (JANE, f"{HIDDEN} Jane", "code:J-1"):
        file = f"title,contact_id\nx,{known}\ny,nobody@acme.example\nz,Nobody\nown,{ids['{c}']}\n"
        for more, refused in (("", 3), (" contacts.read", 2)):
            planned = narrowed(home, us.alice, words + more).post(path, content=file, headers=JSON).json()
            assert (planned["refused"], planned["creates"]) == (refused, 4 - refused), planned


def test_a_view_that_names_a_record_by_its_key_is_read_by_who_reads_both(
    home: House, us: Team, ids: dict[str, str]
) -> None:
    new(us.alice, "/views", name="hers", path=f"/tasks?contact_id={JANE}")
    assert missing(narrowed(home, us.alice, "tasks.read").get("/views/hers", headers=JSON)) == "contacts.read"
    assert narrowed(home, us.alice, "tasks.read contacts.read").get("/views/hers").is_success


def by_tool(person: Person, body: dict[str, Any]) -> str:
    arguments = {"method": "POST", "path": "/tasks", "body": body}
    text: str = person.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments})).text
    return text


def test_a_tool_is_told_the_same(home: House, us: Team, ids: dict[str, str]) -> None:
    clerk = narrowed(home, us.alice, "tasks.write")
    for key in (JANE, UNKNOWN[JANE]):
        told = by_tool(clerk, {"title": "x", "contact_id": key})
        assert "scope_required" in told
        assert "This needs contacts.read" in told


def test_the_access_write_names_records_by_their_keys(home: House, us: Team, ids: dict[str, str]) -> None:
    for words in ("write", "full", "*.read tasks.write"):
        body = {"title": "x", "contact_id": JANE, "company_id": ACME}
        assert narrowed(home, us.alice, words).post("/tasks", json=body).status_code == 201
