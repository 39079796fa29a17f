"""The checks that every request passes before its handler runs.

In this order: the Host header is valid (in local mode it names this machine), the method is not OPTIONS, the token is
valid (unless the route is public), the requests per minute are not used up, the route takes the query parameters. The
Actor says whether the user of a connected app must confirm the request.

/mcp (option APPS) also refuses web pages of other origins, and its 401 says where to sign in. It counts its messages
itself. The request that a tool call stands for passes the gate too (INSIDE), and is not counted again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from litestar.exceptions import MethodNotAllowedException
from litestar.types import Scope

from crmkit.core.crm import Crm
from crmkit.core.people import sessions
from crmkit.errors import Problem, nearest
from crmkit.web import consent
from crmkit.web.connection.hosts import Hosts
from crmkit.web.limits import PerMinute
from crmkit.web.negotiate import check_format
from crmkit.web.oauth.origins import Origins, challenge
from crmkit.web.requests import header_of

# the options that a route may declare
PUBLIC = "public"  # True: no token needed
QUERY = "query"  # names of the query parameters it takes; ANY leaves them to the verb
ANY = ("*",)
DIRECT = "direct"  # True: signs in or connects an app, so a tool call may not come here
APPS = "apps"  # True: the route that apps connect to, /mcp

INSIDE = "inside"  # in the state of a request that a tool call stands for

MAX_PAIRS = 200  # parameters of one query string


class Gate:
    """Checks requests; puts the Actor and the pairs of the query into the state of those that pass."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._hosts = Hosts(crm.settings)
        self._origins = Origins(crm.settings)
        self.limit = PerMinute(crm.settings.limits)

    async def check(self, scope: Scope, options: Mapping[str, Any]) -> None:
        """Check a request to a route with these options; raises a Problem, or Litestar's exception for a method."""
        self._hosts.check(scope)
        if scope.get("method") == "OPTIONS":  # Litestar adds it to every path; no other origin may call here
            raise MethodNotAllowedException
        state: dict[str, Any] = scope["state"]
        if options.get(DIRECT) and state.get(INSIDE):
            raise Problem(
                "invalid_value",
                "You are signed in already. Signing in, connecting apps and /mcp itself are not reached from a tool; "
                "GET /help lists what is. To work in another workspace, the user connects this app again and picks it.",
            )
        if options.get(APPS):
            self._origins.check(scope)
        if not options.get(PUBLIC):
            authorization = header_of(scope, b"authorization")
            try:
                actor = await sessions.authenticate(self._crm, authorization)
            except Problem as problem:
                if options.get(APPS) and problem.status == 401:
                    problem.headers["WWW-Authenticate"] = challenge(self._crm.settings.base_url, bool(authorization))
                raise
            if actor.is_app and consent.is_needed(scope):
                actor = replace(actor, must_confirm=True)
            state["actor"] = actor
            if not options.get(APPS) and not state.get(INSIDE):
                self.limit.count(actor, state)
        state["pairs"] = _pairs(scope["query_string"], options.get(QUERY, ()))


def _pairs(raw: bytes, known: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the pairs of a query string in order, with repeated names and empty values; raises a Problem."""
    if not raw:
        return []
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except UnicodeDecodeError:
        raise Problem("invalid_value", "Percent-encode the query as UTF-8 (curl -G --data-urlencode does).") from None
    except ValueError:
        raise Problem("invalid_value", f"Send at most {MAX_PAIRS} query parameters.") from None
    for name, text in pairs:
        if name == "format":
            check_format(text)
        elif known != ANY and name not in known:
            allowed = ", ".join((*known, "format"))
            raise Problem(
                "invalid_filter",
                f"This endpoint takes {allowed}.",
                fields={name: f"is no parameter here{nearest(name, known)}"},
            )
    return pairs
