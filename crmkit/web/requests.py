"""What handlers read from a request."""

import re
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.exceptions import InternalServerException
from litestar.handlers import HTTPRouteHandler

from crmkit.core.crm import Crm
from crmkit.errors import Problem
from crmkit.model import body
from crmkit.model.actor import Actor

Asked = Request[Any, Any, Any]

MAX_PAIRS = 200  # parameters of one query string


def actor_of(request: Asked) -> Actor:
    found: Actor = request.scope["state"]["actor"]
    return found


def crm_of(request: Asked) -> Crm:
    found: Crm = request.app.state.crm
    return found


def pairs_of(request: Asked) -> list[tuple[str, str]]:
    """Return the pairs of the query string, in order, repeats and empty values included; raises `invalid_value`."""
    raw = request.scope["query_string"]
    if not raw:
        return []
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except UnicodeDecodeError:
        raise Problem("invalid_value", "Percent-encode the query as UTF-8 (curl -G --data-urlencode does).") from None
    except ValueError:
        raise Problem("invalid_value", f"Send at most {MAX_PAIRS} query parameters.") from None


def parameters_of(request: Asked, *known: str) -> dict[str, str]:
    """Return the query parameters of an endpoint that takes just these; others raise `invalid_filter`."""
    found = {}
    for name, text in pairs_of(request):
        if name not in known and name != "format":
            allowed = ", ".join((*known, "format"))
            raise Problem("invalid_filter", f"This endpoint takes {allowed}.", fields={name: "is no parameter here"})
        found[name] = text
    return found


async def body_of(request: Asked) -> dict[str, Any]:
    """Return the JSON object in the body, whatever the Content-Type says."""
    try:
        sent = await request.body()
    except InternalServerException:  # what Litestar makes of a client that left in the middle of its body
        raise Problem("invalid_json", "The connection ended before the body did; send the request again.") from None
    return body.decode(sent)


def code_of(request: Asked) -> str:
    """Return the step-up code of a request, from `?code=` or X-Escalation-Code; empty without one."""
    asked = dict(pairs_of(request)).get("code", "")
    return (asked or request.headers.get("x-escalation-code", "")).strip()


def if_match_of(request: Asked) -> int | None:
    """Return the version that If-Match names, None without one (or for `*`); raises `invalid_value`."""
    header = request.headers.get("if-match", "").strip()
    if header in ("", "*"):
        return None
    found = re.fullmatch(r'(?:W/)?"?([1-9][0-9]{0,17})"?', header, re.ASCII)
    if found is None:
        raise Problem(
            "invalid_value", "Send If-Match: N with the version you read.", fields={"If-Match": "must be a version"}
        )
    return int(found.group(1))


def client_of(request: Asked) -> str:
    """Return the network address that asks: the peer, or what a trusted proxy says about it."""
    return str(request.scope["state"].get("client") or (request.scope.get("client") or ("unknown",))[0])


def read(path: str, **more: Any) -> HTTPRouteHandler:
    """Return the decorator of a GET route, which answers HEAD too."""
    return HTTPRouteHandler(path, http_method=["GET", "HEAD"], **more)
