"""A statement of SQL and the values that are bound in it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct


class Statement(Struct, frozen=True):
    sql: str
    args: tuple[Any, ...] = ()

    def __add__(self, other: "Statement") -> "Statement":
        return Statement(self.sql + other.sql, self.args + other.args)


def at_most(rows: int) -> Statement:
    """Return the LIMIT of a statement.

    The + is for speed: SQLite plans a statement anew for each value that is bound to a bare `LIMIT ?` (seen in 3.53),
    which took longer than many a list.
    """
    return Statement(" LIMIT +?", (rows,))


def joined(parts: Sequence[Statement], glue: str) -> Statement:
    """Return the parts as one statement, `glue` between them."""
    return Statement(glue.join(part.sql for part in parts), tuple(arg for part in parts for arg in part.args))
