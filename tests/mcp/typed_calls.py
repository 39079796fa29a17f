"""The typed tools, and calls of them over HTTP."""

from typing import Any

from crmkit.boot import KINDS
from crmkit.mcp.typed import TypedTools
from crmkit.web.app import routes
from tests.house import Person
from tests.web.connecting import rpc

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
