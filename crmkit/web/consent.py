"""For which requests a connected app needs a code mailed to its user: one table, keyed by route.

An app may read everything and write records. Any other write needs a code, unless the table says FREE. Which workspace
an app may work in is decided by `Actor.reaches`.
"""

from typing import cast

from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope

from crmkit.web.table import shown

FREE, CODE = "free", "code"

RULES = {
    "DELETE /me": CODE,
    "DELETE /tokens/{id}": CODE,  # except the app's own
    "POST /workspaces": CODE,
    "PATCH /workspaces/{id}": FREE,
    "DELETE /workspaces/{id}": CODE,
    "POST /workspaces/{id}/tokens": CODE,
    "POST /workspaces/{id}/join": CODE,
    "POST /workspaces/{id}/invites": CODE,
    "DELETE /workspaces/{id}/invites/{invite_id}": CODE,
    "POST /workspaces/{id}/members/{user_id}/role": CODE,
    "DELETE /workspaces/{id}/members/{user_id}": CODE,
    "POST /mcp": FREE,  # the request that a tool call stands for passes the gate by itself
}

_READS = ("GET", "HEAD")


def is_needed(scope: Scope) -> bool:
    """Tell whether an app needs a code mailed to its user for this request."""
    return rule_of(cast("HTTPRouteHandler", scope["route_handler"]), str(scope.get("method"))) == CODE


def rule_of(handler: HTTPRouteHandler, method: str) -> str:
    """Return FREE or CODE for a method of a route."""
    if method in _READS or "kind" in handler.opt:
        return FREE
    (rule,) = {RULES.get(f"{method} {shown(path)}", CODE) for path in handler.paths}
    return rule
