"""POST /mcp/typed: a tool for each thing that can be done, made of the declarations of routes and kinds."""

import subprocess
import sys
from typing import Any

import msgspec
import pytest

from crmkit.boot import KINDS
from crmkit.web.route import Route
from tests.house import BOB, ROOT, House, Person
from tests.mcp.test_endpoint import modern
from tests.mcp.typed_calls import OF_RECORDS, PATH, ROUTES, TOOLS
from tests.web.connecting import App, rpc


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
