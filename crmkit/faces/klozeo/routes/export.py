"""The route of the export of leads: all that filters find, as CSV, JSON or XLSX."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from crmkit.core.transfer.exports import verbs as exports
from crmkit.errors import Problem, listed
from crmkit.faces.klozeo.answering import route
from crmkit.faces.klozeo.filters import ATTRIBUTE
from crmkit.faces.klozeo.lead import lead_of
from crmkit.faces.klozeo.routes.leads import asked
from crmkit.faces.klozeo.words import CUSTOM, FIELDS
from crmkit.model.cells import doubled
from crmkit.model.query.listing import Batches
from crmkit.model.record import Kinds
from crmkit.records.contact import CONTACT
from crmkit.render import text
from crmkit.render.encoding import encoded
from crmkit.render.files import whole
from crmkit.render.files.cells import any_value, exact
from crmkit.render.files.columns import Columns, Row
from crmkit.render.files.registry import WRITERS
from crmkit.render.formats import Format
from crmkit.web.call import HttpCall
from crmkit.web.reply import Response
from crmkit.web.route import Route

QUERY = ("filter", "sort_by", "sort_order")


class LeadColumns(Columns, frozen=True, kw_only=True):
    """A column for each field of a lead, and for each attribute; `cell` makes what stands in one."""

    cell: Callable[[Any], Any]

    @property
    def titles(self) -> list[str]:
        return [*FIELDS, *(f"{ATTRIBUTE}{name}" for name in self._attributes)]

    def rows(self, batch: Sequence[Row], *_: Any) -> Iterator[Row]:
        for row in batch:
            lead = _lead(self.fields, row)
            attributes = {each["name"]: each["value"] for each in lead["attributes"]}
            values = [*(lead[name] for name in FIELDS), *map(attributes.get, self._attributes)]
            yield [None if value in (None, [], {}) else self.cell(value) for value in values]

    @property
    def _attributes(self) -> list[str]:
        return [name for (name,) in self.keys if name not in CUSTOM]


def _lead(fields: Sequence[str], row: Row) -> dict[str, Any]:
    return lead_of(dict(zip(("id", *fields), row, strict=True)))


def _typed(value: Any) -> Any:
    """Return the value that XLSX stores."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return exact(value)
    return doubled(value if isinstance(value, str) else text.quoted(value))


def _table(name: str, cell: Callable[[Any], Any], found: Batches) -> Iterator[bytes]:
    return whole.pieces(name, found, columns=partial(LeadColumns, cell=cell))


def _json(found: Batches) -> Iterator[bytes]:
    """Yield an array of whole leads."""
    before = b"["
    for batch in found.batches:
        for row in batch:
            yield before + encoded(_lead(found.fields, row))
            before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


_XLSX = WRITERS["xlsx"].media_type
FORMATS = (
    Format("csv", "text/csv", "text/csv; charset=utf-8", pieces=partial(_table, "csv", partial(any_value, raw=False))),
    Format("json", "application/json", "application/json", pieces=_json),
    Format("xlsx", _XLSX, _XLSX, pieces=partial(_table, "xlsx", _typed), fails_late=True, is_binary=True),
)


def routes(kinds: Kinds) -> list[Route]:
    """Return the route of the export."""
    contact = kinds.by_word[CONTACT.plural]

    @route("GET", "/leads/export", "export_leads", contact, "read", query=QUERY, formats=FORMATS, streams=True)
    async def export_leads(call: HttpCall) -> Response:
        if all(name != "format" for name, _ in call.pairs):
            names = listed((each.name for each in FORMATS), "or")
            raise Problem("missing_field", f"Send format={names}.", fields={"format": "is required"})
        found = await exports.export(call, contact, await asked(call, contact), contact.names[1:])
        return await call.in_pieces(found.batches, filename=f"leads.{call.format.name}")

    return [export_leads]
