"""The routes of webhooks: those of any setting, and what is sent to one."""

from typing import Any

from msgspec.structs import replace

from crmkit.core.webhooks import verbs
from crmkit.core.webhooks.verbs import Made
from crmkit.model.query.listing import MixedListing
from crmkit.model.record import Kind
from crmkit.render.answers import Answer, One, beside, page, thing
from crmkit.render.formats import LISTS
from crmkit.render.tail import Tail
from crmkit.storage.webhooks.deliveries import WAITING, Delivery
from crmkit.web.call import HttpCall
from crmkit.web.handlers.records.kinds import record_routes
from crmkit.web.route import CODE, FREE, Handler, Route, read, route


def webhook_routes(kind: Kind) -> list[Route]:
    """Return the handlers of webhooks; a connected app needs a mailed code to make or change one."""
    one = f"{kind.path}/{{id}}"

    def shows_saved(_: HttpCall, made: Made) -> Answer:
        if not made.secret:
            return One(kind, made.record, tail=Tail(notes=made.notes, outcome="created" if made.created else ""))
        tail = Tail(notes=(*made.notes, "the secret is shown once: keep it"))
        return beside(kind, made.record, {"secret": made.secret}, tail, 201 if made.created else 200)

    def kept(of: Route) -> Route:
        if of.paths == (one,) and "GET" in of.methods:
            return replace(of, handler=noting(of.handler))
        if of.methods == ("DELETE",):
            return replace(of, undoes=False)
        if of.methods not in (("POST",), ("PATCH",)):
            return of
        return replace(of, consent=CODE, query=(*of.query, "code"), shows=shows_saved)

    def noting(fetch: Handler) -> Handler:
        async def fetched(call: HttpCall, id: str) -> Answer:
            answer: Answer = await fetch(call, id)
            if not isinstance(answer, One):
                return answer
            return replace(answer, tail=Tail(notes=await verbs.told(call, answer.record)))

        return fetched

    @route(
        "POST",
        f"{one}/test",
        name="test_webhook",
        tool="",
        summary="send it a test event, and tell how it was answered",
        area=kind,
        verb="write",
        consent=FREE,
        shows=_shows,
    )
    async def test(call: HttpCall, id: str) -> Delivery:
        return await verbs.outcome(call, await verbs.test(call, kind, id))

    @read(
        f"{one}/deliveries",
        name="list_deliveries",
        tool="",
        summary="what was sent, newest first: state",
        area=kind,
        query=verbs.PARAMETERS,
        formats=LISTS,
    )
    async def find_all(call: HttpCall, id: str) -> Answer:
        found = await verbs.sent(call, kind, id, call.parameters())
        rows = tuple((each.handle, _facts(each)) for each in found.found)
        return page(MixedListing("deliveries", rows, found.paging))

    @route(
        "POST",
        f"{one}/deliveries/{{delivery_id}}/redeliver",
        name="redeliver",
        tool="",
        summary="send it again at once",
        area=kind,
        verb="write",
        consent=FREE,
        shows=_shows,
    )
    async def redeliver(call: HttpCall, id: str, delivery_id: str) -> Delivery:
        return await verbs.outcome(call, await verbs.redeliver(call, kind, id, delivery_id))

    *others, remove = map(kept, record_routes(kind, verbs=verbs))
    return [*others, test, find_all, redeliver, remove]


def _shows(call: HttpCall, found: Delivery) -> Answer:
    is_ahead = found.state == WAITING and not found.attempts and not call.is_dry
    waits = ("it is sent shortly: GET the deliveries",) if is_ahead else ()
    return thing(found.handle, _facts(found), Tail(notes=waits))


def _facts(found: Delivery) -> dict[str, Any]:
    return {
        "id": found.id,
        "event": found.event,
        "type": found.type,
        "target": found.target or None,
        "state": found.state,
        "status": found.status,
        "error": found.error,
        "ms": found.ms,
        "attempts": found.attempts,
        "at": found.at,
        "tried_at": (found.attempts and found.tried_at) or None,
        "next_at": found.next_at or None,
    }
