"""The checks that every request passes before its handler runs.

In this order: the Host header is valid (in local mode it names this machine), the path takes the method (`router` asks
for that), the token is valid (unless the route is public), the requests per minute are not used up, ids in the path can
be ids (`router` again), the route takes the query parameters. The Actor says whether the user of a connected app must
confirm the request.

/mcp (`Route.apps`) also refuses web pages of other origins, and its 401 says where to sign in. It counts its messages
itself. The request that a tool call stands for passes the gate too (INSIDE), and so does one that is part of another
(WITHIN); neither is counted again.
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
from crmkit.model.query import groups
from crmkit.model.query.parse import TIMEZONE
from crmkit.web.call import DRY, FLAGS, INSIDE, WITHIN, header_of
from crmkit.web.connection.hosts import Hosts
from crmkit.web.limits import PerMinute
from crmkit.web.negotiate import named
from crmkit.web.oauth.origins import Origins, challenge
from crmkit.web.route import ANY, CODE, Route

MAX_PAIRS = 200  # parameters of one query string
DRY_RUN = "dry_run"  # parameter of every write

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
            if not route.apps and not state.get(INSIDE) and not state.get(WITHIN):
                self.limit.count(actor, state)

    def read_query(self, scope: Scope, route: Route) -> None:
        """Put the pairs of the query into the state, if the route takes them; raises a Problem.

        `timezone=` of a read is the zone of the Actor for this request, and left out. Where there are filters, which it
        is with an operator, it stays. `dry_run=` of a write is left out, too.
        """
        state, takes = scope["state"], route.query
        if route.takes_timezone and takes != ANY and TIMEZONE not in takes:
            takes = (*takes, TIMEZONE)
        pairs = _pairs(scope["query_string"])
        if pairs and route.writes:
            pairs = _dry_run(state, pairs)
        _check_names(pairs, takes, (DRY_RUN,) if route.writes else (), route)
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


def _dry_run(state: dict[str, Any], pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs without `dry_run`, which is noted in the state; raises `invalid_value`."""
    sent = [text.strip().lower() for name, text in pairs if name == DRY_RUN]
    if not sent:
        return pairs
    state[DRY] = len(sent) > 1 or FLAGS.get(sent[0], True)  # an error in it is that of a dry run
    if len(sent) > 1 or sent[0] not in FLAGS:
        what = "stands twice" if len(sent) > 1 else "must be 1 or 0, or true or false"
        raise Problem("invalid_value", "Send dry_run=1 to try a write out.", fields={DRY_RUN: what})
    return [pair for pair in pairs if pair[0] != DRY_RUN]


def _pairs(raw: bytes) -> list[tuple[str, str]]:
    """Return the pairs of a query string in order, with repeated names and empty values; raises a Problem."""
    if not raw:
        return []
    try:
        return parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_PAIRS)
    except UnicodeDecodeError:
        raise Problem(
            "invalid_value",
            "Percent-encode the query as UTF-8 (curl -G --data-urlencode does).",
            for_tools="Write the query as plain text, or percent-encode it as UTF-8.",
        ) from None
    except ValueError:
        raise Problem("invalid_value", f"Send at most {MAX_PAIRS} query parameters.") from None


def _check_names(pairs: list[tuple[str, str]], known: tuple[str, ...], more: tuple[str, ...], route: Route) -> None:
    """Raise a Problem for a parameter that the route does not take; `more` are those that it takes beside `known`."""
    for name, text in pairs:
        if name == "format":
            named(text, route.formats)
        elif known != ANY and (groups.split(name)[1] if route.has_groups else name) not in known:
            takes = (*known, *more)
            allowed = ", ".join((*takes, "format"))
            raise Problem(
                "invalid_filter",
                f"This endpoint takes {allowed}.",
                fields={name: f"is no parameter here{nearest(name, takes)}"},
            )
