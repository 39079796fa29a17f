"""What every request passes before its handler, in this order.

A Host that can be one (in local mode: that names this machine), a method of ours, a token (unless the route is public),
requests per minute, and query parameters that the route takes. A handler that runs may therefore act at once; where the
user of a connected app has to confirm what it asks, the Actor says so.

Routes for apps (MCP) also refuse foreign web pages, and say where to sign in. They count requests themselves, and a
call of a tool, which comes through here once more as the request that it stands for, is not counted again.
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

# what a route declares in its options
PUBLIC = "public"  # True: no token needed
QUERY = "query"  # names of the query parameters it takes; ANY leaves them to the verb
ANY = ("*",)
DIRECT = "direct"  # True: signs in or connects, so a call of a tool may not come here
APPS = "apps"  # True: what apps of elsewhere connect to

INSIDE = "inside"  # in a request's state: it stands for a call of a tool

MAX_PAIRS = 200  # parameters of one query string


class Gate:
    """Refuses what no handler should see; puts the Actor and the query's pairs into the request's state."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._hosts = Hosts(crm.settings)
        self._origins = Origins(crm.settings)
        self.limit = PerMinute(crm.settings.limits)

    async def check(self, scope: Scope, options: Mapping[str, Any]) -> None:
        """Let a request through to the handler with these options; raises what is wrong with it."""
        self._hosts.check(scope)
        if scope.get("method") == "OPTIONS":  # Litestar adds it to every path; no other origin has business here
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
            sent = header_of(scope, b"authorization")
            try:
                actor = await sessions.authenticate(self._crm, sent)
            except Problem as problem:
                if options.get(APPS) and problem.status == 401:
                    problem.headers["WWW-Authenticate"] = challenge(self._crm.settings.base_url, bool(sent))
                raise
            if actor.is_app and consent.is_needed(scope):
                actor = replace(actor, must_confirm=True)
            state["actor"] = actor
            if not options.get(APPS) and not state.get(INSIDE):
                self.limit.count(actor, state)
        state["pairs"] = _pairs(scope["query_string"], options.get(QUERY, ()))


def _pairs(raw: bytes, known: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the pairs of a query string, in order, repeats and empty values included; raises what is wrong with it."""
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
