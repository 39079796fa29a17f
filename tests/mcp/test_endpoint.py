"""POST /mcp, message by message: both eras, and what is wrong with a message."""

import re
from typing import Any

import httpx
import msgspec
import pytest

from crmkit import __version__
from crmkit.render.manual.pages import TOPICS
from tests.house import ALICE, House, Person
from tests.web.connecting import App, rpc

VERSION, CAPABILITIES = "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"
META = {VERSION: "2026-07-28", CAPABILITIES: {}}
HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")


def modern(method: str, params: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
    """Return the arguments of a post of the second era."""
    sent = {"_meta": META, **(params or {})}
    param = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}.get(method)
    named = {"Mcp-Name": sent[param]} if param else {}
    return {
        "json": rpc(method, sent),
        "headers": {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method, **named, **headers},
    }


def fault(answer: httpx.Response) -> tuple[int, int]:
    """Return (HTTP status, JSON-RPC code) of a message that was refused."""
    told = answer.json()
    assert set(told) == {"jsonrpc", "id", "error"}
    assert told["error"]["message"]
    return answer.status_code, told["error"]["code"]


# who may


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PUT", "HEAD"])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_without_a_token_every_method_is_told_where_to_sign_in(town: House, method: str, path: str) -> None:
    answer = town.visitor().request(method, path)
    assert answer.status_code == 401
    metadata = f'resource_metadata="{town.url}/.well-known/oauth-protected-resource/mcp"'
    assert answer.headers["www-authenticate"] == f'Bearer {metadata}, scope="crm"'
    assert (
        town.visitor().get(f"{town.url}/.well-known/oauth-protected-resource/mcp").json()["resource"]
        == f"{town.url}/mcp"
    )


@pytest.mark.parametrize("token", ["ck_unknown", "nonsense"])
def test_an_unknown_token_is_refused_as_invalid(town: House, token: str) -> None:
    answer = town.visitor().post("/mcp", headers={"Authorization": f"Bearer {token}"}, json=rpc("ping"))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token", resource_metadata="')


def test_a_revoked_or_idle_token_is_sent_to_sign_in_on_the_next_call(home: House) -> None:
    token = App(home).token(ALICE)
    with Person(home.url, token) as app, home.sign_in(ALICE) as alice:
        assert app.post("/mcp", json=rpc("ping")).status_code == 200
        home.clock.move(days=31)
        answer = app.post("/mcp", json=rpc("ping"))
        assert (answer.status_code, "resource_metadata" in answer.headers["www-authenticate"]) == (401, True)
        assert alice.send_it("GET", "/whoami").status_code == 401
    with Person(home.url, App(home).token(ALICE)) as app, home.sign_in(ALICE) as alice:
        (id,) = [row["id"] for row in alice.json_of("GET", "/tokens")["items"] if row["name"] == "Claude"]
        alice.send_it("DELETE", f"/tokens/{id}")
        answer = app.post("/mcp", json=rpc("ping"))
        assert (answer.status_code, "invalid_token" in answer.headers["www-authenticate"]) == (401, True)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "OPTIONS"])
def test_with_a_token_only_post_is_accepted(client: Person, method: str) -> None:
    answer = client.request(method, "/mcp")
    assert answer.status_code == 405
    assert method == "OPTIONS" or answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("https://claude.ai", 200),
        ("https://claude.com", 200),
        ("https://chatgpt.com", 200),
        ("https://www.cursor.com", 200),
        ("https://vscode.dev", 200),
        ("OWN", 200),
        ("http://localhost:6274", 200),  # this server is on loopback itself
        ("https://chat.example.com", 200),  # a setting of conftest.py
        ("https://evil.com", 403),
        ("https://claude.ai.evil.com", 403),
        ("http://claude.ai", 403),
        ("http://localhost.evil.com", 403),
        ("null", 403),
        ("http://[x", 403),
    ],
)
def test_only_web_pages_of_known_origins_may_call(town: House, client: Person, origin: str | None, status: int) -> None:
    headers = {"Origin": town.url if origin == "OWN" else origin} if origin else {}
    assert client.post("/mcp", json=rpc("ping"), headers=headers).status_code == status
    # only there: what is public, and the API with its token, do not ask
    assert client.get("/.well-known/oauth-protected-resource", headers=headers).status_code == 200
    if status == 403:  # before the token
        assert town.visitor().post("/mcp", headers=headers).status_code == 403


