"""The answers about imports: a line of the import, its columns, the rows that were refused; and the report of those."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from crmkit.model.query.listing import MixedListing, Paging
from crmkit.render.answers import Part, Table, numbered_lines, told_of_fields
from crmkit.render.encoding import encoded
from crmkit.render.formats import Format
from crmkit.render.tail import NO_TAIL, Tail

Refused = tuple[int, str, Mapping[str, str], str]  # number, code, what is wrong with which fields, hint

LED_BY = ("row", "error")  # the columns of a report before those of the file
TOGETHER = 100  # rows of a piece


def standing(
    handle: str,
    fields: Mapping[str, Any],
    columns: Sequence[Mapping[str, Any]],
    refused: Sequence[Refused],
    facts: Mapping[str, Any],
    tail: Tail,
    status: int,
) -> Table:
    """Return how an import stands: its line has `fields`, its JSON has `facts` besides."""
    rows = [
        (f"row/{number}", {"error": code, **told_of_fields(wrong), **_hint(wrong, hint)})
        for number, code, wrong, hint in refused
    ]
    parts = (
        Part(MixedListing("", ((handle, fields),), Paging()), NO_TAIL),
        numbered_lines("column", [{name: row[name] for name in ("title", "field")} for row in columns], NO_TAIL),
        Part(MixedListing("rows", tuple(rows), Paging()), tail),
    )
    told = [
        {"row": number, "error": code, "fields": wrong, **_hint(wrong, hint)} for number, code, wrong, hint in refused
    ]
    notes = {"notes": list(tail.notes)} if tail.notes else {}
    return Table(parts, {**facts, "columns": list(columns), "refused_rows": told, **notes}, status)


def _hint(wrong: Mapping[str, str], hint: str) -> Mapping[str, str]:
    """Return the hint where no field says what is wrong."""
    return {} if wrong else {"hint": hint}


def _whole(answer: Any) -> bytes:
    raise TypeError("a report is sent in pieces")


REPORT = Format("csv", "text/csv", "text/csv; charset=utf-8", _whole)


def report(titles: Sequence[str], rows: Iterable[tuple[int, str, Sequence[Any]]]) -> Iterator[bytes]:
    """Yield the refused rows as CSV, in pieces: number and error, then their cells under their own titles."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*LED_BY, *titles])
    for count, (number, error, cells) in enumerate(rows, 1):
        writer.writerow([number, error, *map(_cell, cells)])
        if count % TOGETHER == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _cell(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "" if content is None else encoded(content).decode()
