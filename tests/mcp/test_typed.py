"""POST /mcp/typed: a tool for each thing that can be done, made of the declarations of routes and kinds."""

import subprocess
import sys
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from crmkit.boot import KINDS
from crmkit.mcp.typed import TypedTools
from crmkit.web.app import routes
from crmkit.web.route import Route
from tests.house import BOB, ROOT, House, Person
from tests.mcp.test_endpoint import CAPABILITIES, VERSION, modern
from tests.web.connecting import App, rpc

PATH = "/mcp/typed"
ROUTES = routes(KINDS)
TOOLS: dict[str, dict[str, Any]] = {tool["name"]: tool for tool in TypedTools(KINDS, ROUTES).listed()}
OF_RECORDS = [*KINDS.records, KINDS.activity]


def call(person: Person, name: str, /, **arguments: Any) -> tuple[bool, str]:
    """Return (whether it failed, the text) of a call."""
    answer = person.post(PATH, json=rpc("tools/call", {"name": name, "arguments": arguments}))
    assert answer.status_code == 200, answer.text
    result = answer.json()["result"]
    return result["isError"], "\n".join(part["text"] for part in result["content"])


def done(person: Person, name: str, /, **arguments: Any) -> str:
    failed, text = call(person, name, **arguments)
    assert not failed, text
    return text


def refused(person: Person, name: str, /, **arguments: Any) -> str:
    failed, text = call(person, name, **arguments)
    assert failed, text
    assert text.startswith("ERROR ")
    assert "\nHINT  " in text
    return text


# the list


def test_the_server_lists_the_tools_that_follow_from_its_routes(client: Person) -> None:
    assert client.post(PATH, json=rpc("tools/list")).json()["result"] == {"tools": list(TOOLS.values())}
    modern_list = client.post(PATH, **modern("tools/list")).json()["result"]
    assert modern_list["tools"] == list(TOOLS.values())
    assert {"ttlMs", "cacheScope"} < set(modern_list)


def test_the_list_has_at_most_12000_tokens() -> None:
    assert len(msgspec.json.encode({"tools": list(TOOLS.values())})) / 4 <= 12_000


def test_every_kind_of_record_is_listed_got_created_updated_and_deleted() -> None:
    for kind in OF_RECORDS:
        assert {
            f"list_{kind.plural}",
            *(f"{verb}_{kind.name}" for verb in ("get", "create", "update", "delete")),
        } <= set(TOOLS)


def test_the_verbs_have_a_tool_each_for_all_kinds() -> None:
    verbs = (
        "merge",
        "search",
        "reminders",
        "brief",
        "count",
        "log_activity",
        "create_many",
        "update_many",
        "delete_many",
    )
    assert {*verbs, "undo", "history", "blame", "duplicates", "audit", "whoami", "help"} <= set(TOOLS)
    for name in ("create_many", "update_many", "delete_many"):
        assert TOOLS[name]["inputSchema"]["properties"]["records"]["enum"] == [kind.plural for kind in OF_RECORDS]


def test_no_tool_reaches_people_tokens_or_what_is_set_up() -> None:
    for route in ROUTES:
        if route.tool and route.tool not in ("whoami", "reject_proposal"):
            assert not route.paths[0].startswith(("/tokens", "/me", "/workspaces", "/auth", "/imports"))
            assert route.area not in ("own", "team")
            assert route.area != "workspace" or route.verb == "read"
            assert route.consent == "free"


def described(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["description"]] if isinstance(schema.get("description"), str) else []
        return [*own, *(text for each in schema.values() for text in described(each))]
    return []


@pytest.mark.parametrize("name", TOOLS)
def test_descriptions_are_short_and_schemas_closed(name: str) -> None:
    tool = TOOLS[name]
    assert all(0 < len(text) <= 80 for text in described(tool))
    schema = tool["inputSchema"]
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert set(schema.get("required", ())) <= set(schema.get("properties", ()))
    assert all("type" in each for each in schema.get("properties", {}).values())


