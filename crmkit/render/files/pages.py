"""The rows of an answer without anything else, as CSV and as JSON lines: what a page of a list is in such a format."""

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, structs

from crmkit.model.query.listing import Listing, RecordListing
from crmkit.render.answers import Answer, Table
from crmkit.render.files import csv, json
from crmkit.render.files.cards import icalendar
from crmkit.render.files.cells import any_value, custom, custom_marked
from crmkit.render.files.columns import keys_of, path_title
from crmkit.render.files.csv import CsvWriter
from crmkit.render.files.writer import Options
from crmkit.render.pages import rows
from crmkit.render.pages.rows import Page


def as_csv(answer: Answer, bom: bool = False, raw: bool = False) -> bytes:
    """Return a line of titles, then one for each row; the titles of rows of several sorts are those of all."""
    found = _pages(answer)
    if len(found) == 1 and isinstance(found[0], Listing):
        return _records(found[0], bom, raw)
    lines = [dict(_cells(page, item, raw)) for page in found for item in rows.items(page)]
    titles = dict.fromkeys(title for line in lines for title in line)
    cells = ([line.get(title) for title in titles] for line in lines)
    return csv.head([*titles] or ["handle"], bom) + csv.lines(cells)


def as_json_lines(answer: Answer) -> bytes:
    return json.lines(item for page in _pages(answer) for item in rows.items(page))


def as_calendar(answer: Answer) -> bytes:
    """Return the events of a page of reminders, which has the records themselves and tells the time."""
    found = [page for page in _pages(answer) if isinstance(page, RecordListing)]
    present = found[0].paging.moment
    batches = ([(kind, record) for kind, record, _ in page.rows] for page in found)
    return b"".join(icalendar.reminders(batches, ZoneInfo(present.timezone), present.now))


def _pages(answer: Answer) -> list[Page]:
    return [part.page for part in answer.parts if part.key] if isinstance(answer, Table) else []


def _records(page: Listing, bom: bool, raw: bool) -> bytes:
    kind, fields, found = page.kind, page.fields, page.rows
    if list(fields) == [name for name in kind.members if name != "id"]:
        # nobody chose them: they stand as in lines, where what a record is about comes first
        order = itemgetter(0, *(1 + fields.index(name) for name in kind.names[1:]))
        fields, found = kind.names[1:], [order(row) for row in found]
    writer = CsvWriter(kind, Options(fields, page.keys or keys_of(kind, fields, found), bom, raw))
    return writer.start() + writer.rows(found)


def _cells(page: Page, item: Any, raw: bool) -> Iterator[tuple[str, Any]]:
    """Yield the titles of a row and the cell below each: a key of custom has one of its own."""
    names, of_custom = _custom(page), custom if raw else custom_marked
    members: Mapping[str, Any] = structs.asdict(item) if isinstance(item, Struct) else item
    for name, content in members.items():
        if name in names:
            for key, inner in (content or {}).items():
                yield path_title(name, (key,)), None if inner is None else of_custom(inner)
        else:
            yield name, any_value(content, raw)


def _custom(page: Page) -> set[str]:
    kinds = {page.kind} if isinstance(page, Listing) else set()
    kinds |= {kind for kind, *_ in page.rows} if isinstance(page, RecordListing) else set()
    return {kind.custom.name for kind in kinds if kind.custom}
