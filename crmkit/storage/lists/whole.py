"""All records that a query finds, in its order, a batch of rows at a time, in memory that does not grow with them.

Their numbers are put in order once, into a temporary table, which the database keeps in a file. Then the rows of some
numbers are read at a time, as a page is. Pages one after another would each sort what has equal sort values anew.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from crmkit.model.query.parse import Query
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages, planner, sql
from crmkit.storage.lists.plan import LookUp, Plan

AT_ONCE = 100  # rows of a batch, whose decoding and writing hold the GIL for a millisecond or two

Rows = list[list[Any]]

_decode = msgspec.json.Decoder(Rows).decode


class Whole(msgspec.Struct, frozen=True):
    """What a query finds, planned on a connection that may hold temporary tables."""

    connection: Connection
    kind: Kind
    workspace: Workspace
    plan: Plan

    def keys(self, most: int) -> list[str]:
        """Return the keys that custom has in these records, in alphabetical order; when they are more, `most` of them.

        The kind has custom.
        """
        found = sql.keys(self.connection.dialect, self.kind, self.workspace, self.plan, most).run(self.connection)
        return sorted(key for (key,) in found)

    def batches(self) -> Iterator[Rows]:
        """Yield all rows, each the id and then the query's fields."""
        connection, dialect = self.connection, self.connection.dialect
        connection.execute(sql.create_placed(dialect))
        sql.place(dialect, self.kind, self.workspace, self.plan).run(connection)
        first, rows = 0, AT_ONCE
        while rows == AT_ONCE:
            statement = sql.placed(dialect, self.kind, self.workspace, self.plan.query.fields, first, first + AT_ONCE)
            text, _ = statement.run(connection).fetchone()
            found = _decode(text or "[]")
            first, rows = first + AT_ONCE, len(found)
            if found:
                yield found


def find(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> Whole:
    """Return all that a query finds; a search finds what matches as it was typed."""
    query = pages.as_of_now(connection, workspace, query)
    if query.search:
        matches = connection.texts.matches(connection, kind, workspace, Terms.exact(query.search, query.country))
        return Whole(connection, kind, workspace, planner.looked_up(kind, query, LookUp((matches,), "search")))
    return Whole(connection, kind, workspace, planner.whole(connection, kind, workspace, query))
