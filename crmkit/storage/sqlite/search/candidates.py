"""Rows that may meet a filter on a text, found in the search index."""

from crmkit.model.query.filters import Condition
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.search.parts import parts
from crmkit.storage.sqlite.search.sql import phrase


def candidates(connection: Connection, kind: Kind, workspace: Workspace, condition: Condition) -> Statement | None:
    """Return a SELECT of the numbers of all rows that may meet a filter on a text, None if the index cannot tell.

    A row whose text waits to be indexed may always.
    """
    groups = parts(kind, condition)
    if groups is None:
        return None
    match = " AND ".join(f"({' OR '.join(map(phrase, group))})" for group in groups)
    first, last = workspace.first, workspace.last
    return Statement(
        f"SELECT -s.rowid AS seq FROM {kind.plural}_search AS s WHERE s.rowid BETWEEN ? AND ? "
        f"AND NOT EXISTS (SELECT 1 FROM {kind.plural}_unindexed AS u WHERE u.seq = -s.rowid) "
        f"AND {kind.plural}_search MATCH ? "
        f"UNION ALL SELECT u.seq FROM {kind.plural}_unindexed AS u WHERE u.seq BETWEEN ? AND ?",
        (-last, -first, match, first, last),
    )