def test_the_token_is_read_only_from_the_header(town: House, client: Person) -> None:
    answer = town.visitor().post(f"/mcp?token={client.token}&access_token={client.token}", json=rpc("ping"))
    assert answer.status_code == 401


# the first era


@pytest.mark.parametrize("version", HANDSHAKE)
@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_initialize_agrees_on_the_version_that_is_asked_for(client: Person, version: str, path: str) -> None:
    asked = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    answer = client.post(path, json=rpc("initialize", asked))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert "mcp-session-id" not in answer.headers
    result = answer.json()["result"]
    assert result["protocolVersion"] == version
    assert result["capabilities"] == {"tools": {}, "resources": {}, "prompts": {}}
    assert result["serverInfo"]["name"] == "crmkit"
    assert result["serverInfo"]["version"] == __version__
    assert "GET /help?topic=NAME" in result["instructions"]
    assert all(re.search(rf"\b{topic}\b", result["instructions"]) for topic in TOPICS)


@pytest.mark.parametrize("version", ["1999-01-01", "2026-07-28", ""])
def test_initialize_offers_its_newest_version_for_any_other(client: Person, version: str) -> None:
    result = client.post("/mcp", json=rpc("initialize", {"protocolVersion": version})).json()["result"]
    assert result["protocolVersion"] == "2025-11-25"


def test_a_client_that_initializes_lists_and_calls_tools(client: Person) -> None:
    headers = {
        "MCP-Protocol-Version": "2025-06-18",
        "Mcp-Session-Id": "whatever",
        "Accept": "application/json, text/event-stream",
    }
    assert (
        client.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"}, headers=headers).status_code
        == 202
    )
    assert client.post("/mcp", json=rpc("ping", id="a"), headers=headers).json() == {
        "jsonrpc": "2.0",
        "id": "a",
        "result": {},
    }
    listed = client.post("/mcp", json=rpc("tools/list"), headers=headers).json()["result"]
    assert set(listed) == {"tools"}
    called = client.post(
        "/mcp", json=rpc("tools/call", {"name": "read", "arguments": {"path": "/healthz"}}), headers=headers
    )
    assert called.json()["result"] == {"content": [{"type": "text", "text": "ok\n"}], "isError": False}


# the second era


def test_discover_tells_name_versions_and_abilities_of_the_server(client: Person) -> None:
    answer = client.post("/mcp", **modern("server/discover"))
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert result["resultType"] == "complete"
    assert result["supportedVersions"] == ["2026-07-28", *reversed(HANDSHAKE)]
    assert result["capabilities"] == {"tools": {}, "resources": {}, "prompts": {}}
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "crmkit"
    assert result["ttlMs"] > 0
    assert result["cacheScope"] == "public"
    assert result["instructions"]


def test_a_tool_answer_tells_the_time_which_no_instructions_do(client: Person) -> None:
    greeting = client.post("/mcp", json=rpc("initialize", {"protocolVersion": HANDSHAKE[-1]})).text
    for told in (greeting, client.post("/mcp", **modern("server/discover")).text):
        assert "# now" not in told
        assert "2026-06-10" not in told
    for path in ("/whoami", "/reminders"):
        called = client.post("/mcp", json=rpc("tools/call", {"name": "read", "arguments": {"path": path}})).json()
        assert called["result"]["content"][0]["text"].endswith("# now: 2026-06-10T09:00:00Z (UTC)\n")


def test_a_modern_client_lists_and_calls_tools(client: Person) -> None:
    listed = client.post("/mcp", **modern("tools/list")).json()["result"]
    assert listed["resultType"] == "complete"
    assert {"tools", "ttlMs", "cacheScope"} < set(listed)
    called = client.post("/mcp", **modern("tools/call", {"name": "read", "arguments": {"path": "/healthz"}})).json()[
        "result"
    ]
    assert called == {"resultType": "complete", "content": [{"type": "text", "text": "ok\n"}], "isError": False}


