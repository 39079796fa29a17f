"""The answers about imports: a line of the import, its columns, the rows that were refused; and the report of those."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from itertools import islice
from typing import Any

from msgspec import structs

from crmkit.model.cells import marked, unmarked
from crmkit.model.names import trimmed
from crmkit.model.query.listing import MixedListing, Paging
from crmkit.model.sheets.words import NOTHING
from crmkit.render.answers import Part, Table, numbered_lines, told_of_fields
from crmkit.render.encoding import encoded
from crmkit.render.files import cells, csv
from crmkit.render.formats import CSV, Format
from crmkit.render.pages.rows import lines
from crmkit.render.tail import NO_TAIL, Tail

Refused = tuple[int, str, Mapping[str, str], str]  # number, code, what is wrong with which fields, hint

REFUSED = "refused_rows"  # their key in JSON
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
    parts = (
        Part(MixedListing("", ((handle, fields),), Paging()), NO_TAIL),
        numbered_lines("column", [{name: row[name] for name in ("title", "field")} for row in columns], NO_TAIL),
        Part(_lines(refused), tail),
    )
    notes = {"notes": list(tail.notes)} if tail.notes else {}
    return Table(parts, {**facts, "columns": list(columns), REFUSED: _items(refused), **notes}, status)


def pieces(found: Table, refused: Iterable[Refused], is_json: bool) -> Iterator[bytes]:
    """Yield the text or the JSON of how an import stands with these rows, of which it has none yet."""
    *head, rows = found.parts
    waiting = iter(refused)
    several = iter(lambda: list(islice(waiting, TOGETHER)), [])
    if is_json:
        facts = found.data()
        del facts[REFUSED]
        yield encoded(facts)[:-1] + f',"{REFUSED}":['.encode()
        for at, some in enumerate(several):
            yield (b"," if at else b"") + encoded(_items(some))[1:-1]
        yield b"]}\n"
        return
    yield f"{Table(head).text()}\n".encode()
    for some in several:
        yield "".join(f"{line}\n" for line in lines(_lines(some))).encode()
    yield "".join(f"{line}\n" for line in rows.tail.lines()).encode()


def _lines(refused: Sequence[Refused]) -> MixedListing:
    return MixedListing(
        "rows",
        tuple(
            (f"row/{number}", {"error": code, **told_of_fields(wrong), **_hint(wrong, hint)})
            for number, code, wrong, hint in refused
        ),
        Paging(),
    )


def _items(refused: Sequence[Refused]) -> list[dict[str, Any]]:
    return [
        {"row": number, "error": code, "fields": wrong, **_hint(wrong, hint)} for number, code, wrong, hint in refused
    ]


def _hint(wrong: Mapping[str, str], hint: str) -> Mapping[str, str]:
    """Return the hint where no field says what is wrong."""
    return {} if wrong else {"hint": hint}


def _whole(answer: Any) -> bytes:
    raise TypeError("a report is sent in pieces")


REPORT: Format = structs.replace(CSV, whole=_whole, is_whole_record=False, only_rows=False, as_asked=None)


def report(
    titles: Sequence[str], rows: Iterable[tuple[int, str, Sequence[Any]]], exact: Set[int], has_marks: bool
) -> Iterator[bytes]:
    """Yield the refused rows as CSV, in pieces: number and error, then their cells under their own titles.

    The columns that are `exact` have values of custom, as exports write them. Texts of the file that `has_marks` have
    them already.
    """
    yield csv.head([*LED_BY, *titles], bom=False)
    waiting = iter(rows)
    while some := list(islice(waiting, TOGETHER)):
        yield csv.lines(
            (number, error, *(_cell(cell, at in exact, has_marks) for at, cell in enumerate(row)))
            for number, error, row in some
        )


def _cell(content: Any, is_exact: bool, has_marks: bool) -> Any:
    """Return a cell as it stood in the file, with the mark if a spreadsheet would run it."""
    if content is None:
        return None
    if isinstance(content, str):
        text = unmarked(content) if has_marks else content
        if is_exact and (plain := trimmed(text)) and plain not in NOTHING:  # which an import reads as a value
            return cells.custom_marked(plain)
        return marked(text)
    return cells.custom_marked(content) if is_exact else encoded(content).decode()
