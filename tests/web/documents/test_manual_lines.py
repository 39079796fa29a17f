"""The public manual, line by line: every endpoint as it is written there works, with the bodies written there."""

import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.house import ALICE, BOB, House, Person
from tests.kinds import NAMED

LINES: list[tuple[str, str, Any, str]] = [
    # method, path, body, pattern of the first line of the answer
    ("GET", "/help", None, "crmkit"),
    ("GET", "/healthz", None, "ok"),
    ("GET", "/readyz", None, "ready"),
    ("GET", "/whoami", None, "email: alice@example.com"),
    ("GET", "/tokens", None, "token/tok_"),
    ("DELETE", "/tokens/{token}", None, "OK revoked token/tok_"),
    ("GET", "/contacts?stage=lead&search=jane&sort=-updated_at&limit=2", None, "contact/c_"),
    ("GET", "/contacts?stage=lead&search=&sort=&limit=1&cursor=", None, "contact/c_"),
    (
        "POST",
        "/contacts",
        {
            "name": "Jane Doe",
            "email": "jane@acme.com",
            "company_id": "{company}",
            "stage": "lead",
            "tags": ["vip"],
            "custom": {"a": 1},
        },
        "contact/c_",
    ),
    ("POST", "/contacts", {"name": "Jane Doe", "email": "jane@acme.com", "stage": "lead"}, "contact/c_"),
    ("GET", "/contacts/{contact}", None, "contact/c_"),
    ("PATCH", "/contacts/{contact}", {"stage": "customer"}, "contact/c_"),
    (
        "PATCH",
        "/contacts/{contact}",
        {"follow_up_at": "2026-06-10T09:00:00Z", "follow_up_note": "Send the renewal quote"},
        "contact/c_",
    ),
    ("GET", "/contacts/{contact}/activities", None, "activity/a_"),
    ("POST", "/contacts/{contact}/activities", {"kind": "call", "body": "Spoke"}, "activity/a_"),
    ("POST", "/contacts/{contact}/activities", {"kind": "email", "body": "Wrote"}, "activity/a_"),
    ("POST", "/contacts/{contact}/activities", {"kind": "meeting", "body": "Met"}, "activity/a_"),
    ("POST", "/contacts/{contact}/activities", {"kind": "note", "body": "Noted"}, "activity/a_"),
    ("POST", "/contacts/{contact}/activities", {"kind": "task", "body": "To do"}, "activity/a_"),
    ("GET", "/companies?name=like:acme&search=acme&sort=name&limit=200", None, "company/co_"),
    ("POST", "/companies", {"name": "Acme", "domain": "acme.com", "custom": {"size": "50"}}, "company/co_"),
    ("GET", "/companies/{company}", None, "company/co_"),
    ("PATCH", "/companies/{company}", {"custom": {"size": "60"}}, "company/co_"),
    ("GET", "/deals?amount_cents=gte:100000&search=renewal&sort=-amount_cents&limit=200", None, "deal/d_"),
    (
        "POST",
        "/deals",
        {
            "title": "Renewal",
            "amount_cents": 150000,
            "currency": "USD",
            "stage": "lead",
            "contact_id": "{contact}",
            "company_id": "{company}",
        },
        "deal/d_",
    ),
    ("GET", "/deals/{deal}", None, "deal/d_"),
    ("PATCH", "/deals/{deal}", {"stage": "won", "status": "won"}, "deal/d_"),
    ("GET", "/reminders", None, "contact/c_"),
    ("GET", "/reminders?days=7&limit=10", None, "contact/c_"),
    ("PATCH", "/contacts/{contact}", {"follow_up_at": None}, "contact/c_"),
    ("GET", "/activities?contact={contact}&deal={deal}&limit=5", None, "# 0 activities"),
    ("GET", "/activities?contact={contact}&limit=5", None, "activity/a_"),
    ("GET", "/activities?limit=5", None, "activity/a_"),
    ("GET", "/audit?limit=5", None, "audit/au_"),
    ("GET", "/activities?contact=&deal=&limit=", None, "activity/a_"),
    ("GET", "/audit?limit=", None, "audit/au_"),
    ("GET", "/contacts?stage=in:lead,qualified", None, "# 0 contacts"),
    ("GET", "/contacts?follow_up_at=is:null", None, "contact/c_"),
    ("GET", "/contacts?created_at=gte:2026-01-01T00:00:00Z&follow_up_at=not:null", None, "# 0 contacts"),
    ("GET", "/contacts?search=acme&limit=200", None, "contact/c_"),
    ("GET", "/workspaces", None, "workspace/ws_"),
    ("POST", "/workspaces", {"name": "My Team"}, "workspace/ws_"),
    ("POST", "/workspaces/{workspace}/tokens", None, "OK token created"),
    ("POST", "/workspaces/{workspace}/tokens", {"token_name": "Claude"}, "OK token created"),
    ("GET", "/workspaces/{workspace}/members", None, "user/u_"),
    ("POST", "/workspaces/{workspace}/invites", {"email": "x@acme.com", "role": "member"}, "OK invited x@acme.com"),
    ("POST", "/workspaces/{workspace}/members/{bob}/role", {"role": "member"}, "OK user/u_"),
    ("DELETE", "/workspaces/{workspace}/members/{bob}", None, "OK removed user/u_"),
]

