"""MCP Inspector, its command line: with a token that it is given, and with one that its user signs in for."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.house import Person, Process
from tests.interop.foreign import node, run

ERAS = ["legacy", "modern"]
CALL = ["--method", "tools/call", "--tool-name"]


def inspect(served: Process, era: str, folder: Path, *arguments: str, email: str = "", place: str = "/mcp") -> Any:
    """Return the result that Inspector got."""
    output = folder / "result.json"
    line = [
        "--cli",
        f"{served.url}{place}",
        "--transport",
        "http",
        "--protocol-era",
        era,
        "-q",
        "--output",
        str(output),
    ]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        callback = f"http://127.0.0.1:{free.getsockname()[1]}/oauth/callback"
    ended = run(
        node("@modelcontextprotocol/inspector", "clients/launcher/build/index.js", *line, *arguments),
        folder,
        email,
        MCP_AUTO_OPEN_ENABLED="true",  # without it, there is no sign-in where there is no terminal
        MCP_OAUTH_CALLBACK_URL=callback,
    )
    assert ended.status == 0, ended.printed
    assert ended.signins == bool(email)
    return json.loads(output.read_text(encoding="utf-8"))


def bearer(person: Person) -> list[str]:
    return ["--header", f"Authorization: Bearer {person.token}"]


@pytest.mark.parametrize("era", ERAS)
def test_it_lists_the_tools_and_finds_no_fault_in_their_schemas(
    served: Process, tmp_path: Path, person: Person, era: str
) -> None:
    listed = inspect(served, era, tmp_path, *bearer(person), "--strict", "--method", "tools/list")
    assert {tool["name"]: tool["annotations"]["readOnlyHint"] for tool in listed["tools"]} == {
        "read": True,
        "write": False,
        "request": False,
    }


@pytest.mark.parametrize("era", ERAS)
def test_it_lists_the_typed_tools_and_finds_no_fault_in_their_schemas(
    served: Process, tmp_path: Path, person: Person, era: str
) -> None:
    listed = inspect(served, era, tmp_path, *bearer(person), "--strict", "--method", "tools/list", place="/mcp/typed")
    assert {"list_contacts", "create_deal", "update_task", "delete_ticket"} < {tool["name"] for tool in listed["tools"]}


@pytest.mark.parametrize("era", ERAS)
def test_it_calls_typed_tools(served: Process, tmp_path: Path, person: Person, era: str) -> None:
    arguments, typed = [*bearer(person), *CALL], {"place": "/mcp/typed"}
    contact = json.dumps({"name": "Jane", "tags": ["vip"], "custom": {"size": 3}})
    made = inspect(served, era, tmp_path, *arguments, "create_contact", "--tool-args-json", contact, **typed)
    assert made["content"][0]["text"].endswith("# created\n")
    asked = json.dumps({"filter": {"custom.size": 3}})
    found = inspect(served, era, tmp_path, *arguments, "list_contacts", "--tool-args-json", asked, **typed)
    assert "name=Jane" in found["content"][0]["text"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("place", ["/mcp", "/mcp/typed"])
def test_it_lists_and_gets_resources_and_prompts(
    served: Process, tmp_path: Path, person: Person, era: str, place: str
) -> None:
    def asked(*arguments: str) -> Any:
        return inspect(served, era, tmp_path, *bearer(person), "--method", *arguments, place=place)

    uri = asked("resources/list")["resources"][0]["uri"]
    assert asked("resources/read", "--uri", uri)["contents"][0]["text"] == person.get("/help").text
    assert asked("resources/templates/list")["resourceTemplates"]
    assert [each["name"] for each in asked("prompts/list")["prompts"]] == [
        *("start_my_day", "log_a_call", "clean_duplicates")
    ]
    told = asked("prompts/get", "--prompt-name", "log_a_call", "--prompt-args", "who=Jane", "notes=Hello")
    assert told["messages"][0]["content"]["text"].startswith("Log a call that I had with: Jane")


@pytest.mark.parametrize("era", ERAS)
def test_it_calls_both_tools(served: Process, tmp_path: Path, person: Person, era: str) -> None:
    contact = {"method": "POST", "path": "/contacts", "body": {"name": "Jane", "email": "jane@acme.com"}}
    arguments = [*bearer(person), *CALL]
    made = inspect(served, era, tmp_path, *arguments, "request", "--tool-args-json", json.dumps(contact))
    assert made["content"][0]["text"].endswith("# created\n")
    read = inspect(served, era, tmp_path, *arguments, "read", "--tool-arg", "path=/contacts?email=jane@acme.com")
    assert "email=jane@acme.com" in read["content"][0]["text"]


@pytest.mark.parametrize("era", ERAS)
def test_its_user_signs_in_and_it_calls_a_tool(served: Process, tmp_path: Path, email: str, era: str) -> None:
    read = inspect(served, era, tmp_path, *CALL, "read", "--tool-arg", "path=/whoami", email=email)
    assert f"email: {email}\n" in read["content"][0]["text"]
    assert 'token_name: "MCP Inspector"' in read["content"][0]["text"]
