"""The connection that every function of storage is given, and the rows that a statement answers with."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from crmkit.storage.interface.dialect import Dialect
    from crmkit.storage.interface.texts import Texts


class Rows(Protocol):
    """What a statement answered: rows to fetch, or how many rows it changed."""

    @property
    def rowcount(self) -> int:
        """How many rows an INSERT, UPDATE or DELETE changed."""

    def fetchone(self) -> Any:
        """Return the next row, None when there is none."""

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""

    def fetchmany(self, size: int, /) -> list[Any]:
        """Return the next rows, at most so many; none when there are no more."""

    def __iter__(self) -> Iterator[Any]: ...


class Connection(Protocol):
    """A connection to the database, used by one thread at a time.

    A statement has a `?` for each value that is bound in it, and no other `?`.
    """

    dialect: ClassVar["Dialect"]
    texts: ClassVar["Texts"]

    def execute(self, sql: str, args: Sequence[Any] = ..., /) -> Rows:
        """Run one statement with these values bound in it."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """Run one statement once for each row of values."""

    def trial(self) -> AbstractContextManager[None]:
        """Raise GaveUp out of the block once its statements took so many steps that another plan may be better.

        A database whose planner has statistics does nothing here.
        """