def test_every_field_of_a_kind_that_may_be_sent_is_an_argument() -> None:
    for kind in OF_RECORDS:
        created = TOOLS[f"create_{kind.name}"]["inputSchema"]["properties"]
        updated = TOOLS[f"update_{kind.name}"]["inputSchema"]["properties"]
        assert set(kind.taken) <= set(created)
        assert {*kind.changes.writable, "id", "version"} <= set(updated)
        for name, field in kind.changes.writable.items():
            may_be_null = "null" in updated[name].get("type", ()) or None in updated[name].get("enum", ())
            assert may_be_null is not field.needs_value, (kind.name, name)


def hints(name: str) -> tuple[bool, ...]:
    told = TOOLS[name]["annotations"]
    return tuple(told[f"{hint}Hint"] for hint in ("readOnly", "destructive", "idempotent", "openWorld"))


def test_each_tool_says_what_it_may_do() -> None:
    of_tools: dict[str, Route] = {route.tool: route for route in ROUTES}
    for name in TOOLS:
        reads, destroys, repeats, outside = hints(name)
        route = of_tools[name]
        assert reads is (route.methods[0] == "GET")
        assert destroys is (not reads and route.asks_first)
        assert repeats is (route.methods[0] != "POST")
        assert not outside
    assert hints("create_deal") == (False, False, False, False)
    assert hints("update_deal") == (False, False, True, False)
    for name in ("delete_deal", "delete_many", "update_many", "merge", "undo"):
        assert hints(name)[1]


def test_what_takes_data_away_in_two_steps_takes_the_confirm_token() -> None:
    asking = {name for name, tool in TOOLS.items() if "confirm" in tool["inputSchema"].get("properties", {})}
    assert asking == {
        *(f"delete_{kind.name}" for kind in KINDS.records),
        *("merge", "update_many", "delete_many"),
    }


def test_the_start_does_not_make_them() -> None:
    line = "import sys, crmkit.mcp.endpoint; print([each for each in sys.modules if each.startswith('crmkit.mcp.t')])"
    told = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert told == "['crmkit.mcp.tools']\n"


# who may, and where they sign in


@pytest.mark.parametrize("path", [PATH, f"{PATH}/"])
def test_without_a_token_it_names_where_to_sign_in_for_this_address(town: House, path: str) -> None:
    answer = town.visitor().post(path, json=rpc("ping"))
    assert answer.status_code == 401
    where = f"{town.url}/.well-known/oauth-protected-resource{PATH}"
    assert f'resource_metadata="{where}"' in answer.headers["www-authenticate"]
    assert town.visitor().get(where).json()["resource"] == f"{town.url}{PATH}"
    server = town.visitor().get(f"{town.url}/.well-known/oauth-authorization-server{PATH}").json()
    assert server["issuer"] == town.url
    assert town.visitor().post(path, headers={"Origin": "https://evil.com"}).status_code == 403


def test_a_token_for_either_address_works_at_both(home: House) -> None:
    for place in ("/mcp", PATH):
        app, resource = App(home), f"{home.url}{place}"
        code = app.allowed(BOB, resource=resource)["code"]
        with Person(home.url, app.redeem(code, resource=resource).json()["access_token"]) as connected:
            for path in ("/mcp", PATH):
                assert connected.post(path, json=rpc("ping")).json()["result"] == {}


def test_it_is_not_reached_by_a_tool(client: Person) -> None:
    arguments = {"method": "POST", "path": PATH, "body": rpc("ping")}
    told = client.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments})).json()["result"]
    assert told["isError"]
    assert "signed in already" in told["content"][0]["text"]


# calls


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


# a delete that the host asks its user about


