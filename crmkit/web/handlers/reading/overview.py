"""The routes that look across kinds: search, reminders, the audit log."""

from crmkit.core.reading import audit, reminders, search
from crmkit.core.reading.feeds import PAGING
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, groups, page
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read


@read("/search", summary="all kinds at once: q, types", area="*", query=("q", "types"), needed=("q",))
async def everywhere(call: HttpCall) -> Answer:
    parameters = call.parameters()
    found = await search.everywhere(call, parameters, call.format.is_whole_record)
    return groups(found, {"query": parameters.get("q", "")})


@read(
    "/reminders",
    summary=f"due follow-ups and open tasks: {', '.join(reminders.PARAMETERS)}",
    area="*",
    query=reminders.PARAMETERS,
)
async def due(call: HttpCall) -> Answer:
    parameters = call.parameters()
    return page(await reminders.due(call, parameters))


def routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of this module."""

    @read(
        "/audit",
        summary="what changed, newest first: by, action, target, since, until",
        kind=kinds.audit,
        query=(*audit.FILTERS, *PAGING),
    )
    async def audit_log(call: HttpCall) -> Answer:
        return page(await audit.entries(call, *call.page()))

    return [everywhere, due, audit_log]
