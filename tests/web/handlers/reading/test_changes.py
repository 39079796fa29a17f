"""GET /changes: what became of records since a cursor, and calls that wait for it."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from crmkit.core.history import changes as core
from tests.house import House, Person
from tests.teams.office import Team, erased, new, office, stepped, team
from tests.web.connection.raw import connected, head
from tests.web.refused import refused

TAKES = 20


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with office(tmp_path_factory.mktemp("office") / "data") as running:
        yield running


@pytest.fixture
def us(home: House) -> Team:
    return team(home)


def now(person: Person) -> str:
    page = person.json_of("GET", "/changes")
    assert page["items"] == []
    return str(page["next_cursor"])


def told(page: Any) -> list[tuple[str, str, list[str]]]:
    return [(item["handle"].partition("/")[0], item["change"], item["fields"]) for item in page["items"]]


def test_changes_are_told_once_for_each_record_the_oldest_first(home: House, us: Team) -> None:
    old = new(us.alice, "/contacts", name="Old", stage="lead")
    gone = new(us.alice, "/companies", name="Gone")
    since = now(us.alice)
    brief = new(us.alice, "/deals", title="Brief")
    fresh = new(us.alice, "/tickets", subject="Fresh")
    us.bob.json_of("PATCH", f"/tickets/{fresh}", {"status": "solved"})
    us.bob.json_of("PATCH", f"/contacts/{old}", {"stage": "customer", "owner": "me"})
    erased(us.alice, f"/companies/{gone}")
    erased(us.alice, f"/deals/{brief}")
    us.alice.json_of("POST", f"/contacts/{old}/activities", {"body": "Hello"})
    text = us.alice.text("GET", f"/changes?since={since}").splitlines()
    at = home.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert text[:3] == [
        f"ticket/{fresh}  change=created  at={at}  by={us.bob.email}",
        f"contact/{old}  change=updated  at={at}  by={us.bob.email}  fields=owner,stage",
        f"company/{gone}  change=deleted  at={at}  by={us.alice.email}",
    ]
    assert [line.partition("  ")[2].split("  at=")[0] for line in text[3:4]] == ["change=created"]
    assert text[4] == "# 4 changes"
    assert text[5].startswith("# next: ")
    page = us.alice.json_of("GET", f"/changes?since={since}")
    assert page["items"][1] == {
        **{"handle": f"contact/{old}", "id": old, "change": "updated", "at": at, "by": us.bob.email},
        "fields": ["owner", "stage"],
    }
    assert us.alice.json_of("GET", f"/changes?since={page['next_cursor']}")["items"] == []


def test_what_is_as_it_was_is_not_told(us: Team) -> None:
    contact = new(us.alice, "/contacts", name="Jane", stage="lead")
    since = now(us.alice)
    for stage in ("customer", "lead"):
        us.alice.json_of("PATCH", f"/contacts/{contact}", {"stage": stage})
    assert us.alice.json_of("GET", f"/changes?since={since}")["items"] == []


def test_an_undo_is_told_as_what_it_did_to_records_and_what_is_no_record_is_not_told(us: Team) -> None:
    kept, gone = (new(us.alice, "/contacts", name=name, city="Oslo") for name in ("Jane", "Jane"))
    since = now(us.bob)
    us.alice.json_of("PATCH", f"/contacts/{kept}", {"stage": "lead"})
    stage = us.alice.json_of("PATCH", f"/contacts/{kept}", {"stage": "won", "notes": "x"})["operation"]
    us.alice.json_of("POST", "/duplicates/dismiss", {"a": kept, "b": gone})
    us.alice.json_of("PUT", "/pipelines/contacts", {"stages": [{"name": "lead"}]})
    new(us.alice, f"{us.path}/invites", email="guest@example.com")
    us.alice.json_of("PATCH", us.path, {"currency": "EUR"})
    token = us.alice.json_of("DELETE", f"/contacts/{gone}")["confirm"]
    delete = us.alice.json_of("DELETE", f"/contacts/{gone}?confirm={token}")["operation"]
    for operation in (stage, delete):
        assert us.alice.json_of("POST", f"/undo/{operation}")["ok"]
    for page in (
        us.bob.json_of("GET", f"/changes?since={since}"),
        {"items": us.bob.json_of("GET", "/brief")["changed"]},
    ):
        assert {item["handle"].partition("/")[0] for item in page["items"]} == {"contact"}
    assert told(us.bob.json_of("GET", f"/changes?since={since}")) == [("contact", "updated", ["stage"])]
    text = us.bob.text("GET", "/brief")
    assert "operation/" not in text
    again = now(us.bob)
    undo = us.alice.json_of("GET", "/audit?action=operation.undo&limit=1")["items"][0]
    assert undo["target"].startswith("operation/op_")
    assert us.bob.json_of("GET", f"/changes?since={again}&kinds=contacts,companies")["items"] == []


def test_kinds_are_named_in_the_singular_or_plural_and_memberships_only_by_name(us: Team) -> None:
    since = now(us.alice)
    contact, campaign = new(us.alice, "/contacts", name="Jane"), new(us.alice, "/campaigns", name="Spring")
    assert us.alice.post(f"/campaigns/{campaign}/members", json={"id": contact}).status_code == 201
    us.alice.json_of("POST", f"/contacts/{contact}/activities", {"body": "Hello"})
    kinds = {
        "": ["contact", "campaign", "activity"],
        "contacts": ["contact"],
        "Contact, activities": ["contact", "activity"],
        "memberships": ["membership"],
        "deals": [],
    }
    for text, expected in kinds.items():
        page = us.alice.json_of("GET", f"/changes?since={since}&kinds={text}")
        assert [kind for kind, *_ in told(page)] == expected
    refused(us.alice, "invalid_value", "GET", "/changes?kinds=contcts", None, {"kinds": "did you mean contacts"})


def test_a_declared_field_is_told_too(us: Team) -> None:
    since = now(us.alice)
    us.alice.json_of("POST", "/fields", {"kind": "contact", "key": "size", "type": "number"})
    assert told(us.alice.json_of("GET", f"/changes?since={since}")) == [("field", "created", [])]


def test_pages_of_a_round_tell_of_one_moment_and_the_next_round_of_what_came_meanwhile(us: Team) -> None:
    since = now(us.alice)
    made = [new(us.alice, "/contacts", name=f"{n}") for n in range(3)]
    first = us.alice.json_of("GET", f"/changes?since={since}&limit=2")
    erased(us.alice, f"/contacts/{made[0]}")
    us.alice.json_of("PATCH", f"/contacts/{made[2]}", {"stage": "lead"})
    second = us.alice.json_of("GET", f"/changes?since={first['next_cursor']}&limit=2")
    assert [item["id"] for item in (*first["items"], *second["items"])] == made
    third = us.alice.json_of("GET", f"/changes?since={second['next_cursor']}&limit=2")
    assert [(item["id"], item["change"]) for item in third["items"]] == [(made[0], "deleted"), (made[2], "updated")]
    path = f"/changes?since={first['next_cursor']}&kinds=deals"
    refused(us.alice, "invalid_cursor", "GET", path, None, ["kinds"], "same kinds")


def test_a_time_or_a_day_begins_a_round_as_well(home: House, us: Team) -> None:
    new(us.alice, "/contacts", name="Before")
    home.clock.move(hours=1)
    at = home.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    new(us.alice, "/deals", title="After")
    assert told(us.alice.json_of("GET", f"/changes?since={at}")) == [("deal", "created", [])]
    every = us.alice.json_of("GET", f"/changes?since={at[:10]}")
    assert told(every) == [("contact", "created", []), ("deal", "created", [])]
    assert every == us.alice.json_of("GET", f"/changes?cursor={at[:10]}")


def test_a_cursor_is_of_one_workspace_and_of_a_log_that_reaches_back_to_it(home: House, us: Team) -> None:
    since = now(us.alice)
    refused(us.charlie, "invalid_cursor", "GET", f"/changes?since={since}", does="next_cursor of the page before")
    refused(us.alice, "invalid_cursor", "GET", "/changes?since=next", does="read all records anew")

    def pruned(tx: Any) -> None:
        tx.connection.execute("DELETE FROM audit WHERE workspace_id = ?", (us.id,))

    new(us.alice, "/contacts", name="Jane")
    home.do(home.crm.database.write(pruned, lanes=(us.id,)))
    refused(us.alice, "invalid_cursor", "GET", f"/changes?since={since}", does="does not reach back")


def test_a_log_that_goes_on_for_long_without_the_kinds_asked_for_is_read_in_bounded_pages(
    us: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "SLICE", 2)
    since = now(us.alice)
    for n in range(30):
        new(us.alice, "/contacts", name=f"{n}")
    deal = new(us.alice, "/deals", title="Boat")
    page = us.alice.json_of("GET", f"/changes?since={since}&kinds=deals&wait=30")
    assert page["items"] == []
    assert page["notes"] == ["there is more: go on with the cursor"]
    page = us.alice.json_of("GET", f"/changes?since={page['next_cursor']}&kinds=deals")
    assert [item["id"] for item in page["items"]] == [deal]


# calls that wait


@contextmanager
def waiting(home: House, person: Person, query: str = "", calls: int = 1) -> Iterator[list[Future[httpx.Response]]]:
    """Yield calls that wait, once they do."""
    path, before = f"/changes?wait=60&{query}", home.crm.waiting.calls
    with ThreadPoolExecutor(calls) as pool, ExitStack() as stack:
        people = [stack.enter_context(Person(home.url, person.token)) for _ in range(calls)]
        futures = [pool.submit(each.get, path, headers={"Accept": "application/json"}) for each in people]
        until(lambda: home.crm.waiting.calls == before + calls)
        yield futures


def until(holds: Callable[[], bool]) -> None:
    passed = threading.Event()
    for _ in range(TAKES * 100):
        if holds():
            return
        passed.wait(0.01)
    raise AssertionError("it never came to that")


def test_a_call_that_waits_is_answered_with_what_comes(home: House, us: Team) -> None:
    with waiting(home, us.alice, f"since={now(us.alice)}") as (call,):
        deal = new(us.bob, "/deals", title="Boat")
        page = call.result(TAKES).json()
    assert [item["id"] for item in page["items"]] == [deal]
    assert us.alice.json_of("GET", f"/changes?since={page['next_cursor']}")["items"] == []
    assert home.crm.waiting.calls == 0


def test_a_call_waits_for_its_kinds_alone_and_goes_on_behind_what_it_passed(home: House, us: Team) -> None:
    with waiting(home, us.alice, "kinds=deals", calls=3) as calls:
        for n in range(3):
            new(us.bob, "/contacts", name=f"{n}")
        assert not any(call.done() for call in calls)
        deal = new(us.bob, "/deals", title="Boat")
        for call in calls:
            assert [item["id"] for item in call.result(TAKES).json()["items"]] == [deal]


def test_a_call_without_news_ends_empty_with_a_cursor_that_goes_on(us: Team) -> None:
    page = us.alice.json_of("GET", f"/changes?wait=1&since={now(us.alice)}")
    assert page["items"] == []
    contact = new(us.alice, "/contacts", name="Jane")
    page = us.alice.json_of("GET", f"/changes?wait=1&since={page['next_cursor']}")
    assert [item["id"] for item in page["items"]] == [contact]


@pytest.mark.parametrize("wait", ["61", "-1", "soon", "1.5"])
def test_a_wait_is_of_0_to_60_seconds(us: Team, wait: str) -> None:
    refused(us.alice, "invalid_value", "GET", f"/changes?wait={wait}", None, {"wait": "0 to 60"})


def test_a_call_ends_at_once_when_its_token_ends(home: House, us: Team) -> None:
    with waiting(home, us.bob) as (call,):
        id = next(item["id"] for item in us.bob.json_of("GET", "/tokens")["items"] if item["current"])
        assert us.bob.delete(f"/tokens/{id}").status_code == 200
        assert call.result(TAKES).json()["items"] == []


def test_a_call_ends_at_once_when_its_role_ends(home: House, us: Team) -> None:
    with waiting(home, us.bob) as (call,):
        assert stepped(home, us.alice, "POST", f"{us.member(us.bob)}/role", {"role": "admin"}).status_code == 200
        assert call.result(TAKES).json()["items"] == []


def test_a_call_ends_at_once_when_its_membership_ends(home: House, us: Team) -> None:
    with waiting(home, us.bob) as (call,):
        assert us.alice.delete(us.member(us.bob)).status_code == 200
        assert call.result(TAKES).json()["items"] == []


def test_a_call_ends_at_once_when_its_workspace_is_erased(home: House, us: Team) -> None:
    with waiting(home, us.bob) as (call,):
        assert stepped(home, us.alice, "DELETE", f"/workspaces/{us.id}").status_code == 200
        assert call.result(TAKES).json()["items"] == []


def test_four_calls_of_a_token_wait_and_one_that_leaves_makes_room_at_once(home: House, us: Team) -> None:
    with waiting(home, us.alice, calls=3), connected(home.url) as connection:
        connection.sendall(head(path="/changes?wait=60", token=us.alice.token))
        until(lambda: home.crm.waiting.calls == 4)
        refused(us.alice, "rate_limited", "GET", "/changes?wait=60", does="4 calls that wait")
        assert us.bob.get("/changes?wait=1").status_code == 200
        connection.close()
        until(lambda: home.crm.waiting.calls == 3)
        assert us.alice.get("/changes?wait=1").status_code == 200
        new(us.alice, "/contacts", name="Jane")
    assert home.crm.waiting.calls == 0


def test_a_call_that_waits_is_answered_though_the_one_that_waited_before_it_has_left(home: House, us: Team) -> None:
    with connected(home.url) as connection:
        connection.sendall(head(path="/changes?wait=60", token=us.alice.token))
        until(lambda: home.crm.waiting.calls == 1)
        with waiting(home, us.bob) as (call,):
            connection.close()
            until(lambda: home.crm.waiting.calls == 1)
            deal = new(us.alice, "/deals", title="Boat")
            answer = call.result(TAKES)
    assert answer.status_code == 200, answer.text
    assert [item["id"] for item in answer.json()["items"]] == [deal]


def test_a_tool_call_waits_too(home: House, us: Team) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    arguments = {"name": "read", "arguments": {"path": "/changes?wait=60"}}
    with ThreadPoolExecutor(1) as pool, Person(home.url, us.alice.token) as tool:
        call = pool.submit(tool.post, "/mcp", content=json.dumps({**message, "params": arguments}))
        until(lambda: home.crm.waiting.calls == 1 or call.done())
        contact = new(us.bob, "/contacts", name="Jane")
        assert f"contact/{contact}  change=created" in call.result(TAKES).text
