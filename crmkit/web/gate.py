"""The checks that every request passes before its handler runs.

In this order: the Host header is valid (in local mode it names this machine), the path takes the method (`router` asks
for that), the token is valid (unless the route is public), the requests per minute are not used up, ids in the path can
be ids (`router` again), the route takes the query parameters. The Actor says whether the user of a connected app must
confirm the request.

/mcp (`Route.apps`) also refuses web pages of other origins, and its 401 says where to sign in. It counts its messages
itself. The request that a tool call stands for passes the gate too (INSIDE), and is not counted again.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from litestar.types import Scope

from crmkit.core.crm import Crm
from crmkit.core.people import sessions
from crmkit.errors import Problem, nearest
from crmkit.model.fields import Invalid, Timezone
from crmkit.model.query.parse import TIMEZONE
from crmkit.render.formats import Format
from crmkit.web.call import INSIDE, header_of
from crmkit.web.connection.hosts import Hosts
from crmkit.web.limits import PerMinute
from crmkit.web.negotiate import named
from crmkit.web.oauth.origins import Origins, challenge
from crmkit.web.route import ANY, CODE, Route

MAX_PAIRS = 200  # parameters of one query string

_ZONE = Timezone()


class Gate:
    """Checks requests; puts the Actor and the pairs of the query into the state of those that pass."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._hosts = Hosts(crm.settings)
        self._origins = Origins(crm.settings)
        self.limit = PerMinute(crm.settings.limits)

    def check_host(self, scope: Scope) -> None:
        self._hosts.check(scope)

    async def check(self, scope: Scope, route: Route) -> None:
        """Check the token of a request to this route, and its rate; raises a Problem."""
        state: dict[str, Any] = scope["state"]
        if route.direct and state.get(INSIDE):
            raise Problem(
                "invalid_value",
                "You are signed in already. Signing in, connecting apps and /mcp itself are not reached from a tool; "
                "GET /help lists what is. To work in another workspace, the user connects this app again and picks it.",
            )
        if route.apps:
            self._origins.check(scope)
        if not route.public:
            authorization = header_of(scope, b"authorization")
            try:
                actor = await sessions.authenticate(self._crm, authorization)
            except Problem as problem:
                if route.apps and problem.status == 401:
                    problem.headers["WWW-Authenticate"] = challenge(self._crm.settings, bool(authorization))
                raise
            if actor.is_app and route.consent == CODE:
                actor = replace(actor, must_confirm=True)
            state["actor"] = actor
            if not route.apps and not state.get(INSIDE):
                self.limit.count(actor, state)

    def read_query(self, scope: Scope, route: Route) -> None:
        """Put the pairs of the query into the state, if the route takes them; raises a Problem.

        `timezone=` of a read is the zone of the Actor for this request, and left out. Where there are filters, which it
        is with an operator, it stays.
        """
        state, takes = scope["state"], route.query
        if route.takes_timezone and takes != ANY:
            takes = (*takes, TIMEZONE)
        pairs = _pairs(scope["query_string"], takes, route.formats)
        if pairs and route.takes_timezone:
            zones = [pair for pair in pairs if pair[0] == TIMEZONE and not (takes == ANY and ":" in pair[1])]
            if zones:
                state["actor"] = replace(state["actor"], own_timezone=_zone(zones) or state["actor"].own_timezone)
                pairs = pairs if takes == ANY else [pair for pair in pairs if pair not in zones]
        state["pairs"] = pairs


def _zone(pairs: Sequence[tuple[str, str]]) -> str:
    """Return the time zone that was sent, "" for an empty text; raises `invalid_value`."""
    if len(pairs) > 1:
        raise Problem("invalid_value", "Send timezone once.", fields={TIMEZONE: "stands twice"})
    try:
        return _ZONE.accept(pairs[0][1]) or ""
    except Invalid as error:
        raise Problem("invalid_value", "Send a time zone by its IANA name.", fields={TIMEZONE: str(error)}) from None


def _pairs(raw: bytes, known: tuple[str, ...], formats: Sequence[Format]) -> list[tuple[str, str]]:
    """Return the pairs of a query string in order, with repeated names and empty values; raises a Problem."""
    if not raw:
        return []
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except UnicodeDecodeError:
        raise Problem(
            "invalid_value",
            "Percent-encode the query as UTF-8 (curl -G --data-urlencode does).",
            for_tools="Write the query as plain text, or percent-encode it as UTF-8.",
        ) from None
    except ValueError:
        raise Problem("invalid_value", f"Send at most {MAX_PAIRS} query parameters.") from None
    for name, text in pairs:
        if name == "format":
            named(text, formats)
        elif known != ANY and name not in known:
            allowed = ", ".join((*known, "format"))
            raise Problem(
                "invalid_filter",
                f"This endpoint takes {allowed}.",
                fields={name: f"is no parameter here{nearest(name, known)}"},
            )
    return pairs
