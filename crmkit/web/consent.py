"""What a connected app may do by itself, and what its user confirms by a mailed code: one table, keyed by route.

Records are what an app is connected for: it reads and writes them. Any other write that the table does not name wants
a code. In which workspace an app may do anything is told by `Actor.reaches`.
"""

from typing import cast

from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope

from crmkit.web.table import shown

FREE, CODE = "free", "code"

RULES = {
    "DELETE /me": CODE,
    "DELETE /tokens/{id}": CODE,  # its own it may end
    "POST /workspaces": CODE,
    "PATCH /workspaces/{id}": FREE,
    "DELETE /workspaces/{id}": CODE,
    "POST /workspaces/{id}/tokens": CODE,
    "POST /workspaces/{id}/join": CODE,
    "POST /workspaces/{id}/invites": CODE,
    "DELETE /workspaces/{id}/invites/{invite_id}": CODE,
    "POST /workspaces/{id}/members/{user_id}/role": CODE,
    "DELETE /workspaces/{id}/members/{user_id}": CODE,
    "POST /mcp": FREE,  # the request that a call stands for comes through the gate once more
}

_READS = ("GET", "HEAD")


def is_needed(scope: Scope) -> bool:
    """Tell whether an app needs a code mailed to its user for this request."""
    return rule_of(cast("HTTPRouteHandler", scope["route_handler"]), str(scope.get("method"))) == CODE


def rule_of(handler: HTTPRouteHandler, method: str) -> str:
    """Return what holds for an app that sends this method to a route."""
    if method in _READS or "kind" in handler.opt:
        return FREE
    (rule,) = {RULES.get(f"{method} {shown(path)}", CODE) for path in handler.paths}
    return rule
