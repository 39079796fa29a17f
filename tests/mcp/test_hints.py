"""What a tool answers names what a tool can send: a method, a path with its query, a body; no header, no command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.house import BOB, ROOT, House, Person
from tests.web.connecting import rpc

NOT_FOR_TOOLS = re.compile(r"If-Match|[Hh]eader|curl|Authorization|Bearer|\bX-|Retry-After|Accept|Content-Type|HEAD")
# what no tool meets: before the handler of /mcp runs, or in answer to a header that a tool does not send
UNMET = {
    "crmkit/core/people/sessions.py",
    "crmkit/web/call.py",
    "crmkit/web/connection/hosts.py",
    "crmkit/web/connection/protocol.py",
}


def called(client: Person, method: str, path: str, body: Any = None) -> str:
    """Return the text of a failed call."""
    arguments = {"method": method, "path": path, **({} if body is None else {"body": body})}
    answer = client.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments})).json()["result"]
    assert answer["isError"]
    (content,) = answer["content"]
    text: str = content["text"]
    return text


def hint(text: str) -> str:
    found = re.search(r"^HINT  (.*)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def test_a_version_conflict_names_the_version_for_the_body(client: Person) -> None:
    id = client.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    told = hint(called(client, "PATCH", f"/contacts/{id}", {"version": 7, "stage": "lead"}))
    assert told.endswith('repeat the PATCH with "version":1 in the body.')
    over_http = client.text("PATCH", f"/contacts/{id}", {"version": 7, "stage": "lead"})
    assert hint(over_http).endswith("repeat the PATCH with If-Match: 1.")


def test_a_code_that_is_asked_for_goes_into_the_path(client: Person) -> None:
    mine = client.json_of("GET", "/whoami")["workspace"]
    invite = {"email": BOB, "role": "admin"}
    told = hint(called(client, "POST", f"/workspaces/{mine}/invites", invite))
    assert told.endswith("repeat the same request with ?code=CODE added to its path.")
    assert "X-Escalation-Code" in hint(client.text("POST", f"/workspaces/{mine}/invites", invite))


def test_other_methods_and_paths_are_those_of_tools(client: Person) -> None:
    id = client.json_of("POST", "/contacts", {"name": "Jane"})["id"]
    assert hint(called(client, "POST", f"/contacts/{id}")) == "This path takes DELETE, GET, PATCH."
    assert hint(called(client, "GET", "/contact")).startswith(
        "There is nothing at this path. Did you mean GET /contacts?"
    )
    assert "Did you mean" not in hint(called(client, "POST", "/login", {}))  # a tool is signed in
    assert called(client, "GET", "/contacts?search=%ff") == (
        "ERROR invalid_value\nHINT  Write the query as plain text, or percent-encode it as UTF-8.\n"
    )


def test_a_tool_is_not_told_of_tokens_that_it_cannot_send(client: Person) -> None:
    arguments = {"method": "POST", "path": "/workspaces", "body": {"name": "Second"}}
    answer = client.post("/mcp", json=rpc("tools/call", {"name": "request", "arguments": arguments})).json()["result"]
    assert "for this one the user connects it again and picks it" in answer["content"][0]["text"]
    assert "/tokens gives a token" in client.text("POST", "/workspaces", {"name": "Third"})


def test_the_handle_as_printed_is_a_path_for_tools_too(town: House, client: Person) -> None:
    handle = client.json_of("POST", "/contacts", {"name": "Jane"})["handle"]
    arguments = {"path": f"/{handle}"}
    answer = client.post("/mcp", json=rpc("tools/call", {"name": "read", "arguments": arguments})).json()["result"]
    assert answer["content"][0]["text"] == client.text("GET", f"/{handle}")


def problems() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "crmkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                yield str(path.relative_to(ROOT)), node


def test_every_hint_that_names_a_header_or_a_command_has_a_form_for_tools() -> None:
    told, tried = [], 0
    for path, call in problems():
        tried += 1
        has_form = any(keyword.arg == "for_tools" for keyword in call.keywords)
        hints = [*call.args[1:2], *(keyword.value for keyword in call.keywords if keyword.arg == "hint")]
        words = [part.value for hint in hints for part in ast.walk(hint) if isinstance(part, ast.Constant)]
        if path not in UNMET and not has_form and any(NOT_FOR_TOOLS.search(str(word)) for word in words):
            told.append(f"{path}:{call.lineno}")
    assert tried > 80
    assert told == []


@pytest.mark.parametrize("path", sorted(UNMET))
def test_what_no_tool_meets_is_still_there(path: str) -> None:
    assert Path(ROOT / path).exists()
