"""The routes that look across kinds: search, reminders, the brief."""

from crmkit.core.brief import brief as briefs
from crmkit.core.reading import reminders, search
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, groups, page
from crmkit.render.brief import brief as shown
from crmkit.web.call import HttpCall
from crmkit.web.route import Route, read


def routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of this module."""

    @read(
        "/search",
        summary="all kinds at once: q, types",
        area="*",
        query=("q", "types", "explain"),
        needed=("q",),
        shown=kinds.searched,
        is_list=True,
        is_cut=True,
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
        shown=[source.kind for source in reminders.sources_of(kinds)],
        beside=reminders.BESIDE,
        is_list=True,
    )
    async def due(call: HttpCall) -> Answer:
        return page(await reminders.due(call, call.parameters()))

    @read(
        "/brief",
        summary="what is due, changed, open, quiet; begin with it: since",
        area="*",
        query=briefs.PARAMETERS,
        shown=kinds.records,
    )
    async def brief(call: HttpCall) -> Answer:
        keeps = call.method != "HEAD"
        found = await briefs.told(call, call.parameters(), call.format.is_whole_record, keeps)
        return shown(found.sections, found.moment, found.since, found.notes)

    return [everywhere, due, brief]
