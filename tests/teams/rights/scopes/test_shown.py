"""What a token of exact scopes is shown and may do where a route is about several kinds."""

from typing import Any

import httpx
import pytest

from attack.places import NOUNS
from tests.core.jobs.kinds import actor_of, add
from tests.house import House
from tests.teams.office import JSON, Team
from tests.teams.rights.matrix import NEVER, guarded, own
from tests.teams.rights.scopes.narrow import (
    ACTIVITIES,
    ALL,
    CONTACTS,
    DEALS,
    GONE,
    HIDDEN,
    NONE,
    filled,
    furnished,
    missing,
    narrowed,
)

READS = {"GET", "HEAD"}

# of each route without a scope of its own: requests, and what is missing of these tokens, "" where it is open
WHO = (CONTACTS, DEALS, ACTIVITIES, ALL)
OPEN = ("", "", "", "")
READ = ("", "", "contacts.read", "")
ACROSS: dict[str, list[tuple[str, Any, tuple[str, str, str, str]]]] = {
    "everywhere": [
        ("/search?q=jane", None, READ),
        ("/search?q=jane&types=deals,contacts", None, ("deals.read", "contacts.read", "deals.read", "")),
    ],
    "due": [
        ("/reminders?days=30", None, READ),
        ("/reminders?kind=task", None, ("tasks.read", "tasks.read", "tasks.read", "")),
    ],
    "export_reminders": [
        ("/reminders/export", None, READ),
        ("/reminders/export?kind=deal", None, ("deals.read", "", "deals.read", "")),
    ],
    "brief": [("/brief", None, READ)],
    "list_changes": [
        ("/changes", None, READ),
        ("/changes?kinds=deals", None, ("deals.read", "", "deals.read", "")),
        ("/changes?kinds=deals&wait=60&since=2020-01-01", None, ("deals.read", "", "deals.read", "")),
        ("/changes?kinds=memberships", None, ("campaigns.read", "campaigns.read", "campaigns.read", "")),
    ],
    "duplicates": [
        ("/duplicates", None, ("", "", "contacts.read", "")),
        ("/duplicates?kind=companies", None, ("companies.read", "companies.read", "companies.read", "")),
    ],
    "dismiss_duplicate": [
        ("/duplicates/dismiss", {"a": "{d}", "b": "{d}"}, ("deals.write", "", "deals.write", "deals.write")),
    ],
    "undo": [("/undo/{op}", None, (NONE, "contacts.delete", "contacts.delete", NONE))],
    "get_job": [("/jobs/{jb}", None, ("*.read", "*.read", "*.read", ""))],
    "create_link": [
        ("/links", {"path": "/deals?search=big"}, ("deals.read", "", "deals.read", "")),
        ("/links", {"path": "/search?q=jane&types=deals"}, ("deals.read", "", "deals.read", "")),
        ("/links", {"path": "/views/hers"}, ("deals.read", "", "deals.read", "")),
    ],
    "list_links": [("/links", None, OPEN)],
    "end_link": [("/links/{ln}", None, (GONE, GONE, GONE, "write"))],
    "save_view": [
        ("/views", {"name": "mine", "path": "/deals"}, ("deals.write", "", "deals.write", "deals.write")),
        ("/views", {"name": "any", "path": "/search?q=jane"}, ("contacts.write",) * 4),
    ],
    "get_view": [("/views/hers", None, ("deals.read", "", "deals.read", ""))],
    "change_view": [
        ("/views/hers", {"name": "his"}, (NONE, "", "deals.write", NONE)),
        ("/views/hers", {"path": "/contacts"}, (NONE, "contacts.write", "deals.write", NONE)),
    ],
    "delete_view": [("/views/hers", None, (NONE, "", "deals.write", NONE))],
    "stop_import": [("/imports/{imp}", None, ("imports.write", "imports.write", "imports.write", "imports.write"))],
    # tried elsewhere: they are about tokens, and about what others propose
    "revoke": [],
    "narrow_token": [],
    "list_proposals": [],
    "get_proposal": [],
    "approve_proposal": [],
    "reject_proposal": [],
}


@pytest.fixture(scope="module")
def across() -> list[Any]:
    return [route for route in guarded() if route.area == "*"]


@pytest.fixture
def ids(home: House, us: Team) -> dict[str, str]:
    found = furnished(us.alice)
    found["jb"] = add(home, actor_of(home, us.alice), "none", {}, NEVER).id
    written = us.alice.post("/contacts", json={"name": "Jim"}, headers=JSON).json()
    return found | {"op": written["operation"]}


