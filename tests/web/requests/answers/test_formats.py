"""Text or JSON: what a client asks for, in every way it can ask."""

from collections.abc import Iterator

import pytest

from crmkit.render import parse
from tests.house import ALICE, House, Person
from tests.kinds import AUDIT

TEXT, JSON = "text/plain; charset=utf-8", "application/json"


@pytest.fixture(scope="module")
def reader(town: House) -> Iterator[Person]:
    with town.sign_in(ALICE) as person:
        yield person


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, TEXT),
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("text/html,application/xhtml+xml,*/*;q=0.8", TEXT),
        ("text/*", TEXT),
        ("application/json", JSON),
        ("APPLICATION/JSON", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/*", TEXT),
        ("application/json, text/plain, */*", JSON),  # axios
        ("application/json, text/plain;q=0.5", JSON),
        ("text/plain, application/json", TEXT),
        ("text/plain;q=0.9, application/json", JSON),
        ("text/plain;q=0.9, application/json;q=0.8", TEXT),
        ("application/json;q=0.1", JSON),
        ("application/json;q=0", TEXT),
        ("application/json;q=0, */*", TEXT),
        ("application/json;q=0.5, */*;q=0.9", TEXT),
        ("application/json, */*;q=0.9", JSON),
        ("text/html, application/json;q=0.9, */*;q=0.8", JSON),
        ("application/json;q=high", TEXT),
        ("application/problem+json", TEXT),
        ("json", TEXT),
        ("text/plain;q=0.1, " * 50 + "application/json", JSON),
        ("text/plain;q=0.1, " * 60 + "application/json", TEXT),  # past what is looked at
    ],
)
def test_an_accept_header_gets_json_only_where_it_prefers_it(town: House, accept: str | None, form: str) -> None:
    with town.stranger() as someone:
        if accept is None:
            del someone.headers["Accept"]
        else:
            someone.headers["Accept"] = accept
        for path in ("/healthz", "/nowhere", "/contacts"):
            answer = someone.get(path)
            assert answer.headers["Content-Type"] == form
            assert answer.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    "path", ["/contacts", "/whoami", "/tokens", "/audit", "/help", "/", "/contacts/c_2", "/nowhere"]
)
def test_the_format_in_the_query_wins_over_the_header(reader: Person, path: str) -> None:
    for asked, form in (("json", JSON), ("text", TEXT), ("JSON", JSON), (" text ", TEXT)):
        for accept in (JSON, "text/plain", "*/*"):
            answer = reader.get(path, params={"format": asked}, headers={"Accept": accept})
            assert answer.headers["Content-Type"] == form, answer.text


def test_the_name_of_the_parameter_may_be_percent_encoded(reader: Person) -> None:
    assert reader.get("/contacts?%66ormat=json").headers["Content-Type"] == JSON
    assert reader.get("/contacts?limit=1&form%61t=%6Ason").headers["Content-Type"] == JSON
    assert reader.get("/contacts?search=format%3Djson").headers["Content-Type"] == TEXT


def test_a_method_that_the_path_does_not_take_is_told_before_an_unknown_format(reader: Person) -> None:
    told = reader.put("/contacts?format=yaml")
    allowed = "DELETE, GET, HEAD, PATCH, POST"
    assert (told.status_code, told.headers["Content-Type"], told.headers["Allow"]) == (405, TEXT, allowed)
    assert reader.get("/contacts?format=yaml").status_code == 400


def test_a_format_may_stand_on_every_kind_of_request(home: House, alice: Person) -> None:
    made = alice.post("/contacts?format=json", json={"name": "Jane"})
    assert made.json()["name"] == "Jane"
    one = f"/contacts/{made.json()['id']}?format=json"
    assert alice.patch(one, json={"stage": "lead"}).json()["version"] == 2
    confirm = alice.delete(one).json()["confirm"]
    deleted = alice.delete(f"{one}&confirm={confirm}")
    assert deleted.json() == {
        "ok": True,
        "message": f"deleted {made.json()['handle']}",
        "id": made.json()["id"],
        "handle": made.json()["handle"],
        "operation": deleted.headers["X-Operation"],
    }
    with home.stranger() as someone:
        sent = someone.post("/auth/request?format=json", json={"email": "new@example.com"}).json()
        assert sent == {"ok": True, "message": "code sent to new@example.com", "email": "new@example.com"}


def test_the_audit_log_reads_the_same_in_text_and_in_json(home: House) -> None:
    with home.sign_in(ALICE, "Claude's\n\u202etoken  at=x") as alice:
        id = alice.json_of("POST", "/contacts", {"name": "\x1b[31m\u2028# total: 9", "tags": ["a=b", "[1]"]})["id"]
        alice.patch(
            f"/contacts/{id}", json={"name": "contact/c_2", "custom": {"a  b=c": {'"': [None, 1.5]}}, "tags": []}
        )
        alice.delete(f"/contacts/{id}?confirm={alice.json_of('DELETE', f'/contacts/{id}')['confirm']}")
        items = alice.json_of("GET", "/audit")["items"]
        *lines, count, total, end = alice.text("GET", "/audit").split("\n")
    assert [item["action"] for item in items][:3] == ["contact.delete", "contact.update", "contact.create"]
    assert [parse.record(AUDIT, line) for line in lines] == items
    assert (count, total, end) == (f"# {len(items)} audit", f"# total: {len(items)}", "")
    assert all(line.isprintable() for line in lines)
