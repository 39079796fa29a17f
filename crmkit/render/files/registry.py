"""The formats of files by the names that `?format=` has for them."""

from collections.abc import Sequence

from crmkit.model.record import Kind
from crmkit.render.files.cards.icalendar import CalendarWriter
from crmkit.render.files.cards.vcard import VcardWriter
from crmkit.render.files.csv import CsvWriter
from crmkit.render.files.json import JsonLinesWriter, JsonWriter
from crmkit.render.files.writer import Options, Writer
from crmkit.render.files.xlsx import XlsxWriter

WRITERS: dict[str, type[Writer]] = {
    "csv": CsvWriter,
    "json": JsonWriter,
    "jsonl": JsonLinesWriter,
    "xlsx": XlsxWriter,
    "vcf": VcardWriter,
    "ics": CalendarWriter,
}


def formats_of(kind: Kind) -> tuple[str, ...]:
    """Return the names of the formats that records of a kind have."""
    return tuple(name for name, writer in WRITERS.items() if writer.has(kind))


def fields_of(format: str, kind: Kind, chosen: Sequence[str] | None) -> tuple[str, ...]:
    """Return the fields that a file shows, or reads, where these were `chosen`; None stands for all of them."""
    if chosen is None:
        return kind.names[1:]
    return tuple(dict.fromkeys((*chosen, *WRITERS[format].reads(kind))))


def writer(format: str, kind: Kind, options: Options) -> Writer:
    """Return what writes records of a kind, which has the format."""
    return WRITERS[format](kind, options)