TWO_STEPS = ["/contacts/{contact}", "/companies/{company}", "/deals/{deal}"]


@pytest.fixture(scope="module")
def office(town: House) -> Iterator[tuple[Person, dict[str, str]]]:
    """Alice, admin of a workspace to which Bob belongs, and what stands for the names in the paths."""
    with town.sign_in(ALICE) as alice:
        names = {"workspace": alice.json_of("GET", "/whoami")["workspace"]}
        alice.post(f"/workspaces/{names['workspace']}/invites", json={"email": BOB})
        with town.sign_in(BOB) as bob:
            names["bob"] = bob.json_of("GET", "/whoami")["user"]
        town.sign_in(ALICE, "to be revoked").close()
        tokens = alice.json_of("GET", "/tokens")["items"]
        names["token"] = next(token["id"] for token in tokens if not token["current"])
        names["company"] = alice.json_of("POST", "/companies", {"name": "Acme Inc", "domain": "acme.com"})["id"]
        body = {"name": "Jane", "email": "jane@acme.com", "stage": "lead", "follow_up_at": "2026-06-01"}
        names["contact"] = alice.json_of("POST", "/contacts", body)["id"]
        alice.post(f"/contacts/{names['contact']}/activities", json={"body": "Hello"})
        names["deal"] = alice.json_of("POST", "/deals", {"title": "Renewal", "amount_cents": 150000})["id"]
        yield alice, names


def spelled(value: Any, names: dict[str, str]) -> Any:
    """Return a body with what stands for the names in it."""
    if isinstance(value, dict):
        return {key: spelled(content, names) for key, content in value.items()}
    return value.format(**names) if isinstance(value, str) and value.startswith("{") else value


def test_every_endpoint_line_of_the_manual_works_as_it_is_written(office: tuple[Person, dict[str, str]]) -> None:
    """In the order of the manual, so that what one line writes the next one reads."""
    alice, names = office
    for method, path, body, begins in LINES:
        place = path.format(**names)
        # as curl -d sends it: JSON under the type of a form
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = alice.send_it(method, place, spelled(body, names), headers=headers)
        assert answer.status_code in (200, 201), (method, place, answer.text)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.text.startswith(begins), (method, place, answer.text)


def test_every_get_line_of_the_manual_works_in_json_too(office: tuple[Person, dict[str, str]]) -> None:
    alice, names = office
    for path in (path.format(**names) for method, path, _, _ in LINES if method == "GET"):
        by_header = alice.get(path, headers={"Accept": "application/json"})
        by_query = alice.get(f"{path}{'&' if '?' in path else '?'}format=json")
        assert by_header.status_code == by_query.status_code == 200, by_header.text
        assert by_header.json() == by_query.json()


