"""Every error code, in text and in JSON: its status, the fields it names, and what its hint says to do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crmkit import ids
from crmkit.errors import CATALOGUE
from crmkit.storage.reads import scans
from tests import postgres
from tests.house import ALICE, BOB, House, Person, house, process
from tests.web.refused import STATUS_OF, of_text, refused

ASKED: list[tuple[str, str, str, Any, Any, str]] = [
    # code, method, path, body, fields, what the hint says to do
    ("invalid_json", "POST", "/contacts", "{", (), "Send one JSON object"),
    ("unknown_field", "POST", "/contacts", {"nmae": "X"}, {"nmae": r"did you mean name\?"}, r'\{"custom"'),
    ("unknown_field", "POST", "/contacts", {"id": "c_1"}, {"id": "written by the server"}, "takes these fields: name"),
    ("unknown_field", "POST", "/auth/request", {"mail": ALICE}, {"mail": "did you mean email"}, "takes these fields"),
    ("missing_field", "POST", "/contacts", {"phone": "1"}, {"name": "needed to create"}, "with name"),
    ("missing_field", "POST", "/contacts", {"name": " "}, {"name": "cannot be empty"}, "with name"),
    ("missing_field", "PATCH", "{contact}", {"name": None}, {"name": "cannot be empty; first_name or"}, "not empty"),
    ("missing_field", "POST", "/auth/verify", {}, ["email", "code"], "with email and code"),
    ("invalid_value", "POST", "/contacts", {"name": 5, "tags": "x"}, {"name": "text", "tags": "a list"}, "Correct"),
    ("invalid_value", "POST", "/contacts", {"name": "X" * 201}, {"name": "at most 200"}, "Correct"),
    ("invalid_value", "PATCH", "{contact}", {"version": "1"}, ["version"], "version you read"),
    ("invalid_value", "POST", "/auth/request", {"email": "nobody"}, {"email": "jane@acme.com"}, "Correct"),
    ("invalid_value", "GET", "/contacts?limit=0", None, {"limit": "1 to 200"}, "limit=1"),
    ("invalid_value", "GET", "/contacts?count=all", None, ["count"], "count=exact"),
    ("invalid_value", "GET", "/contacts?created_at=soon", None, {"created_at": "a time like"}, "created_at="),
    ("invalid_value", "GET", "/contacts?fields=nmae", None, {"fields": "did you mean name"}, "among id, name"),
    ("invalid_value", "GET", "/contacts?search=%ff", None, (), "UTF-8"),
    ("invalid_value", "GET", "/contacts?name=%00", None, (), "NUL"),
    ("invalid_value", "GET", "/contacts/code:a%00b", None, (), "NUL"),
    ("invalid_value", "GET", "/proposals?by=a%00b", None, (), "NUL"),
    ("invalid_value", "GET", "/contacts?name=in:" + "x," * 501, None, {"name": "1 to 500 values"}, "OPERATOR:VALUE"),
    ("invalid_value", "GET", "/contacts?search=" + "a+" * 21, None, {"search": "over"}, "fewer words"),
    ("invalid_value", "GET", "/contacts?" + "name=x&" * 201, None, (), "at most 200 query parameters"),
    ("invalid_filter", "GET", "/contacts?" + "name=x&" * 51, None, (), "at most 50 filters"),
    ("invalid_sort", "GET", "/contacts?sort=id,name,email,phone,owner,stage", None, (), "at most 5 keys"),
    ("invalid_value", "GET", "/contacts?limit=5&limit=6", None, {"limit": "stands twice"}, "Send limit once"),
    ("invalid_reference", "POST", "/contacts", {"name": "X", "company_id": "{co}"}, ["company_id"], "Create"),
    ("invalid_filter", "GET", "/contacts?stgae=lead", None, {"stgae": "did you mean stage"}, "by id, name, first_name"),
    ("invalid_filter", "GET", "/whoami?verbose=1", None, ["verbose"], "takes timezone, format"),
    ("invalid_filter", "GET", "/audit?actor=x", None, ["actor"], "takes by, action, target, since, until, limit"),
    ("invalid_operator", "GET", "/contacts?version=like:1", None, {"version": "no operator like"}, "one of eq, ne"),
    ("invalid_operator", "GET", "/contacts?created_at=after:2026-01-01", None, ["created_at"], "one of eq, ne"),
    ("invalid_sort", "GET", "/contacts?sort=-nmae", None, {"sort": "did you mean name"}, "descending"),
    ("invalid_sort", "GET", "/contacts?sort=notes", None, ["sort"], "Sort contacts by id, name"),
    ("invalid_cursor", "GET", "/contacts?cursor=AAAA", None, (), "leave cursor out"),
    ("not_found", "GET", "/contacts/{never}", None, (), r"GET /contacts\?search="),
    ("not_found", "DELETE", "/tokens/tok_2222222a", None, (), "GET /tokens"),
    ("not_found", "GET", "/activities/{never_a}", None, (), r"GET /activities lists"),
    ("not_found", "GET", "/companies/{co}/activities", None, (), r"GET /companies\?search="),
    ("not_found", "PATCH", "/workspaces/mine", {"name": "X"}, (), "^mine is no id; .*GET or POST /workspaces"),
    ("invalid_value", "GET", "/activities?since=soon", None, {"since": "a time like"}, "Write since=VALUE;"),
    ("invalid_value", "GET", "/activities?kind=cal", None, {"kind": "did you mean call"}, "Write kind=VALUE, or sev"),
    ("invalid_value", "GET", "/activities?contact=jane", None, {"contact": "jane is no id"}, "Write contact=VALUE"),
    ("invalid_value", "GET", "/audit?since=soon", None, {"since": "a time like"}, "Write since=VALUE;"),
    ("invalid_value", "GET", "/reminders?days=soon", None, {"days": "0 to 3650"}, "days=7"),
    ("invalid_value", "GET", "/reminders?days=7&days=8", None, {"days": "stands twice"}, "Send days once"),
    ("invalid_value", "GET", "/search?q=jane&types=contakts", None, {"types": "did you mean contacts"}, "companies"),
    ("invalid_value", "GET", "/search?q=" + "a+" * 21, None, {"q": "over"}, "fewer words"),
    ("missing_field", "GET", "/search", None, {"q": "is needed"}, r"GET /search\?q="),
    ("missing_field", "GET", "/search?q=%CC%81", None, {"q": "is needed"}, r"GET /search\?q="),
    ("invalid_cursor", "GET", "/reminders?cursor=AAAA", None, (), "leave cursor out"),
    ("admin_required", "PATCH", "/workspaces/{bobs}", {"name": "Mine"}, (), "ask one of them"),
    ("not_a_member", "GET", "/workspaces/{never_ws}/members", None, (), "GET /workspaces"),
    ("escalation_required", "DELETE", "/workspaces/{mine}", None, (), r"repeat the same request with \?code=CODE"),
    ("last_admin", "DELETE", "/workspaces/{mine}/members/{me}", None, (), "Make another member admin first"),
    ("unknown_path", "GET", "/nowhere", None, (), "GET /help"),
    ("method_not_allowed", "PUT", "/contacts", None, (), "takes DELETE, GET, HEAD, PATCH, POST"),
    ("confirmation_required", "DELETE", "{contact}", None, (), r"DELETE /contacts/c_\w+\?confirm=\w+$"),
    ("confirmation_required", "DELETE", "{contact}?confirm=old", None, (), r"wrong, used or outdated.*\?confirm=\w+$"),
    ("already_exists", "PATCH", "{contact}", {"email": "taken@acme.com"}, ["email"], "contact/c_.*another email"),
    ("version_conflict", "PATCH", "{contact}", {"version": 7, "stage": "x"}, (), "If-Match: 1"),
    ("too_large", "POST", "/contacts", "x" * (1024 * 1024 + 1), (), "at most 1024 KiB"),
    (
        "unsupported_encoding",
        "POST",
        "/contacts",
        '{"name":"X"}'.encode("utf-16"),
        (),
        "in UTF-8: its charset is UTF-16",
    ),
    ("invalid_code", "POST", "/auth/verify", {"email": ALICE, "code": "000000"}, (), "POST /auth/request"),
]
ELSEWHERE = {  # codes that need a server in a special state, raw bytes, or name records: each has a test of its own
    *("address_refused", "does_not_fit", "duplicate", "invalid_expression", "invalid_file", "link_over"),
    "idempotency_mismatch",
    "in_progress",
    "undo_conflict",
    "unknown_format",
    "auth_required",
    "invalid_token",
    "token_expired",
    *("scope_required", "proposal_closed", "proposal_outdated"),
    "plan_limit_reached",
    "rate_limited",
    "server_error",
    "not_ready",
    "busy",
    "mail_failed",
    "request_timeout",
    "head_too_large",
}


@pytest.fixture(scope="module")
def known(town: House) -> Iterator[tuple[Person, dict[str, str]]]:
    """Someone with two contacts, who is a member at Bob's too, and what stands for them in the paths above."""
    with town.sign_in(ALICE) as person, town.sign_in(BOB) as bob:
        bobs = bob.json_of("GET", "/whoami")["workspace"]
        assert bob.post(f"/workspaces/{bobs}/invites", json={"email": ALICE}).status_code == 201
        assert person.post(f"/workspaces/{bobs}/join").status_code == 200
        whoami = person.json_of("GET", "/whoami")
        contact = person.json_of("POST", "/contacts", {"name": "Jane"})["id"]
        person.post("/contacts", json={"name": "Tom", "email": "taken@acme.com"})
        yield (
            person,
            {
                "contact": f"/contacts/{contact}",
                "never": ids.mint("c"),
                "never_a": ids.mint("a"),
                "never_ws": ids.mint("ws"),
                "co": ids.mint("co"),
                "bobs": bobs,
                "mine": whoami["workspace"],
                "me": whoami["user"],
            },
        )


