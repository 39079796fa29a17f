"""Where in a sheet the table is: below what tells of it, its header, its rows, a footer."""

import re
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import chain

from msgspec import Struct, field

from crmkit.files.table import Cell, LeftOut, Row, Table, check_width, distinct, invalid
from crmkit.model.body import check
from crmkit.model.fields import Invalid

Record = tuple[int, Sequence[Cell]]  # its number, its cells

_HEAD = 50  # records among which the header is looked for
_HEAD_SIZE = 1 << 20  # characters of them
_FOOTER = 30  # most lines of a footer
_TOLD = 1_000  # characters of what is left out
_TELLS = re.compile(
    r"copyright|\(c\)|all rights reserved|confidential|(generated|exported|created|printed) (by|on)|total|record count",
    re.IGNORECASE,
)


def framed(format: str, records: Callable[[], Generator[Record]], empty: Cell, others: Sequence[LeftOut] = ()) -> Table:
    """Return the table among records, which are read once now, and anew by each call of its rows.

    Records whose cells are all blank are no rows. `empty` fills a row that is shorter than the titles. `others` is left
    out besides what stands above the header and below the rows.
    """
    with closing(records()) as read:  # the file is closed where one of them is refused
        found = _find(read)
    width = len(found.titles)

    def rows() -> Iterator[Row]:
        with closing(records()) as read:
            for number, cells in read:
                if number == found.end:
                    return
                if number <= found.header or is_blank(cells):
                    continue
                row = tuple(cells)
                yield Row(number, row if len(row) == width else row[:width] + (empty,) * (width - len(row)))

    return Table(format, found.titles, found.count, (*found.left_out, *others), rows)


def is_blank(cells: Sequence[Cell]) -> bool:
    return all(map(_nothing, cells))


def _nothing(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _width(cells: Sequence[Cell]) -> int:
    """Return how many cells there are up to the last that is not blank."""
    width = len(cells)
    while width and _nothing(cells[width - 1]):
        width -= 1
    return width


class _Found(Struct):
    titles: tuple[str, ...] = ()
    header: int = 0  # the number of its record
    end: int = 0  # the number of the first record of the footer, 0 without one
    count: int = 0
    left_out: list[LeftOut] = field(default_factory=list)


def _find(records: Iterator[Record]) -> _Found:
    head = _first(records)
    if not head:
        return _Found()
    at = _header_of(head)
    number, titles = head[at]
    found = _Found(header=number, left_out=[_told(record) for record in head[:at]])
    width = _width(titles)
    tail: list[Record] = []  # what may be a footer: lines of one cell below a blank record
    last = number
    for record in chain(head[at + 1 :], records):
        number, cells = record
        if is_blank(cells):
            continue
        if (tail or number > last + 1) and found.count and width > 1 and _width(cells) == 1 and len(tail) < _FOOTER:
            tail.append(record)
        else:
            found.count += len(tail) + 1
            tail = []
        last = number
        if len(cells) > width:
            width = max(width, _width(cells))
            check_width(width, number)
    check_width(width, found.header)
    if _is_footer(tail):
        found.end = tail[0][0]
        found.left_out += map(_told, tail)
    else:
        found.count += len(tail)
    found.titles = distinct((*titles[:width], *("" for _ in range(width - len(titles)))))
    for at, title in enumerate(found.titles, 1):
        try:
            check(title)
        except Invalid as error:
            raise invalid(f"The title of column {at} {error}.") from None
    return found


def _first(records: Iterator[Record]) -> list[Record]:
    """Return the first records that are not blank, among which the header is."""
    found: list[Record] = []
    size = 0
    for record in records:
        if not is_blank(record[1]):
            found.append(record)
            size += sum(len(cell) for cell in record[1] if isinstance(cell, str))
            if len(found) == _HEAD or size > _HEAD_SIZE:
                break
    return found


def _is_footer(tail: Sequence[Record]) -> bool:
    """Tell whether lines at the end are no rows: none has a second cell, or one tells of the file."""
    is_narrow = all(len(cells) == 1 for _, cells in tail)
    return bool(tail) and (is_narrow or any(_TELLS.search(str(cells[0])) for _, cells in tail))


def _told(record: Record) -> LeftOut:
    number, cells = record
    return LeftOut(number, ", ".join(str(cell) for cell in cells if not _nothing(cell))[:_TOLD])


def _header_of(head: Sequence[Record]) -> int:
    """Return which of the first records is the header: not one much narrower than the table is."""
    widths = Counter(len(cells) for _, cells in head if len(cells) > 1)
    if not widths:
        return 0
    table = max(widths, key=lambda width: (widths[width], width))
    for at, (number, cells) in enumerate(head):
        filled = sum(not _nothing(cell) for cell in cells)
        apart = at + 1 < len(head) and head[at + 1][0] > number + 1  # a blank record follows
        if len(cells) * 2 >= table and not (table > 3 and filled == 1) and not (apart and filled * 2 <= table):
            return at
    return 0
