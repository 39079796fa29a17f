"""The checks that every request passes before its handler runs.

In this order: the Host header is valid (in local mode it names this machine), the path takes the method (`router` asks
for that), the operator asks where the route is for nobody else, the token is valid (unless the route is public), the
limits of requests are not used up, the token has the scopes that the route needs or may propose what it writes, the
actor is an admin where it is about what only they read, ids in the path can be ids (`router` again), the route takes
the query parameters (`query.reading`). The Actor says whether the user of a connected app must confirm the request.

/mcp (`Route.apps`) also refuses web pages of other origins, and its 401 says where to sign in. It counts its messages
itself. The request that a tool call stands for passes the gate too (INSIDE), and so does one that is part of another
(WITHIN); neither is counted again. What a link shows is asked for by whom the link names (LINKED).
"""

from typing import Any

from litestar.types import Scope
from msgspec.structs import replace

from crmkit.core import roles
from crmkit.core.crm import Crm
from crmkit.core.people import sessions
from crmkit.errors import Problem
from crmkit.model.access import PROPOSE, WRITE, scope_required
from crmkit.model.actor import Actor
from crmkit.web.call import CAME, INSIDE, KNOWN, LINKED, NEEDS, WITHIN, address_of, check_not_by_write, credentials
from crmkit.web.connection.hosts import Hosts
from crmkit.web.connection.operators import Operators
from crmkit.web.limits.requests import RateLimits
from crmkit.web.oauth.origins import Origins, challenge
from crmkit.web.route import CODE, Route


class Gate:
    """Checks requests; puts the Actor into the state of those that pass."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._hosts = Hosts(crm.settings)
        self._origins = Origins(crm.settings)
        self._operators = Operators(crm.settings)
        self.limit = RateLimits(crm.settings, crm.database.is_shared)

    def check_host(self, scope: Scope) -> None:
        if KNOWN not in scope["state"]:  # no request of its own
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
        if route.asks_first:
            check_not_by_write(state)
        if route.apps:
            self._origins.check(scope)
        if route.for_operator:
            self._operators.check(scope)
        if not route.public:
            actor = state.get(LINKED) or state.get(KNOWN)
            if actor is None:
                actor = await self._authenticated(scope, route)
            elif LINKED in state and not route.is_linked:  # a view keeps its path, or it was another route then
                raise Problem("invalid_value", "A link shows records and figures, never settings, people or the log.")
            if actor.is_app and route.consent == CODE:
                actor = replace(actor, must_confirm=True)
            proposes = actor.access.proposes
            state["actor"], state[NEEDS] = actor, (PROPOSE,) if proposes and route.may_be_proposed else route.needs
            if not route.apps and not state.get(INSIDE) and not state.get(WITHIN):
                self.limit.count(actor, state)
            if proposes:
                _check_proposing(actor, route)
            else:
                actor.access.check(*route.needs)
            if route.for_admins and actor.role != "admin":
                raise roles.admin_required()

    async def count(self, scope: Scope) -> None:
        """Count a request that reaches no route, where its token is known; raises `rate_limited`."""
        state: dict[str, Any] = scope["state"]
        if state.get(INSIDE) or state.get(WITHIN):
            return
        try:
            actor = await self._known(scope)
        except Problem:
            return
        self.limit.count(actor, state)

    async def _known(self, scope: Scope) -> Actor:
        came = scope["state"].get(CAME, "")
        return await sessions.authenticate(self._crm, credentials(scope), address_of(scope), came)

    async def _authenticated(self, scope: Scope, route: Route) -> Actor:
        try:
            return await self._known(scope)
        except Problem as problem:
            if route.apps and problem.status == 401:
                sent = bool(credentials(scope))
                problem.headers["WWW-Authenticate"] = challenge(self._crm.settings, route.paths[0], sent)
            raise


def _check_proposing(actor: Actor, route: Route) -> None:
    """Raise `scope_required` unless a token that proposes has the scopes of a route, or may propose what it does."""
    if route.verb == "read" or route.area == "own":
        actor.access.check(*route.needs)
    elif not route.may_be_proposed:
        problem = scope_required(actor.access, next(iter(route.needs), WRITE))
        raise problem.after("A token that proposes reads, and proposes what writes records and activities, no more.")
