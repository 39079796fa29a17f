"""Calls of typed tools: a day's work, and what is wrong with arguments."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.house import Person
from tests.mcp.typed_calls import PATH, TOOLS, call, done, refused
from tests.web.connecting import rpc


def test_a_days_work_with_the_tools(alice: Person) -> None:
    made = done(
        alice,
        "create_contact",
        name="Jane",
        email="jane@acme.com",
        company={"name": "Acme"},
        activities=[{"body": "x"}],
    )
    assert "company_name=Acme" in made
    handle = made.partition("  ")[0]
    for id in (handle, handle.partition("/")[2], "jane@acme.com"):
        assert done(alice, "get_contact", id=id).startswith(handle)
    assert "stage=lead" in done(alice, "update_contact", id=handle, stage="lead", tags={"add": ["vip"]}, version=1)
    assert "stage" not in done(alice, "update_contact", id=handle, stage=None)
    assert "ERROR version_conflict" in refused(alice, "update_contact", id=handle, stage="won", version=1)
    assert "kind=call" in done(alice, "log_activity", records="contacts", id="jane@acme.com", kind="call", body="Hi")
    assert "# 2 activities" in done(alice, "list_activities", contact="jane@acme.com")
    assert "# 1 activities" in done(alice, "list_activities", contact="jane@acme.com", filter={"kind": "call"})
    assert "# 2 created" in done(alice, "create_many", records="deals", items=[{"title": "A"}, {"title": "B"}])
    assert "count=2" in done(alice, "count", records="deal", by=["stage"])
    assert "action=contact.create" in done(alice, "history", records="contacts", id=handle, by="me")
    assert handle in done(alice, "search", q="jane", types="contacts")
    assert done(alice, "reminders", days=7).startswith("# 0 reminders")
    assert "changed by others" in done(alice, "brief")
    assert done(alice, "help", topic="mcp").startswith("MCP: ")


def test_filters_are_those_of_the_list(alice: Person) -> None:
    for name, stage in (("A", "lead"), ("B", "won"), ("C", None)):
        done(alice, "create_contact", name=name, stage=stage, custom={"size": 3})

    def names(**arguments: Any) -> str:
        rows = done(alice, "list_contacts", **arguments).splitlines()
        return "".join(row.partition("name=")[2][0] for row in rows if row.startswith("contact/"))

    assert names(filter={"stage": "in:lead,won"}, sort="-name") == "BA"
    assert names(filter={"stage": None}) == "C"
    assert names(filter={"name": ["gte:B", "lt:C"]}) == "B"
    assert names(filter={"custom.size": 3, "or.name": ["A", "C"]}, sort="name") == "AC"
    assert names(search="b") == "B"
    assert names(filter={}, limit=1, sort=["name"], fields=["name"]) == "A"
    assert "invalid_filter" in refused(alice, "list_contacts", filter={"nope": 1})


def test_a_delete_wants_the_confirm_token_and_then_works_once(alice: Person) -> None:
    done(alice, "create_deal", title="Big")
    (deal,) = alice.json_of("GET", "/deals")["items"]
    told = refused(alice, "delete_deal", id=deal["id"])
    assert told.startswith("ERROR confirmation_required\n")
    token = told.rpartition('# next: call delete_deal again with "confirm":"')[2].rstrip('"')
    assert "ERROR confirmation_required" in refused(alice, "delete_deal", id=deal["id"], confirm="wrong")
    assert done(alice, "delete_deal", id=deal["id"], confirm=token).startswith("OK deleted deal/")
    assert "ERROR not_found" in refused(alice, "delete_deal", id=deal["id"], confirm=token)


def test_changes_of_many_and_merges_want_it_too(alice: Person) -> None:
    done(alice, "create_many", records="contacts", items=[{"name": "A"}, {"name": "B"}])
    a, b = (record["id"] for record in alice.json_of("GET", "/contacts?sort=name")["items"])
    for name, arguments in (
        ("update_many", {"records": "contacts", "filter": {"name": "A"}, "changes": {"stage": "lead"}}),
        ("merge", {"records": "contacts", "id": a, "from": b}),
        ("delete_many", {"records": "contacts", "filter": {"stage": "lead"}}),
    ):
        told = refused(alice, name, **arguments)
        token = told.rpartition('"confirm":"')[2].rstrip('"')
        done(alice, name, **arguments, confirm=token)
    assert alice.json_of("GET", "/contacts")["total"] == 0


def test_a_dry_run_writes_nothing_and_a_key_writes_once(alice: Person) -> None:
    assert "# dry run" in done(alice, "create_deal", title="Big", dry_run=True)
    assert alice.json_of("GET", "/deals")["total"] == 0
    for _ in range(2):
        done(alice, "create_deal", title="Big", key="one")
    assert alice.json_of("GET", "/deals")["total"] == 1
    assert "idempotency_mismatch" in refused(alice, "create_deal", title="Other", key="one")


def test_an_unknown_tool_is_an_error_of_the_protocol(client: Person) -> None:
    error = client.post(PATH, json=rpc("tools/call", {"name": "nope", "arguments": {}})).json()["error"]
    assert error["code"] == -32602
    assert error["message"].startswith("there is no such tool; there are help, whoami, ")
    assert error["message"].endswith(" more; tools/list has all")


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("get_contact", {}, "id is needed"),
        ("get_contact", {"id": 7}, "id must be text"),
        ("get_contact", {"id": None}, "id must be text"),
        ("get_contact", {"id": "c_k7m2q9xa", "nope": 1}, "nope is no argument of get_contact"),
        ("get_contact", {"id": "c_k7m2q9xa", "idd": 1}, "idd is no argument of get_contact (did you mean id?)"),
        *(
            ("get_contact", {"id": id}, "id must be an id, like c_k7m2q9xa")
            for id in (
                "",
                " ",
                ".",
                "..",
                "/",
                "a/../b",
                "../companies",
                "/contacts/c_k7m2q9xa",
                "c_k7m2q9xa/activities",
            )
        ),
        ("get_contact", {"id": "c_k7m2q9xa%2Factivities"}, "not_found"),
        ("get_contact", {"id": "c_k7m2q9xa?fields=x"}, "not_found"),
        ("get_contact", {"id": "c_k7m2q9xa#"}, "not_found"),
        ("get_contact", {"id": "\x00"}, "not_found"),
        ("get_contact", {"id": "company/co_k7m2q9xa"}, "id of a contact"),
        ("get_contact", {"id": "x" * 9_000}, "at most 8000 characters"),
        ("list_contacts", {"filter": "stage=lead"}, "filter must be an object"),
        ("list_contacts", {"filter": {"stage": {"in": ["a"]}}}, "filter must be text, a number"),
        ("list_contacts", {"limit": "many"}, "limit"),
        ("list_contacts", {"limit": {}}, "limit must be text, a number"),
        ("list_contacts", {"fields": ["nope"]}, "nope"),
        ("create_contact", {"name": {"x": 1}}, "FIELD name"),
        ("create_contact", {"tags": 5}, "FIELD tags"),
        ("create_contact", {}, "missing_field"),
        ("create_contact", {"name": "A", "dry_run": "maybe"}, "dry_run"),
        ("create_contact", {"name": "A", "key": 5}, "key must be text"),
        ("create_contact", {"name": "A", "key": ""}, "Idempotency-Key"),
        ("create_many", {"records": "contacts", "items": {"name": "A"}}, "items"),
        ("create_many", {"records": "contacts"}, "items is needed"),
        ("create_many", {"items": []}, "records is needed"),
        ("update_many", {"records": "contacts", "changes": [1]}, "invalid_json"),
        ("count", {"records": "contakts"}, "records is one of contacts, companies"),
        ("count", {"records": 5}, "records is one of contacts, companies"),
        ("count", {"records": "audit"}, "records is one of contacts, companies"),
        ("undo", {"operation_id": "../contacts"}, "operation_id must be an id"),
        ("search", {"q": ["a", {"b": 1}]}, "q must be text, a number"),
        ("help", {"topic": "nope"}, "nope"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_to_the_model(client: Person, name: str, arguments: dict[str, Any], says: str) -> None:
    assert says in refused(client, name, **arguments)


def test_a_number_that_is_too_long_is_told_like_any_other(client: Person) -> None:
    deal = f'{{"title":"A","amount_cents":{"9" * 5_000},"custom":{{"a":1e999}}}}'
    sent = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"create_deal","arguments":{deal}}}}}'
    answer = client.post(PATH, content=sent).json()["result"]
    assert answer["isError"]
    assert answer["content"][0]["text"].startswith("ERROR invalid_json\n")


@pytest.mark.parametrize("raw", ['"x"', "5", "[1]", "null"])
def test_arguments_that_are_no_object_are_told_to_the_model(client: Person, raw: str) -> None:
    sent = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"get_contact","arguments":{raw}}}}}'
    answer = client.post(PATH, content=sent).json()["result"]
    assert answer["isError"]
    assert "Send the arguments as one JSON object: id, as_of, fields." in answer["content"][0]["text"]


@pytest.mark.parametrize("path", ["/mcp", PATH])
def test_an_argument_that_stands_twice_is_refused(client: Person, path: str) -> None:
    name, given = (
        ("read", '"path":"/help","path":"/whoami"') if path == "/mcp" else ("help", '"topic":"mcp","topic":""')
    )
    sent = f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{name}","arguments":{{{given}}}}}}}'
    answer = client.post(path, content=sent).json()["result"]
    assert answer["isError"]
    assert f"{'path' if path == '/mcp' else 'topic'} stands twice" in answer["content"][0]["text"]


@pytest.mark.parametrize("name", TOOLS)
def test_a_call_with_every_argument_wrong_is_never_our_fault(client: Person, name: str) -> None:
    for value in (None, 5, -1.5, True, "", "x/../y", "\u202e\x00", [], [[1]], {}, {"a": {"b": 1}}, quote("é/ü")):
        given = dict.fromkeys(TOOLS[name]["inputSchema"].get("properties", {}), value)
        for arguments in (given, {**given, "records": "contacts"} if "records" in given else given):
            assert "server_error" not in call(client, name, **arguments)[1]
