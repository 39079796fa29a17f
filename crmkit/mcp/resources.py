"""The manual as resources: the page of daily work, and each topic."""

from typing import Any

from crmkit.errors import Problem
from crmkit.mcp import protocol
from crmkit.mcp.in_process import Request
from crmkit.mcp.protocol import Fault
from crmkit.render.manual.pages import ALL, Manual

PATH = "/help"
MEDIA = "text/plain"

_DAILY = {"name": "help", "title": "Manual", "description": "daily work with the CRM on one page", "mimeType": MEDIA}
_TOPIC = {
    "name": "topic",
    "title": "A topic of the manual",
    "description": f"one topic; {ALL} for all",
    "mimeType": MEDIA,
}


def listed(manual: Manual, base_url: str) -> list[dict[str, Any]]:
    """Return the resources as resources/list shows them."""
    daily = {"uri": f"{base_url}{PATH}", **_DAILY}
    topics = (
        {
            "uri": f"{base_url}{PATH}?topic={topic.name}",
            "name": topic.name,
            "description": topic.about,
            "mimeType": MEDIA,
        }
        for topic in manual.topics.values()
    )
    return [daily, *topics]


def templates(base_url: str) -> list[dict[str, Any]]:
    """Return the templates of their URIs (RFC 6570)."""
    return [{"uriTemplate": f"{base_url}{PATH}{{?topic}}", **_TOPIC}]


def request_of(uri: str, manual: Manual, base_url: str, is_modern: bool) -> Request:
    """Return the request that reads a resource; raises Fault for one that is not there."""
    path, _, query = uri.removeprefix(base_url).partition("?")
    name, _, topic = query.partition("=")
    code = protocol.INVALID_PARAMS if is_modern else protocol.NOT_FOUND
    if path != PATH or (query and name != "topic"):
        says = f"there is no such resource; there are {base_url}{PATH} and its topics"
        raise Fault(code, says, status=200, data={"uri": uri})
    try:
        manual.page(topic)
    except Problem as problem:
        raise Fault(code, f"there is no such resource; {problem.hint}", status=200, data={"uri": uri}) from None
    return Request("GET", f"{PATH}?topic={topic}" if topic else PATH)


def contents(uri: str, text: str) -> list[dict[str, Any]]:
    """Return the contents of a resource."""
    return [{"uri": uri, "mimeType": MEDIA, "text": text}]
