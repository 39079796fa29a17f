"""The routes of exports: all records of a kind that filters find, as a file."""

from crmkit.core.reading import audit
from crmkit.core.reading.feeds import PAGING
from crmkit.core.transfer.exports import verbs as exports
from crmkit.model.record import Kind, Kinds
from crmkit.render.files.registry import fields_of
from crmkit.render.formats import exports_of
from crmkit.web.call import HttpCall
from crmkit.web.handlers.records.activities import feed
from crmkit.web.reply import Response
from crmkit.web.route import ANY, Route, read


def export_route(kinds: Kinds, kind: Kind) -> Route:
    """Return the handler of the export of one kind."""
    of_log = {kinds.activity: feed(kinds), kinds.audit: (*audit.FILTERS, *PAGING)}.get(kind)

    @read(
        f"{kind.path}/export",
        name=f"export_{kind.plural}",
        summary="all that filters find, as a file: format, sort",
        kind=kind,
        query=(*(name for name in of_log if name not in exports.OF_PAGES), "sort") if of_log else ANY,
        has_groups=bool(of_log),
        formats=exports_of(kind),
        streams=True,
        is_cut=False,
        is_list=False,
    )
    async def export(call: HttpCall) -> Response:
        format, chosen = call.format, call.chosen.get(kind)
        fields = fields_of(format.name, kind, chosen.fields if chosen else None)
        found = await exports.export(call, kind, call.pairs, fields)
        told = [("x-read-as", found.read_as)] if found.read_as else []
        told += [("x-note", note) for note in found.notes]
        return await call.in_pieces(found.batches, filename=f"{kind.plural}.{format.name}", told=told)

    return export
