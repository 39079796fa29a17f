"""The routes that look across kinds: search, reminders, the audit log."""

from litestar.handlers import HTTPRouteHandler

from crmkit.core.reading import audit, reminders, search
from crmkit.core.reading.feeds import PAGING
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, Groups, Lines, Many
from crmkit.web.gate import QUERY
from crmkit.web.negotiate import wants_json
from crmkit.web.requests import HttpRequest, actor_of, crm_of, page_of, parameters_of, read


@read("/search", summary="all kinds at once: q, types", opt={QUERY: ("q", "types"), "needed": ("q",)})
async def everywhere(request: HttpRequest) -> Answer:
    parameters = parameters_of(request)
    found = await search.everywhere(crm_of(request), actor_of(request), parameters, wants_json(request.scope))
    return Groups(found, {"query": parameters.get("q", "")})


@read(
    "/reminders",
    summary="follow-ups that are due, or come within days: days, limit, cursor",
    opt={QUERY: ("days", "limit", "cursor")},
)
async def due(request: HttpRequest) -> Answer:
    parameters = parameters_of(request)
    return Lines(await reminders.due(crm_of(request), actor_of(request), parameters))


def routes(kinds: Kinds) -> list[HTTPRouteHandler]:
    @read(
        "/audit",
        summary="what changed, newest first: by, action, target, since, until",
        opt={"kind": kinds.audit, QUERY: (*audit.FILTERS, *PAGING)},
    )
    async def audit_log(request: HttpRequest) -> Answer:
        return Many(await audit.entries(crm_of(request), actor_of(request), *page_of(request)))

    return [everywhere, due, audit_log]
