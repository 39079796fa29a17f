"""The formats of answers, each a value: what `?format=` calls it, its media type, and how it writes an answer.

Negotiation, the error for an unknown format, OpenAPI and the sending of answers read these values. A route that has
further formats declares them (`Route.formats`).
"""

from collections.abc import Callable, Iterator
from functools import partial

from msgspec import Struct, structs

from crmkit.model.query.listing import Batches
from crmkit.model.record import Kind
from crmkit.render.answers import Answer
from crmkit.render.encoding import encoded
from crmkit.render.files import csv, json, pages, whole
from crmkit.render.files.cards import icalendar
from crmkit.render.files.registry import WRITERS, formats_of


class Format(Struct, frozen=True):
    """A format has `whole` if it writes an answer in one piece, `pieces` if it writes a list of any length in many."""

    name: str  # as `?format=` has it
    media: str  # as Accept and OpenAPI have it
    content_type: str
    whole: Callable[[Answer], bytes] | None = None
    pieces: Callable[[Batches], Iterator[bytes]] | None = None
    is_whole_record: bool = False  # its lists have all fields, not only those of list lines
    has_schema: bool = False  # OpenAPI's schemas describe its bodies
    by_handler: bool = False  # neither of both: its handler makes the bytes, by `HttpCall.spooled`
    only_rows: bool = False  # and no cursor: a header leads to the next page
    fails_late: bool = False  # a Problem may come after the first pieces, so none is sent before the last
    is_binary: bool = False  # it is no text, so no tool can show it
    as_asked: Callable[[bool, bool], "Format"] | None = None  # the same with `bom` and with `raw` (see files.Options)
    told: Callable[[Answer], Answer] | None = None  # of a face: what it answers in place of one of ours, like an error

    def body(self, answer: Answer) -> bytes:
        """Return an answer in this format; raises TypeError for a format that has only pieces."""
        if self.whole is None:
            raise TypeError(f"the format {self.name} does not write answers in one piece")
        return self.whole(answer)


def _text(answer: Answer) -> bytes:
    return answer.text().encode() + b"\n"


def _json(answer: Answer) -> bytes:
    return encoded(answer.data()) + b"\n"


TEXT = Format("text", "text/plain", "text/plain; charset=utf-8", _text)
JSON = Format(
    *("json", "application/json", "application/json", _json, partial(whole.pieces, "json")),
    is_whole_record=True,
    has_schema=True,
)
FORMATS = (TEXT, JSON)  # that every answer has, errors too


def _csv(bom: bool, raw: bool) -> Format:
    as_file = partial(whole.pieces, "csv", bom=bom, raw=raw)
    return structs.replace(CSV, whole=partial(pages.as_csv, bom=bom, raw=raw), pieces=as_file)


CSV = Format(
    *("csv", csv.MEDIA, csv.CsvWriter.media_type, pages.as_csv, partial(whole.pieces, "csv")),
    is_whole_record=True,
    only_rows=True,
    as_asked=_csv,
)
JSON_LINES = Format(
    *("jsonl", json.LINES_MEDIA, json.LINES_MEDIA, pages.as_json_lines, partial(whole.pieces, "jsonl")),
    is_whole_record=True,
    only_rows=True,
)
LISTS = (*FORMATS, CSV, JSON_LINES)  # that a page of a list has too
CALENDAR = Format(
    *("ics", icalendar.MEDIA, icalendar.CalendarWriter.media_type, pages.as_calendar, partial(whole.pieces, "ics")),
    is_whole_record=True,
    only_rows=True,
)


def exports_of(kind: Kind) -> tuple[Format, ...]:
    """Return the formats in which all records of a kind are exported, the one that is sent unasked first."""
    known = {each.name: each for each in (*LISTS, CALENDAR)}
    return tuple(known.get(name) or _file(name) for name in formats_of(kind))


def _file(name: str) -> Format:
    """Return a format that is only exported."""
    writes = WRITERS[name]
    media = writes.media_type.partition(";")[0]
    return Format(
        *(name, media, writes.media_type, None, partial(whole.pieces, name)),
        is_whole_record=True,
        fails_late=writes.fails_late,
        is_binary=writes.is_binary,
    )
