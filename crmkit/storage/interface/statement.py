"""A statement of SQL and the values that are bound in it."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmkit.storage.interface.connection import Connection, Rows
from crmkit.storage.interface.dialect import Dialect


class Statement(Struct, frozen=True):
    """A whole statement, or a part of one."""

    sql: str
    args: tuple[Any, ...] = ()

    def __add__(self, other: "Statement") -> "Statement":
        return Statement(self.sql + other.sql, self.args + other.args)

    def run(self, connection: Connection) -> Rows:
        """Execute the statement and return its rows."""
        return connection.execute(self.sql, self.args)


def at_most(dialect: Dialect, rows: int) -> Statement:
    """Return the LIMIT of a statement."""
    return Statement(f" {dialect.limit}", (rows,))


def joined(parts: Sequence[Statement], glue: str) -> Statement:
    """Return the parts as one statement, `glue` between them."""
    return Statement(glue.join(part.sql for part in parts), tuple(arg for part in parts for arg in part.args))