def test_every_code_of_the_catalogue_is_tried_here_or_listed_as_tried_elsewhere() -> None:
    assert {code for code, *_ in ASKED} | ELSEWHERE == set(CATALOGUE) == set(STATUS_OF)


@pytest.mark.parametrize(("code", "method", "path", "body", "fields", "does"), ASKED)
def test_a_refusal_names_code_fields_and_the_next_step(
    known: tuple[Person, dict[str, str]], code: str, method: str, path: str, body: Any, fields: Any, does: str
) -> None:
    person, names = known
    for name, stands_for in names.items():
        path = path.replace(f"{{{name}}}", stands_for)
        body = json.loads(json.dumps(body).replace(f"{{{name}}}", stands_for)) if isinstance(body, dict) else body
    refused(person, code, method, path, body, fields, does)


def test_an_unknown_format_is_refused_in_text_even_to_json_clients(town: House) -> None:
    with town.stranger() as someone:
        for path in (
            "/help?format=xml",
            "/nowhere?format=xml",
            "/contacts?format=",
            "/healthz?format=yaml&format=json",
        ):
            answer = someone.get(path, headers={"Accept": "application/json"})
            assert answer.status_code == 400
            told = of_text(answer)
            assert (told["error"], list(told["fields"])) == ("unknown_format", ["format"])
            assert "Send format=text" in told["hint"]