@pytest.mark.parametrize("path", TWO_STEPS)
def test_a_delete_is_asked_and_then_repeated_with_confirm(office: tuple[Person, dict[str, str]], path: str) -> None:
    alice, _ = office
    kind = next(kind for kind in NAMED if path.startswith(f"/{kind.plural}/"))
    place = f"/{kind.plural}/{alice.json_of('POST', f'/{kind.plural}', {kind.title.name: 'Doomed'})['id']}"
    asked = alice.delete(f"{place}?confirm=")
    assert asked.status_code == 409
    assert asked.text.startswith("ERROR confirmation_required\n")
    method, next_call = asked.text.rstrip("\n").split()[-2:]
    assert (method, next_call.partition("?confirm=")[0]) == ("DELETE", place)
    assert alice.delete(next_call).text.startswith(
        f"OK deleted {kind.name}/{place.rpartition('/')[2]}\n# undo: POST /undo/op_"
    )


def test_a_token_of_another_workspace_switches_to_it(office: tuple[Person, dict[str, str]]) -> None:
    alice, _ = office
    other = alice.json_of("POST", "/workspaces", {"name": "My Team"})["id"]
    made = alice.json_of("POST", f"/workspaces/{other}/tokens", {"token_name": "there"})
    there = {"Authorization": f"Bearer {made['token']}"}
    assert 'workspace_name: "My Team"\n' in alice.text("GET", "/whoami", headers=there)
    assert alice.text("GET", "/contacts", headers=there) == "# 0 contacts\n# total: 0\n"


def test_making_an_admin_and_deleting_a_workspace_take_a_mailed_code(town: House) -> None:
    with town.sign_in("dean@example.com") as dean:
        place = f"/workspaces/{dean.json_of('GET', '/whoami')['workspace']}"
        dean.post(f"{place}/invites", json={"email": "ed@example.com", "role": "member"})
        with town.sign_in("ed@example.com") as ed:
            member = ed.json_of("GET", "/whoami")["user"]
        for method, path, body, told, more in (
            ("POST", f"{place}/members/{member}/role", {"role": "admin"}, f"OK user/{member} role=admin", "query"),
            ("DELETE", place, None, "OK deleted workspace/", "header"),
        ):
            asked = dean.send_it(method, path, body)
            assert (asked.status_code, asked.text.splitlines()[0]) == (403, "ERROR escalation_required")
            code = town.letterbox.code_for("dean@example.com")
            if more == "query":
                done = dean.send_it(method, f"{path}?code={code}", body)
            else:
                done = dean.send_it(method, path, body, headers={"X-Escalation-Code": code})
            assert done.text.startswith(told), done.text


def test_the_curl_examples_work_as_they_are_typed(town: House, office: tuple[Person, dict[str, str]]) -> None:
    alice, _ = office

    def curl(*arguments: str) -> str:
        line = ["curl", "-s", "-X", "POST", *arguments]
        return subprocess.run(line, capture_output=True, text=True, timeout=30, check=True).stdout

    assert curl(f"{town.url}/auth/request", "-d", '{"email":"you@example.com"}').startswith(
        "OK code sent to you@example.com\n"
    )
    body = '{"name":"Jane Doe","email":"jane@acme.com","stage":"lead"}'
    answer = curl(f"{town.url}/contacts", "-H", f"Authorization: Bearer {alice.token}", "-d", body)
    assert answer.startswith("contact/c_")
    assert '  name="Jane Doe"  email=jane@acme.com  ' in answer
    assert answer.endswith("\n# updated\n")


def test_curl_finds_an_odd_custom_key_as_the_manual_writes_it(home: House, alice: Person) -> None:
    found = re.search(r"--data-urlencode '(custom\.%22[^']+)'", alice.text("GET", "/help?topic=querying"))
    assert found, "the manual has no such line"
    alice.json_of("POST", "/contacts", {"name": "Odd", "custom": {"full name": "x"}})
    alice.json_of("POST", "/contacts", {"name": "Other", "custom": {"full name": "y"}})
    line = ["curl", "-sG", f"{home.url}/contacts", "-H", f"Authorization: Bearer {alice.token}"]
    done = subprocess.run([*line, "--data-urlencode", found.group(1)], capture_output=True, text=True, check=True)
    assert re.findall(r"name=(\w+)", done.stdout.partition("custom")[0]) == ["Odd"]
    assert "# total: 1\n" in done.stdout
