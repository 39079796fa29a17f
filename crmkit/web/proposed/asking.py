"""A request that becomes a proposal: what is kept of it, and how it is answered."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

from crmkit.core.proposals import differences, verbs
from crmkit.errors import listed
from crmkit.render.answers import Answer
from crmkit.render.encoding import encoded
from crmkit.render.tail import Tail
from crmkit.storage.proposals.proposal import Proposal, Request
from crmkit.web.call import HttpCall
from crmkit.web.proposed.answers import standing
from crmkit.web.route import Route, Shows


async def propose(call: HttpCall, route: Route, shows: Shows) -> Shows:
    """Have the write of a call become a proposal, and return what makes the answer of what it returns then."""
    call.around = verbs.proposing(call.crm, await _request(call, route))
    return partial(_shown, shows)


async def _request(call: HttpCall, route: Route) -> Request:
    """Return the request as it is kept until somebody approves it."""
    body: Any = None
    if call.method != "DELETE":
        body = {"items": await call.items()} if route.is_batch else await call.body()
    query = urlencode(call.sent, safe=":,@*/")
    return Request(
        method=call.method,
        path=f"{call.scope['path'].replace('?', '%3F')}{f'?{query}' if query else ''}",
        version=call.if_match(),
        body=None if body is None else encoded(body).decode(),
        area=route.area,
        needs=route.needs,
        now=call.now,
        zone=call.actor.timezone,
    )


def _shown(shows: Shows, call: HttpCall, value: Any) -> Answer:
    """Return the answer to a write that was proposed, or that would change nothing."""
    if not isinstance(value, Proposal):
        return shows(call, value)
    needs = listed(value.request.needs)
    waits = f"nothing is written before somebody approves it with another token, that has {needs}"
    notes = (*differences.summary(value.changes, call.crm.kinds), *value.says, waits)
    tail = Tail(notes=notes, call=f"GET /proposals/{value.id}")
    return standing(value, value.changes, tail, 202, whole=False)