@pytest.mark.parametrize("name", ["read", "=?base64?cmVhZA==?="])
def test_a_header_may_be_encoded(client: Person, name: str) -> None:
    sent = modern("tools/call", {"name": "read", "arguments": {"path": "/healthz"}}, **{"Mcp-Name": name})
    assert client.post("/mcp", **sent).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"MCP-Protocol-Version": "2025-06-18"},
        {"MCP-Protocol-Version": ""},
        {"Mcp-Method": "tools/list"},
        {"Mcp-Method": ""},
        {"Mcp-Method": "TOOLS/CALL"},
        {"Mcp-Name": "request"},
        {"Mcp-Name": ""},
        {"Mcp-Name": "=?base64?!!?="},
    ],
    ids=str,
)
def test_headers_that_are_unlike_the_body_are_refused(client: Person, headers: dict[str, str]) -> None:
    sent = modern("tools/call", {"name": "read", "arguments": {"path": "/healthz"}}, **headers)
    assert fault(client.post("/mcp", **sent)) == (400, -32020)


@pytest.mark.parametrize(
    "meta", [None, {}, {VERSION: "2026-07-28"}, {CAPABILITIES: {}}, {VERSION: 1, CAPABILITIES: {}}]
)
def test_what_is_missing_in_meta_is_refused_before_the_headers_are_checked(
    client: Person, meta: dict[str, Any] | None
) -> None:
    for headers in (
        {"MCP-Protocol-Version": "2026-07-28"},
        {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "wrong"},
    ):
        params = {} if meta is None else {"_meta": meta}
        assert fault(client.post("/mcp", json=rpc("tools/list", params), headers=headers)) == (400, -32602)


def test_an_unsupported_version_is_refused_with_those_supported(client: Person) -> None:
    meta = {VERSION: "2099-01-01", CAPABILITIES: {}}
    headers = {"MCP-Protocol-Version": "2099-01-01", "Mcp-Method": "tools/list"}
    answer = client.post("/mcp", json=rpc("tools/list", {"_meta": meta}), headers=headers)
    assert fault(answer) == (400, -32022)
    data = answer.json()["error"]["data"]
    assert data["requested"] == "2099-01-01"
    assert data["supported"][0] == "2026-07-28"
    assert set(HANDSHAKE) < set(data["supported"])


def test_a_modern_notification_is_accepted(client: Person) -> None:
    sent = modern("notifications/cancelled")
    del sent["json"]["id"]
    assert client.post("/mcp", **sent).status_code == 202


# what is no message


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\xff"}}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"_meta":{"\xff":1}}}', -32700),
        (
            b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"request","arguments":'
            b'{"method":"POST","path":"/contacts","body":"\xff"}}}',
            -32700,
        ),
        (b"[]", -32600),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600),
        (b'"ping"', -32600),
        (b"null", -32600),
        (b"{}", -32600),
        (b'{"id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{}}', -32600),
        (b"[" * 100_000, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 100_000, -32700),
    ],
    ids=lambda given: repr(given)[:60],
)
def test_a_body_that_is_no_message_is_refused(client: Person, body: bytes, code: int) -> None:
    answer = client.post("/mcp", content=body)
    assert fault(answer) == (400, code)
    assert answer.json()["id"] is None


@pytest.mark.parametrize("method", ["nope", "resources/subscribe", "server/discover", "logging/setLevel"])
def test_a_method_unknown_to_clients_that_initialize_is_refused(client: Person, method: str) -> None:
    answer = client.post("/mcp", json=rpc(method, {}, id="x"))
    assert fault(answer) == (200, -32601)
    assert answer.json()["id"] == "x"


@pytest.mark.parametrize("method", ["nope", "resources/subscribe", "initialize", "ping"])
def test_a_method_unknown_to_modern_clients_is_refused(client: Person, method: str) -> None:
    assert fault(client.post("/mcp", **modern(method))) == (404, -32601)


