"""The routes that look across kinds: search, reminders, the brief."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from crmkit.core.brief import brief as briefs
from crmkit.core.reading import reminders, search
from crmkit.model.record import Kinds
from crmkit.render.answers import Answer, groups, page
from crmkit.render.brief import brief as shown
from crmkit.render.files.cards import icalendar
from crmkit.render.formats import CALENDAR, LISTS
from crmkit.storage.interface.connection import Connection
from crmkit.web.call import HttpCall
from crmkit.web.reply import Response
from crmkit.web.route import Route, read


def routes(kinds: Kinds) -> list[Route]:
    """Return the handlers of this module."""

    @read(
        "/search",
        tool="search",
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
        tool="reminders",
        summary=f"due follow-ups and open tasks: {', '.join(reminders.PARAMETERS)}",
        area="*",
        query=reminders.PARAMETERS,
        shown=[source.kind for source in reminders.sources_of(kinds)],
        beside=reminders.BESIDE,
        is_list=True,
        formats=(*LISTS, CALENDAR),
    )
    async def due(call: HttpCall) -> Answer:
        return page(await reminders.due(call, call.parameters(), has_records=call.format is CALENDAR))

    @read(
        "/reminders/export",
        name="export_reminders",
        summary="all of them as a calendar: days, owner, kind",
        area="*",
        query=("days", "owner", "kind"),
        formats=(CALENDAR,),
        streams=True,
        is_list=False,
        is_linked=True,
    )
    async def export(call: HttpCall) -> Response:
        found, zone, now = reminders.everything(call, call.parameters()), ZoneInfo(call.actor.timezone), call.now

        def written(connection: Connection) -> Iterator[bytes]:
            return icalendar.reminders(found.batches(connection), zone, now)

        told = [("x-note", note) for note in found.notes]
        return await call.spooled(written, content_type=CALENDAR.content_type, filename="reminders.ics", told=told)

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

    return [everywhere, due, export, brief]
