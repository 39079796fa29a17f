"""A table: titles and rows, read anew from the file each time they are asked for."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from msgspec import Struct

from crmkit.errors import Problem
from crmkit.model.names import trimmed

Cell = str | int | float | bool | list[Any] | dict[str, Any] | None

MOST_COLUMNS = 2_000


class Row(NamedTuple):
    """A row of a table, by its number in the file."""

    number: int  # in the file, as a spreadsheet counts: its first record is 1
    cells: tuple[Cell, ...]  # one for each title


class LeftOut(NamedTuple):
    """What is in the file and in no row: a line of a footer, another sheet (its number is 0)."""

    number: int
    text: str


class Table(Struct, frozen=True):
    """The titles of a file and how many rows it has; `read` yields the rows, from the file."""

    format: str
    titles: tuple[str, ...]  # all different
    count: int  # of rows
    left_out: tuple[LeftOut, ...]
    read: Callable[[], Iterator[Row]]

    @property
    def has_marks(self) -> bool:
        """Whether an export of ours in this format has marks before what a spreadsheet would run (see model/cells)."""
        return self.format in ("csv", "xlsx")

    def rows(self, after: int = 0) -> Iterator[Row]:
        """Yield the rows whose number is above `after`. Raises Problem where the file has changed and is bad now."""
        return (row for row in self.read() if row.number > after) if after else self.read()


def distinct(titles: Iterable[Cell]) -> tuple[str, ...]:
    """Return titles that are all different: `TITLE 2` for the second of one title, `column N` for an empty one."""
    plain = [" ".join(trimmed(str("" if title is None else title)).split()) for title in titles]
    taken, found = set(plain), set[str]()
    given = []
    for number, title in enumerate(plain, start=1):
        name = title or f"column {number}"
        if name in found or (not title and name in taken):
            again = 2
            while f"{name} {again}" in taken | found:
                again += 1
            name = f"{name} {again}"
        found.add(name)
        given.append(name)
    return tuple(given)


def invalid(sentence: str) -> Problem:
    return Problem("invalid_file", sentence)


def check_width(width: int, number: int) -> None:
    if width > MOST_COLUMNS:
        raise invalid(f"Row {number} has {width:,} columns; a table has at most {MOST_COLUMNS:,}.")
