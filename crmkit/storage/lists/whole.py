"""All records that a query finds, in its order, a batch of rows at a time, in memory that does not grow with them.

The numbers of many rows are read at once, in order, and then the rows of some of these at a time. So a list that no
index has the order of is sorted for many rows, not for each batch, and rows with equal sort values are.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from crmkit.model.query.parse import Query
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.lists import pages, planner, sql
from crmkit.storage.lists.plan import LookUp, Plan

AT_ONCE = 100  # rows of a batch, whose decoding and writing hold the GIL for a millisecond or two
ORDERED = 100_000  # rows whose numbers are read at once, and kept: some megabytes, also where they are sorted

Rows = list[list[Any]]

_decode = msgspec.json.Decoder(Rows).decode
_numbers = msgspec.json.Decoder(list[int]).decode


class Whole(msgspec.Struct, frozen=True):
    """What a query finds, and how it is read."""

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
        connection, dialect, kind, workspace = self.connection, self.connection.dialect, self.kind, self.workspace
        plan = replace(self.plan, query=replace(self.plan.query, limit=ORDERED - 1))
        position: Sequence[Any] | None = None
        while True:
            (text,) = sql.numbers(dialect, kind, workspace, plan, position).run(connection).fetchone()
            seqs = _numbers(f"[{text or ''}]")
            for start in range(0, len(seqs), AT_ONCE):
                yield self._rows(seqs[start : start + AT_ONCE])
            if len(seqs) < ORDERED:
                return
            last = sql.positions_of(dialect, kind, workspace, plan.sorts, seqs[-1:])
            _, *position = last.run(connection).fetchone()

    def _rows(self, seqs: Sequence[int]) -> Rows:
        fields = self.plan.query.fields
        statement = sql.picked(self.connection.dialect, self.kind, self.workspace, fields, seqs)
        text, found = statement.run(self.connection).fetchone()
        rows = dict(zip(_numbers(f"[{found}]"), _decode(text), strict=True))
        return [rows[seq] for seq in seqs]


def find(connection: Connection, kind: Kind, workspace: Workspace, query: Query) -> Whole:
    """Return all that a query finds; a search finds what matches as it was typed."""
    query = pages.as_of_now(connection, workspace, query)
    if query.search:
        matches = connection.texts.matches(connection, kind, workspace, Terms.exact(query.search, query.country))
        return Whole(connection, kind, workspace, planner.looked_up(kind, query, LookUp((matches,), "search")))
    return Whole(connection, kind, workspace, planner.whole(connection, kind, workspace, query))