@pytest.mark.parametrize(
    "params", [{"name": "nope"}, {"name": "Request", "arguments": {}}, {}, {"name": 5}, [], "x", None]
)
def test_a_call_of_an_unknown_tool_is_an_error_of_the_protocol(client: Person, params: Any) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = client.post("/mcp", json=body)
    assert fault(answer) == (200, -32602)
    assert answer.json()["error"]["message"] in (
        "there is no such tool; there are read, write and request",
        "params must be an object, in which name is the name of a tool and arguments an object",
    )


def test_params_of_the_wrong_type_are_told_in_our_words(client: Person) -> None:
    told = client.post("/mcp", json=rpc("initialize", {"protocolVersion": 5})).json()["error"]["message"]
    assert told == "params must be an object, in which protocolVersion is a string"


def test_a_message_may_hold_the_largest_body_and_one_beyond_is_refused(client: Person) -> None:
    large = {"method": "POST", "path": "/contacts", "body": {"name": "x", "notes": '"' * 1_000_000}}
    answer = client.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": large}))
    assert answer.status_code == 200
    (content,) = answer.json()["result"]["content"]
    assert "ERROR too_large" in content["text"]
    assert client.post("/mcp", content=b" " * (3 * 1024 * 1024)).status_code == 413


# the tools


def tools(client: Person) -> dict[str, Any]:
    return {tool["name"]: tool for tool in client.post("/mcp", json=rpc("tools/list")).json()["result"]["tools"]}


def test_one_tool_only_reads_one_writes_and_one_sends_any_request(client: Person) -> None:
    listed = tools(client)
    assert set(listed) == {"read", "write", "request"}
    for name, tool in listed.items():
        assert set(tool["annotations"]) == {
            "title",
            "readOnlyHint",
            "destructiveHint",
            "idempotentHint",
            "openWorldHint",
        }
        assert tool["annotations"]["readOnlyHint"] is (name == "read")
        assert tool["annotations"]["destructiveHint"] is (name == "request")
        assert tool["inputSchema"]["additionalProperties"] is False
        assert "outputSchema" not in tool
    for name, methods in (("write", ["POST", "PATCH", "PUT"]), ("request", ["GET", "POST", "PUT", "PATCH", "DELETE"])):
        assert set(listed[name]["inputSchema"]["properties"]) == {"method", "path", "body", "key"}
        assert listed[name]["inputSchema"]["required"] == ["method", "path"]
        assert listed[name]["inputSchema"]["properties"]["method"]["enum"] == methods
    assert set(listed["read"]["inputSchema"]["properties"]) == {"path"}


def test_the_descriptions_are_short_and_teach_what_matters(client: Person) -> None:
    told = [tool["description"] for tool in tools(client).values()]
    together = " ".join(told)
    for taught in ("GET /help explains everything", "?confirm=", "# next: CURSOR", "cursor=CURSOR", 'name="Jane Doe"'):
        assert taught in together
    assert all("GET /help explains everything in topics" in text for text in told)
    assert all(client.get(f"/help?topic={topic}").status_code == 200 for topic in re.findall(r"topic=(\w+)", together))


def test_the_list_of_tools_has_at_most_1200_tokens(client: Person) -> None:
    listed = client.post("/mcp", json=rpc("tools/list")).json()["result"]
    assert len(msgspec.json.encode(listed)) / 4 <= 1200


def test_every_path_in_a_description_of_a_tool_works(client: Person) -> None:
    client.json_of("POST", "/contacts", {"name": "Jane Doe", "email": "jane@acme.com"})
    paths = [word.rstrip(",.") for word in tools(client)["read"]["description"].split() if word.startswith("/")]
    assert len(paths) >= 8
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200 or "c_k7m2q9xa" in path, (path, answer.text)


def test_an_id_comes_back_as_it_was_sent(client: Person) -> None:
    for id in (0, -1, 2**53 + 1, "", "a b", "ü"):
        assert client.post("/mcp", json=rpc("ping", {}, id=id)).json()["id"] == id


def test_the_id_that_a_client_chose_comes_back_with_nothing_in_it_that_cannot_be_seen(client: Person) -> None:
    id = "1\u2028\u202e\u200b\u3164\x1b\U000e0041"
    for message in (rpc("ping", id=id), rpc("no/such", id=id)):
        answer = client.post("/mcp", json=message)
        assert answer.json()["id"] == id
        assert answer.text.isascii()
