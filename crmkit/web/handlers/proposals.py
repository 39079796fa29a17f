"""The routes of proposals. The request that one keeps is handled as it was sent, by the call that approves it."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from crmkit.core.proposals import verbs
from crmkit.core.proposals.verbs import Approved
from crmkit.errors import Problem, listed
from crmkit.model.actor import Asker
from crmkit.model.query.listing import MixedListing
from crmkit.render.answers import Answer, page
from crmkit.render.tail import Tail
from crmkit.storage.proposals.proposal import OPEN, Proposal
from crmkit.web.call import HttpCall
from crmkit.web.handlers import subrequests
from crmkit.web.proposed.answers import fields, standing
from crmkit.web.route import FREE, Route, read, route
from crmkit.web.routing.segments import spelled


class ProposedCall(HttpCall):
    """The call of a proposed request, which the call that approves it writes.

    What it says of the present, of days and of `me` means what it meant when it was proposed.
    """

    __slots__ = ("_by", "_found", "approved")

    def __init__(self, by: HttpCall, found: Proposal, scope: Any) -> None:
        super().__init__(by.crm, scope, subrequests.receiving(by), 0)
        self._by = by
        self._found = found
        self._now = found.request.now
        self._body = (found.request.body or "").encode()
        self.approved: Approved[Any] | None = None

    @property
    def asker(self) -> Asker:
        zone = ZoneInfo(self._found.request.zone)
        return Asker(self._found.by, zone, self.actor.preferences, self._found.request.now)

    async def write(self, *args: Any, **more: Any) -> Any:
        approved: Approved[Any] = await self._by.write(*args, **more)
        self.approved = approved
        return approved.value


@read(
    "/proposals",
    name="list_proposals",
    summary="newest first: state, by",
    area="*",
    query=verbs.PARAMETERS,
)
async def find_all(call: HttpCall) -> Answer:
    found = await verbs.find_all(call, call.parameters())
    rows = tuple((each.handle, {"id": each.id, **fields(each, _most(call, each))}) for each in found.found)
    return page(MixedListing("proposals", rows, found.paging))


@read("/proposals/{id}", name="get_proposal", summary="what one would change", area="*")
async def fetch(call: HttpCall, id: str) -> Answer:
    found = await verbs.find(call, id)
    changed = await verbs.changed_since(call, found) if found.state == OPEN else {}
    return _shown(call, found, changed)


def _shows_approved(_: HttpCall, done: Approved[Any]) -> Answer:
    found: Answer = done.shows(done.value)
    return found


@route(
    "POST",
    "/proposals/{id}/approve",
    name="approve_proposal",
    summary="write just what it shows",
    area="*",
    verb="write",
    consent=FREE,
    statuses=(201,),  # that of the write
    asks_first=True,
    shows=_shows_approved,
    undoes=True,
)
async def approve(call: HttpCall, id: str) -> Approved[Any]:
    found = await verbs.to_approve(call, id)
    scope = _scope(call, found)
    try:
        proposed, ids = await call.app.state.router.admitted(scope)
        its_call = ProposedCall(call, found, scope)
        call.around = verbs.approving(call.crm, found.id, lambda value: proposed.shows(its_call, value))
        await proposed.handler(its_call, **ids)
    except Problem as problem:
        raise await verbs.outdated_by(call, found, problem) from None
    if its_call.approved is None:
        raise TypeError(f"{found.request.method} {found.request.path} wrote nothing")
    return its_call.approved


def _shows_rejected(call: HttpCall, found: Proposal) -> Answer:
    return _shown(call, found)


@route(
    "POST",
    "/proposals/{id}/reject",
    name="reject_proposal",
    tool="reject_proposal",
    summary="close it, unwritten",
    area="own",  # it ends what its token proposed
    verb="write",
    form=verbs.REJECTION,
    consent=FREE,
    shows=_shows_rejected,
)
async def reject(call: HttpCall, id: str) -> Proposal:
    return await verbs.reject(call, id, await call.body())


ROUTES: tuple[Route, ...] = (find_all, fetch, approve, reject)


def _shown(call: HttpCall, found: Proposal, changed: Mapping[str, str] = {}) -> Answer:
    """Return a proposal, with what is `changed` since, which stands against it."""
    actor, kinds = call.actor, call.crm.kinds
    hidden = verbs.hidden(actor, kinds, found)
    notes = [f"not all of it is shown: that takes {listed(hidden)}"] if hidden else []
    notes += [f"outdated: {name} {what}" for name, what in changed.items()]
    may = found.state == OPEN and not changed and verbs.may_approve(actor, kinds, found)
    says = found.says if found.state == OPEN else ()
    tail = Tail(notes=(*says, *notes), call=f"POST /proposals/{found.id}/approve" if may else "")
    return standing(found, verbs.readable(actor, kinds, found.changes), tail, most=_most(call, found))


def _most(call: HttpCall, found: Proposal) -> int | None:
    """Return how long a body is shown: not at all, where it writes what the caller may not read."""
    return 0 if verbs.hidden(call.actor, call.crm.kinds, found) else None


def _scope(call: HttpCall, found: Proposal) -> Any:
    """Return the scope of the request that a proposal keeps, by the caller."""
    head, _, query = found.request.path.partition("?")
    version = found.request.version
    headers = [] if version is None else [(b"if-match", b"%d" % version)]
    return subrequests.asked_by(
        call.app, call.actor, spelled(head), query.encode("ascii"), found.request.method, headers
    )
