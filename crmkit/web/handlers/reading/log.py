"""The routes that read the log: of one record, and what became of all."""

from msgspec.structs import replace

from crmkit.core.history import feed, past
from crmkit.core.reading import audit
from crmkit.core.reading.feeds import PAGING
from crmkit.model.query.chosen import Chosen
from crmkit.model.record import Kind, Kinds
from crmkit.render.answers import Answer, One, page
from crmkit.render.formats import LISTS
from crmkit.render.tail import Tail
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read


def history_routes(kinds: Kinds, kind: Kind) -> list[Route]:
    """Return the handlers of the log of one kind's records."""
    one = f"{kind.path}/{{id}}"

    @read(
        f"{one}/history",
        name=f"get_{kind.name}_history",
        tool="history",
        summary="its changes, newest first: by, since, until",
        area=kind,
        kind=kinds.audit,
        query=(*past.HISTORY_FILTERS, *PAGING),
        has_groups=True,
    )
    async def history(call: HttpCall, id: str) -> Answer:
        return page(await past.history(call, kind, id, *call.page()))

    @read(
        f"{one}/blame",
        name=f"get_{kind.name}_blame",
        tool="blame",
        summary="who set each value, when, by which token",
        area=kind,
        formats=LISTS,
    )
    async def blame(call: HttpCall, id: str) -> Answer:
        return page(await past.blame(call, kind, id))

    return [history, blame]


async def shown_as_of(call: HttpCall, kind: Kind, id: str, at: str) -> Answer:
    """Return a record as it was; fields that the log does not tell are left out, with a note if they were asked for."""
    found = await past.as_of(call, kind, id, at)
    chosen = call.chosen.get(kind, Chosen(found.names))
    lost = [name for name in chosen.fields if name not in found.names]
    notes = [*found.notes, f"as of {found.at}", *(f"{name} is computed, so the log does not tell it" for name in lost)]
    told = tuple(name for name in chosen.fields if name in found.names)
    return One(kind, found.record, replace(chosen, fields=told), tail=Tail(notes=notes))


@read(
    "/changes",
    name="list_changes",
    summary=f"what became of records, oldest first: {', '.join(feed.PARAMETERS[:4])}",
    area="*",
    query=feed.PARAMETERS,
    is_linked=True,
)
async def changes(call: HttpCall) -> Answer:
    return page(await feed.told(call, call.parameters()))


def routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of what concerns all kinds."""

    @read(
        "/audit",
        tool="audit",
        summary="what changed, newest first: by, action, target, since, until",
        kind=kinds.audit,
        query=(*audit.FILTERS, *PAGING),
        has_groups=True,
    )
    async def audit_log(call: HttpCall) -> Answer:
        return page(await audit.entries(call, *call.page()))

    return [audit_log, changes]
