"""What handlers read from a request."""

import math
import re
from typing import Any

from litestar import Request
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope

from crmkit import ip
from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.model import body
from crmkit.model.actor import Actor
from crmkit.web.negotiate import wants_json

HttpRequest = Request[Any, Any, Any]  # Litestar's request, of any user, auth and state


def actor_of(request: HttpRequest) -> Actor:
    found: Actor = request.scope["state"]["actor"]
    return found


def crm_of(request: HttpRequest) -> Crm:
    found: Crm = request.scope["litestar_app"].state["crm"]
    return found


def header_of(scope: Scope, name: bytes) -> str:
    """Return the first header of this (lower-case) name, empty without one."""
    for known, content in scope["headers"]:
        if known == name:
            return content.decode("latin-1")
    return ""


def pairs_of(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the pairs of the query string, in order, as the gate read them."""
    found: list[tuple[str, str]] = request.scope["state"]["pairs"]
    return found


def parameters_of(request: HttpRequest) -> dict[str, str]:
    """Return the query parameters, each of which may be sent once; raises `invalid_value`."""
    found: dict[str, str] = {}
    for name, text in pairs_of(request):
        if name in found and name != "format":
            raise Problem("invalid_value", f"Send {name} once.", fields={name: "stands twice"})
        found[name] = text
    return found


def page_of(request: HttpRequest) -> tuple[list[tuple[str, str]], bool]:
    """Return the pairs of the query, and whether the answer has all fields (in JSON) or those of list lines."""
    return pairs_of(request), wants_json(request.scope)


async def body_of(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object in the body, whatever the Content-Type says."""
    return body.decode(await raw_body_of(request))


async def raw_body_of(request: HttpRequest) -> bytes:
    """Return the bytes of the body; raises RequestEntityTooLarge, or `invalid_json` when the client left too early.

    `request_max_body_size` of the route or the application bounds it, as announced and as it comes. Litestar's own
    reading does the same, but makes a dictionary of all headers first.
    """
    most = request.route_handler.resolve_request_max_body_size() or math.inf
    if int(header_of(request.scope, b"content-length") or 0) > most:
        raise RequestEntityTooLarge
    read, more = bytearray(), True
    while more:
        event: Any = await request.receive()
        if event["type"] == "http.disconnect":
            raise Problem("invalid_json", "The connection ended before the body did; send the request again.")
        read += event.get("body", b"")
        more = event.get("more_body", False)
        if len(read) > most:
            raise RequestEntityTooLarge
    return bytes(read)


def code_of(request: HttpRequest) -> str:
    """Return the step-up code of a request, from `?code=` or X-Escalation-Code; empty without one."""
    return (parameters_of(request).get("code", "") or header_of(request.scope, b"x-escalation-code")).strip()


def if_match_of(request: HttpRequest) -> int | None:
    """Return the version that If-Match names, None without one (or for `*`); raises `invalid_value`."""
    header = header_of(request.scope, b"if-match").strip()
    if header in ("", "*"):
        return None
    found = re.fullmatch(r'(?:W/)?"?([1-9][0-9]{0,17})"?', header, re.ASCII)
    if found is None:
        raise Problem(
            "invalid_value", "Send If-Match: N with the version you read.", fields={"If-Match": "must be a version"}
        )
    return int(found.group(1))


def client_of(request: HttpRequest) -> str:
    """Return the client to count the request for: its address, or its IPv6 network, as `edge` found it."""
    return ip.client((request.scope.get("client") or ("unknown", 0))[0])


def read(path: str | list[str], **more: Any) -> HTTPRouteHandler:
    """Return the decorator of a GET route, which answers HEAD too."""
    return HTTPRouteHandler(path, http_method=["GET", "HEAD"], **more)
