"""The tool `write` creates and changes records; what a client should ask its user first is left to `request`."""

import re
from typing import Any

import pytest

from crmkit.boot import KINDS
from crmkit.mcp.tools import METHODS, WRITE
from crmkit.web.app import routes
from crmkit.web.route import Route
from tests.house import House, Person
from tests.web.connecting import rpc

LEFT = "The tool write leaves to the tool request what the user is asked first"
WRITES = [
    (method, path, route)
    for route in routes(KINDS)
    for path in route.paths
    for method in route.listed_methods
    if method in METHODS[WRITE] and not route.public
]


def call(person: Person, name: str, **arguments: Any) -> tuple[bool, str]:
    answer = person.post("/mcp", json=rpc("tools/call", {"name": name, "arguments": arguments})).json()["result"]
    return answer["isError"], answer["content"][0]["text"]


@pytest.mark.parametrize(("method", "path", "route"), WRITES, ids=[f"{method} {path}" for method, path, _ in WRITES])
def test_it_sends_a_request_unless_the_route_asks_first(client: Person, method: str, path: str, route: Route) -> None:
    failed, told = call(client, WRITE, method=method, path=re.sub(r"{\w+}", "x_k7m2q9xa", path), body={})
    assert (LEFT in told) is route.asks_first
    if route.asks_first:
        assert failed
        assert told.startswith("ERROR invalid_value\n")
        assert told.endswith("Ask, then send the same with request.\n")


@pytest.mark.parametrize(
    "path",
    [
        *("/contacts/{id}/merge", "/companies/{id}/merge", "/contacts", "/deals", "/undo/{operation_id}"),
        *(
            "/imports/{id}/start",
            "/links",
            "/proposals/{id}/approve",
            "/me",
            "/workspaces",
            "/workspaces/{id}",
            "/workspaces/{id}/tokens",
        ),
        *("/workspaces/{id}/invites", "/workspaces/{id}/members/{user_id}/role", "/fields", "/pipelines/deals"),
    ],
)
def test_what_takes_away_or_reaches_beyond_records_asks_first(path: str) -> None:
    asking = [method for method, known, route in WRITES if known == path and route.asks_first]
    assert asking == (["PATCH"] if path in ("/contacts", "/deals", "/me") else asking)
    assert asking


def test_every_delete_asks_first_and_no_read_does() -> None:
    for route in routes(KINDS):
        if route.verb in ("read", "delete"):
            assert route.asks_first is (route.verb == "delete"), route.paths


def test_it_creates_changes_and_logs(home: House, alice: Person) -> None:
    failed, made = call(alice, WRITE, method="post", path="/contacts", body={"name": "Jane", "email": "jane@acme.com"})
    assert not failed
    assert "# created" in made
    one = "/contacts/jane@acme.com"
    assert call(alice, WRITE, method="PATCH", path=one, body={"stage": "customer", "version": 1})[0] is False
    assert call(alice, WRITE, method="POST", path=f"{one}/activities", body={"kind": "call", "body": "Hi"})[0] is False
    assert call(alice, WRITE, method="POST", path="/contacts/batch", body='{"items":[{"name":"A"}]}')[0] is False
    assert "stage=customer" in alice.text("GET", one)


def test_under_one_key_it_writes_once(alice: Person) -> None:
    for _ in range(2):
        assert not call(alice, WRITE, method="POST", path="/deals", body={"title": "Big"}, key="one")[0]
    assert alice.json_of("GET", "/deals")["total"] == 1


@pytest.mark.parametrize("method", ["GET", "DELETE", "HEAD", "DELET"])
def test_other_methods_name_the_tools_that_send_them(client: Person, method: str) -> None:
    failed, told = call(client, WRITE, method=method, path="/contacts/c_k7m2q9xa")
    assert failed
    assert "method is one of POST, PATCH, PUT" in told
    assert "the tool read sends GET, request DELETE" in told


def test_it_plans_an_import_but_starts_none(alice: Person) -> None:
    table = "name,email\nJane,jane@acme.com\n"
    failed, told = call(alice, WRITE, method="POST", path="/import?kind=contacts&start=1", body=table)
    assert failed
    assert LEFT in told
    failed, told = call(alice, WRITE, method="POST", path="/import?kind=contacts", body=table)
    assert not failed
    start = re.search(r"POST (/imports/\S+/start)", told)
    assert start
    assert LEFT in call(alice, WRITE, method="POST", path=start[1])[1]
    assert not call(alice, "request", method="POST", path=start[1])[0]


def test_what_it_refuses_changes_nothing(alice: Person) -> None:
    alice.json_of("POST", "/contacts", {"name": "Jane"})
    before = alice.text("GET", "/audit")
    for method, path in (("PATCH", "/contacts?name=Jane"), ("POST", "/links"), ("PATCH", "/me")):
        assert call(alice, WRITE, method=method, path=path, body={"stage": "lead"})[0]
    assert alice.text("GET", "/audit") == before
