"""What a copy of a whole database is made of: its tables, in an order in which they can be filled, and their rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct

from crmkit.storage.columns import quoted

if TYPE_CHECKING:
    from crmkit.storage.interface.connection import Connection

_MOST = 1 << 63  # whole numbers of a column are smaller

Type = Literal["text", "whole", "real", "bytes", "any"]  # any: a text or a number
Row = Sequence[Any]


class Table(Struct, frozen=True):
    """A table that is copied: the names and types of its columns that are stored, its key, the tables it refers to."""

    name: str
    columns: tuple[tuple[str, Type], ...]
    key: tuple[str, ...]
    refers_to: frozenset[str] = frozenset()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.columns)

    def places(self, type: Type) -> tuple[int, ...]:
        """Return where in a row the values of columns of this type are."""
        return tuple(place for place, (_, each) in enumerate(self.columns) if each == type)


class Source(Protocol):
    """A database at one moment. What cannot be read raises Unusable."""

    connection: "Connection"

    def tables(self) -> Iterator[Table]:
        """Yield all tables but those that only this brand has, and those that search makes of records."""

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield all rows, in the order of the table's key; all brands order them alike."""

    def numbered(self) -> Mapping[str, int]:
        """Return the greatest number that a row ever had, of tables whose rows the database numbers for good."""


class Target(Source, Protocol):
    """An empty database, in a transaction that ends with the block that it is given to. What fails raises Unusable."""

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        """Write rows; the indexes that only make reads faster are made by `finish`."""

    def finish(self, numbered: Mapping[str, int]) -> None:
        """Make what follows from all rows: indexes, statistics; new rows are numbered behind all there ever were."""


def plain(value: str | float) -> str | float:
    """Return a value of a column of any type as each brand has it: a whole number is an integer where that has room."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MOST:
        return int(value)
    return float(value) if isinstance(value, int) and abs(value) >= _MOST else value


def first_filled(connection: "Connection", tables: Iterable[Table]) -> str:
    """Return the name of the first of these tables that has a row; empty where none has one."""
    for table in tables:
        if connection.execute(f"SELECT 1 FROM {quoted(table.name)} LIMIT 1").fetchone() is not None:
            return table.name
    return ""


def ordered(tables: Iterable[Table]) -> list[Table]:
    """Return the tables by name, but each behind those that it refers to."""
    waiting = {table.name: table for table in sorted(tables, key=lambda table: table.name)}
    found = list[Table]()
    while waiting:
        name = next(name for name, table in waiting.items() if not table.refers_to & waiting.keys() - {name})
        found.append(waiting.pop(name))
    return found
