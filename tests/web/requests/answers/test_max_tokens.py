"""`max_tokens=`: a page ends so that its whole body stays within that many tokens, four bytes each."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkit.web.app import routes
from crmkit.web.route import Route
from tests.house import House, Person
from tests.kinds import REGISTRY
from tests.web.refused import refused

SCRIPTS = (
    "Jane Kelason",
    "Παπαδοπούλου",
    "Жанна Келасон",
    "山田太郎",
    "김민준",
    "محمد علي",
    "नमस्ते क्‍ष",
    "👩‍💻 ❤️",
    "a\u202eb",
)
JSON = {"Accept": "application/json"}
# each list, by the name of its route -> its path; one of each kind is enough
PATHS = {
    "list_contacts": "/contacts?count=exact",
    "list_activities": "/activities?since=2026-01-01",
    "list_contact_activities": "/contacts/{c}/activities",
    "list_campaign_members": "/campaigns/{ca}/members",
    "get_contact_history": "/contacts/{c}/history",
    "audit_log": "/audit?action=contact.create",
    "due": "/reminders?days=9",
    "duplicates": "/duplicates",
    "list_changes": "/changes?since=2026-01-01",
}
MORE = (
    *("/contacts?search=a", "/contacts?sort=-name,stage", "/contacts?sort=custom.size&fields=name,custom.size"),
    *(
        "/contacts?fields=handle",
        "/contacts?stage=in:lead,won&sort=stage",
        "/reminders?fields=name",
        "/activities?search=a",
    ),
    "/contacts?search=kelasn",
)


@pytest.fixture(scope="module")
def alice(town: House) -> Iterator[Person]:
    with town.sign_in("tokens@example.com") as person:
        yield person


@pytest.fixture(scope="module")
def ids(town: House, alice: Person) -> dict[str, str]:
    campaign = alice.json_of("POST", "/campaigns", {"name": "Spring"})["id"]
    found = []
    for n in range(27):
        name = SCRIPTS[n % len(SCRIPTS)]
        body = {"name": name, "stage": "lead" if n % 2 else "won", "phone": f"+49 30 555010{n % 9}"}
        more = {
            "notes": name * n,
            "tags": ["vip"],
            "custom": {"size": n, "text": name * (n % 5)},
            "campaign_id": campaign,
        }
        made = alice.json_of("POST", "/contacts", body | more | {"follow_up_at": f"2026-06-{n + 1:02}"})
        found.append(made["id"])
        alice.patch(f"/contacts/{found[0]}", json={"notes": f"{name} {n}"})
        alice.post(f"/contacts/{found[0]}/activities", json={"kind": "call", "body": f"a {name}" * n})
    return {"c": found[0], "ca": campaign}


def answer(alice: Person, path: str, cursor: str, tokens: int | None, headers: dict[str, str]) -> httpx.Response:
    more = [f"cursor={cursor}"] if cursor else []
    more += [f"max_tokens={tokens}"] if tokens else []
    return alice.get("&".join([path if "?" in path else f"{path}?", *more]), headers=headers)


def rows_of(alice: Person, path: str, tokens: int | None) -> list[Any]:
    """Return the rows of all pages, in JSON, each within so many tokens; a page that needs more gets what it says."""
    found: list[Any] = []
    cursor, before = "", -1
    while before < len(found):
        before = len(found)
        got = answer(alice, path, cursor, tokens, JSON)
        allowed = tokens
        if got.status_code == 400:
            allowed = int(got.json()["fields"]["max_tokens"].split()[-1])
            assert allowed > (tokens or 0)
            assert answer(alice, path, cursor, allowed - 1, JSON).status_code == 400
            got = answer(alice, path, cursor, allowed, JSON)
        assert got.status_code == 200, got.text
        assert allowed is None or len(got.content) <= 4 * allowed
        found += got.json()["items"]
        cursor = got.json()["next_cursor"] or ""
        if not cursor:
            break
    return found


@pytest.mark.parametrize("path", [*PATHS.values(), *MORE])
def test_all_rows_are_on_the_pages_that_fit_in_their_order(alice: Person, ids: dict[str, str], path: str) -> None:
    path = path.format(**ids)
    every = rows_of(alice, f"{path}{'&' if '?' in path else '?'}limit=200", None)
    assert len(every) >= 3, path
    for tokens in (1, 400, 1500):
        assert rows_of(alice, path, tokens) == every, tokens


@pytest.mark.slow
def test_no_body_has_more_tokens_than_were_asked_for(alice: Person, ids: dict[str, str]) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from([*PATHS.values(), *MORE, "/search?q=a", "/search?q=kelason"]),
        st.integers(1, 1200),
        st.sampled_from([{}, JSON]),
        st.sampled_from([3, 50]),
    )
    def holds(path: str, tokens: int, headers: dict[str, str], limit: int) -> None:
        path = path.format(**ids)
        if not path.startswith("/search"):
            path += f"{'&' if '?' in path else '?'}limit={limit}"
        got = answer(alice, path, "", tokens, headers)
        if got.status_code == 400:
            told = alice.get(str(got.request.url), headers=JSON).json()["fields"]["max_tokens"]
            needed = int(told.split()[-1])
            assert needed > tokens
            return
        assert got.status_code == 200, got.text
        assert len(got.content) <= 4 * tokens

    holds()


def test_a_page_that_was_cut_ends_as_any_page(alice: Person, ids: dict[str, str]) -> None:
    lines = alice.text("GET", "/contacts?max_tokens=300&sort=name").splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    assert 1 < len(rows) < 27
    assert lines[len(rows) : -1] == [f"# {len(rows)} contacts", "# total: 27"]
    assert lines[-1].startswith("# next: ")
    rest = alice.text("GET", f"/contacts?sort=name&cursor={lines[-1].removeprefix('# next: ')}").splitlines()
    assert rest[-1] == f"# {27 - len(rows)} contacts"


def test_a_search_over_all_kinds_says_where_the_rows_are_that_do_not_fit(alice: Person, ids: dict[str, str]) -> None:
    whole = alice.json_of("GET", "/search?q=a")
    cut = alice.json_of("GET", "/search?q=a&max_tokens=700")
    shown = {name: len(rows) for name, rows in cut.items() if isinstance(rows, list) and name != "notes"}
    assert 0 < sum(shown.values()) < sum(len(whole[name]) for name in shown)
    for name, rows in shown.items():
        assert (f"more {name}: GET /{name}?search=a" in cut["notes"]) == (rows < len(whole[name]) or rows == 5)
    assert (
        "# note: more contacts: GET /contacts?search=a" in alice.text("GET", "/search?q=a&max_tokens=400").splitlines()
    )


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "1e3", "٣"])
def test_what_is_no_number_of_tokens_is_refused(alice: Person, text: str) -> None:
    refused(alice, "invalid_value", "GET", f"/contacts?max_tokens={text}", fields={"max_tokens": "whole number"})


def test_too_few_tokens_are_refused_with_how_many_the_next_page_needs(alice: Person, ids: dict[str, str]) -> None:
    told = alice.json_of("GET", "/contacts?max_tokens=1")
    assert told["error"] == "invalid_value"
    needed = int(told["fields"]["max_tokens"].split()[-1])
    assert f"max_tokens={needed} or more" in told["hint"]
    assert len(alice.json_of("GET", f"/contacts?max_tokens={needed}")["items"]) == 1
    empty = alice.json_of("GET", "/contacts?max_tokens=1&name=nobody")
    few = int(empty["fields"]["max_tokens"].split()[-1])
    assert alice.json_of("GET", f"/contacts?max_tokens={few}&name=nobody")["items"] == []


def test_no_tokens_or_any_number_past_the_whole_cuts_nothing(alice: Person, ids: dict[str, str]) -> None:
    whole = alice.text("GET", "/contacts")
    for text in ("", "0100000", "9" * 400):
        assert alice.text("GET", f"/contacts?max_tokens={text}") == whole
    refused(alice, "invalid_value", "GET", "/contacts?max_tokens=9&max_tokens=9", fields={"max_tokens": "stands twice"})
    for method, path in (("GET", f"/contacts/{ids['c']}"), ("GET", "/tokens"), ("PATCH", "/contacts?stage=lead")):
        refused(
            alice,
            "invalid_filter",
            method,
            f"{path}{'&' if '?' in path else '?'}max_tokens=9",
            {"stage": "x"},
            ["max_tokens"],
        )


def test_every_list_with_a_cursor_may_be_cut() -> None:
    cut = {route.name for route in routes(REGISTRY) if route.is_cut}
    assert {*PATHS, "everywhere"} <= cut
    of_lists = {*filter(None, map(listing, routes(REGISTRY))), "everywhere"}
    assert cut == of_lists - {"get_view"}  # the list that it keeps is cut


def listing(route: Route) -> str:
    is_list = (
        route.methods[0] == "GET"
        and not route.public
        and not route.streams
        and ("cursor" in route.query or "*" in route.query)
    )
    return route.name if is_list else ""