def test_a_stale_change_shows_the_record_as_it_is_now(known: tuple[Person, dict[str, str]]) -> None:
    person, names = known
    body = {"version": 7, "stage": "x"}
    line = of_text(person.patch(names["contact"], json=body))["shown"]
    assert line == person.text("GET", names["contact"]).removesuffix("\n")
    facts = refused(person, "version_conflict", "PATCH", names["contact"], body)
    assert facts["current"] == person.json_of("GET", names["contact"])
    assert facts["version"] == 1


def test_a_taken_email_names_its_holder(known: tuple[Person, dict[str, str]]) -> None:
    person, names = known
    facts = refused(person, "already_exists", "PATCH", names["contact"], {"email": "TAKEN@acme.com"}, ["email"])
    assert person.json_of("GET", f"/contacts/{facts['handle']}")["email"] == "taken@acme.com"


def test_each_401_tells_how_to_sign_in(home: House, alice: Person) -> None:
    way_back = "POST /auth/request .* then POST /auth/verify"
    with home.sign_in(ALICE) as revoked:
        mine = next(token for token in revoked.json_of("GET", "/tokens")["items"] if token["current"])
        assert revoked.delete(f"/tokens/{mine['id']}").status_code == 200
        refused(revoked, "invalid_token", "GET", "/contacts", does=way_back)
    with home.stranger() as someone:
        for header in ("", "Bearer"):
            refused(someone, "auth_required", "GET", "/whoami", does=way_back, headers={"Authorization": header})
        for header in ("Bearer ck_wrong", "Basic YTpi", f"Bearer {alice.token}x", f"Bearer  {alice.token.upper()}"):
            refused(someone, "invalid_token", "GET", "/whoami", does=way_back, headers={"Authorization": header})
        assert someone.get("/contacts").headers["WWW-Authenticate"] == 'Bearer realm="crmkit"'
    home.clock.move(days=30)
    assert alice.get("/whoami").status_code == 200
    home.rested()
    home.clock.move(days=30, seconds=1)
    refused(alice, "token_expired", "GET", "/whoami", does=way_back)