def asking(person: Person, params: dict[str, Any], elicitation: Any = ()) -> dict[str, Any]:
    able = {} if elicitation == () else {"elicitation": elicitation}
    sent = modern("tools/call", {**params, "_meta": {VERSION: "2026-07-28", CAPABILITIES: able}})
    result: dict[str, Any] = person.post(PATH, **sent).json()["result"]
    return result


@pytest.fixture
def jane(alice: Person) -> dict[str, Any]:
    """The call that deletes her."""
    id = alice.json_of("POST", "/contacts", {"name": "Jane", "email": "jane@acme.com"})["id"]
    return {"name": "delete_contact", "arguments": {"id": id}}


@pytest.mark.parametrize("able", [{}, {"form": {}}, {"form": {}, "url": {}}], ids=str)
def test_a_host_that_can_ask_its_user_is_told_to(alice: Person, jane: dict[str, Any], able: Any) -> None:
    result = asking(alice, jane, able)
    assert result["resultType"] == "input_required"
    question = result["inputRequests"]["confirm"]
    assert question["method"] == "elicitation/create"
    assert question["params"]["mode"] == "form"
    assert question["params"]["message"].startswith(
        f'delete_contact {{"id":"{jane["arguments"]["id"]}"}}\nIts activities'
    )
    assert "confirm=" not in question["params"]["message"]
    again = {**jane, "requestState": result["requestState"]}
    yes = {"confirm": {"action": "accept", "content": {"confirm": True}}}
    done_ = asking(alice, {**again, "inputResponses": yes}, able)
    assert done_["resultType"] == "complete"
    assert done_["content"][0]["text"].startswith("OK deleted contact/")
    assert alice.json_of("GET", "/contacts")["total"] == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"action": "decline"},
        {"action": "cancel"},
        {"action": "accept", "content": {"confirm": False}},
        {"action": "accept", "content": {"confirm": "true"}},
        {"action": "accept"},
        {"action": "accept", "content": []},
        *("accept", None, 5),
    ],
    ids=str,
)
def test_without_a_clear_yes_nothing_is_deleted(alice: Person, jane: dict[str, Any], answer: Any) -> None:
    state = asking(alice, jane, {})["requestState"]
    result = asking(alice, {**jane, "requestState": state, "inputResponses": {"confirm": answer}}, {})
    assert result["isError"]
    assert "The user did not agree, so nothing was done." in result["content"][0]["text"]
    assert alice.json_of("GET", "/contacts")["total"] == 1


def test_a_state_of_another_call_or_none_at_all_is_asked_about_anew(alice: Person, jane: dict[str, Any]) -> None:
    other = alice.json_of("POST", "/contacts", {"name": "Other"})["id"]
    state = asking(alice, {**jane, "arguments": {"id": other}}, {})["requestState"]
    yes = {"confirm": {"action": "accept", "content": {"confirm": True}}}
    for sent in ({"requestState": state}, {"requestState": "x"}, {"requestState": ""}, {}):
        assert asking(alice, {**jane, **sent, "inputResponses": yes}, {})["resultType"] == "input_required"
    assert asking(alice, {**jane, "requestState": state, "inputResponses": {}}, {})["resultType"] == "input_required"
    assert alice.json_of("GET", "/contacts")["total"] == 2


@pytest.mark.parametrize("able", [(), {"url": {}}, None, 5], ids=str)
def test_a_host_that_cannot_ask_gets_the_token_in_text(alice: Person, jane: dict[str, Any], able: Any) -> None:
    result = asking(alice, jane, able)
    assert result["isError"]
    assert '"confirm":"' in result["content"][1]["text"]


def test_a_client_that_initializes_gets_the_token_in_text(alice: Person, jane: dict[str, Any]) -> None:
    sent = {**jane, "_meta": {CAPABILITIES: {"elicitation": {}}}}
    result = alice.post(PATH, json=rpc("tools/call", sent)).json()["result"]
    assert result["isError"]
    assert '"confirm":"' in result["content"][1]["text"]