def test_each_route_of_several_kinds_has_a_line_here(across: list[Any]) -> None:
    assert {route.name for route in across} <= ACROSS.keys()


def test_it_does_and_shows_what_the_scopes_open(home: House, us: Team, ids: dict[str, str], across: list[Any]) -> None:
    people = [narrowed(home, us.alice, words) for words in WHO]
    for route in across:
        method = route.listed_methods[0]
        for path, body, wanted in ACROSS[route.name]:
            for person, scope in zip(people, wanted, strict=True):
                tried = f"{filled(path, ids)}{'' if method in READS else '?dry_run=1'}"
                answer = person.send_it(method, tried, filled(body, ids) if body else None, headers=JSON)
                told = f"{route.name} {path} {body} -> {answer.status_code} {answer.text}"
                if answer.headers["Content-Type"].startswith("text/calendar"):
                    assert scope == "", told
                    continue
                assert missing(answer) == scope, told
                assert scope or answer.is_success or "is the same record as a" in answer.text, told


def test_no_get_shows_a_token_of_contacts_what_is_not_theirs(home: House, us: Team, ids: dict[str, str]) -> None:
    reader = narrowed(home, us.alice, CONTACTS)
    more = ("/changes?since=2020-01-01", "/brief?since=2020-01-01", "/search?q=zebra", "/reminders?days=3650")
    walked = []
    for route in guarded():
        if "GET" not in route.methods:
            continue
        for path in route.paths:
            walked.append(filled(own(path), {**dict.fromkeys(NOUNS.values(), "x_1"), **ids}))
    for path in (*walked, *more, "/help?topic=setup", "/help?topic=all", "/help"):
        for accept in ("text/plain", "application/json"):
            answer = reader.get(path, headers={"Accept": accept})
            assert HIDDEN not in answer.text.lower(), f"{path} {answer.text}"
            assert answer.status_code < 500, f"{path} {answer.text}"
    for path in more:
        shown, hers = us.alice.text("GET", path), reader.text("GET", path)
        closed = [id for prefix, id in ids.items() if prefix not in ("c", "ws", "u", "op") and id in shown]
        assert closed, path
        assert not [id for id in closed if id in hers], path


def test_a_token_that_reads_all_is_shown_all(home: House, us: Team, ids: dict[str, str]) -> None:
    reader = narrowed(home, us.alice, ALL)
    for path in ("/search?q=jane", "/reminders?days=30", "/changes?since=2020-01-01", "/links", "/help", "/imports"):
        assert reader.json_of("GET", path) == us.alice.json_of("GET", path), path


def test_what_is_left_out_is_noted(home: House, us: Team, ids: dict[str, str]) -> None:
    reader = narrowed(home, us.alice, CONTACTS)
    note = "# note: left out, since this token does not read them: "
    for path in ("/search?q=jane", "/reminders?days=30", "/brief", "/changes", "/changes?since=2020-01-01"):
        assert note in reader.text("GET", path), path
        assert note not in us.alice.text("GET", path), path
    assert "does not read them: deals, tasks and tickets" in reader.get("/reminders/export").headers["X-Note"]
    for path in ("/search?q=jane&types=contacts", "/reminders?kind=contact", "/changes?kinds=contacts"):
        assert note not in reader.text("GET", path), path
    cursor = reader.json_of("GET", "/changes")["next_cursor"]
    assert note not in reader.text("GET", f"/changes?since={cursor}")


def test_a_whole_workspace_leaves_with_a_token_that_reads_all(home: House, us: Team) -> None:
    def tried(words: str) -> httpx.Response:
        return narrowed(home, us.alice, words).get(f"{us.path}/export", headers=JSON)

    assert missing(tried("workspace.read contacts.read")) == "*.read"
    assert tried(ALL).status_code == 200


def test_mcp_answers_the_same(home: House, us: Team, ids: dict[str, str]) -> None:
    reader = narrowed(home, us.alice, CONTACTS)
    for path in ("/search?q=zebra", "/brief?since=2020-01-01", "/views/hers", "/reminders?days=30"):
        call = {"name": "read", "arguments": {"path": path}}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        accept = {"Accept": "application/json, text/event-stream"}
        told = reader.post("/mcp", json=body, headers=accept).json()["result"]["content"][0]["text"]
        assert HIDDEN not in told
        assert "scope_required" in told if path == "/views/hers" else "left out" in told, told