@pytest.mark.slow
def test_a_cap_of_the_plan_tells_plan_cap_and_use_and_not_to_retry(tmp_path: Path) -> None:
    config = tmp_path / "crmkit.toml"
    config.write_text('[plans]\ndefault = "small"\n\n[plans.small]\ncontacts = 2\n')
    with process(tmp_path / "data", CRMKIT_CONFIG=str(config)) as served, served.sign_in() as me:
        for name in ("one@acme.com", "two@acme.com"):
            assert me.post("/contacts", json={"name": name, "email": name}).status_code == 201
        facts = refused(me, "plan_limit_reached", "POST", "/contacts", {"name": "Three"}, does="Do not retry")
        assert {name: facts[name] for name in ("plan", "resource", "cap", "used")} == {
            "plan": "small",
            "resource": "contacts",
            "cap": 2,
            "used": 2,
        }
        merged = me.post("/contacts", json={"email": "one@acme.com", "stage": "lead"})
        assert merged.status_code == 200  # a merge needs no room
        assert "contacts: 2 / 2\n" in me.text("GET", "/whoami")


def test_past_a_limit_the_answer_tells_when_to_come_back(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_LIMITS_REQUESTS_PER_MINUTE": "1"}) as home, home.sign_in(ALICE) as person:
        assert person.get("/whoami").status_code == 200
        refused(person, "rate_limited", "GET", "/whoami", does=r"wait \d+ seconds")


def test_a_mail_that_cannot_be_sent_is_refused_as_mail_failed(tmp_path: Path) -> None:
    with house(tmp_path / "data", {"CRMKIT_MAIL_SMTP_URL": "smtp://127.0.0.1:1"}) as home, home.stranger() as someone:
        refused(someone, "mail_failed", "POST", "/auth/request", {"email": ALICE}, does="Try again")


def test_a_list_refused_as_busy_is_told_when_to_come_back(
    home: House, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "MOST_WAITING", 0)
    refused(alice, "busy", "GET", "/contacts", does="send it again in 2 seconds")
    refused(alice, "busy", "GET", "/search?q=jane", does="fewer at once")


@pytest.mark.sqlite  # which looks at a table to tell
def test_a_broken_database_is_not_ready_and_answered_as_our_fault(
    home: House, alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    with postgres.by_hand(home.folder) as operator:
        operator.execute("ALTER TABLE contacts RENAME TO gone")
        operator.execute("ALTER TABLE workspaces RENAME TO lost")
        refused(alice, "not_ready", "GET", "/readyz", does="Try again")
        operator.execute("ALTER TABLE lost RENAME TO workspaces")
        facts = refused(alice, "server_error", "GET", "/contacts", does="tell the operator the request id [0-9a-f]{16}")
        assert facts["request_id"] in facts["hint"]
        assert f"request {facts['request_id']} failed" in caplog.messages
        missing = 'relation "contacts" does not exist' if postgres.SERVER else "no such table"
        assert missing in caplog.text
        assert missing not in alice.text("GET", "/contacts")
        operator.execute("ALTER TABLE gone RENAME TO contacts")
    assert alice.text("GET", "/readyz") == "ready\n"
    assert alice.get("/contacts").status_code == 200
