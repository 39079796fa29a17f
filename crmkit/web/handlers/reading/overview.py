"""The routes that look across kinds: search, reminders, the brief."""

from crmkit.core.brief import brief as briefs
from crmkit.core.reading import reminders, search
from crmkit.render.answers import Answer, groups, page
from crmkit.render.brief import brief as shown
from crmkit.web.call import HttpCall
from crmkit.web.route import read


@read(
    "/search",
    summary="all kinds at once: q, types",
    area="*",
    query=("q", "types", "explain"),
    needed=("q",),
    is_list=True,
)
async def everywhere(call: HttpCall) -> Answer:
    parameters = call.parameters()
    found = await search.everywhere(call, parameters, call.format.is_whole_record)
    return groups(found, {"query": parameters.get("q", "")})


@read(
    "/reminders",
    summary=f"due follow-ups and open tasks: {', '.join(reminders.PARAMETERS)}",
    area="*",
    query=reminders.PARAMETERS,
    is_list=True,
)
async def due(call: HttpCall) -> Answer:
    parameters = call.parameters()
    return page(await reminders.due(call, parameters))


@read(
    "/brief",
    summary="what is due, changed, open, quiet; begin with it: since",
    area="*",
    query=briefs.PARAMETERS,
)
async def brief(call: HttpCall) -> Answer:
    keeps = call.method != "HEAD"
    found = await briefs.told(call, call.parameters(), call.format.is_whole_record, keeps)
    return shown(found.sections, found.moment, found.since, found.notes)


ROUTES = [everywhere, due, brief]
