"""Records by when somebody was first in contact with them: the first activity of some kinds on each."""

from collections.abc import Sequence

from crmkit.model.record import Kind
from crmkit.storage.analytics.span import Span
from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most
from crmkit.storage.records import live

AT_ONCE = 1_000_000  # activities of a workspace that are all read in an index
DEARER = 16  # times as much an activity takes that is looked up, with what was before it


def contacted(
    connection: Connection, kind: Kind, workspace_id: str, span: Span, contacts: Sequence[str], most: int
) -> tuple[int, bool]:
    """Return how many records were contacted in the span for the first time, and whether all activities were read.

    `contacts` are the kinds of activities by which one is. Read are all of the workspace in an index, or, where that
    takes longer or they are more than AT_ONCE, the newest `most` of the span.
    """
    rows = Statement("SELECT 1 FROM activities AS a WHERE a.workspace_id = ?", (workspace_id,))
    rows += span.holds("a.occurred_at") + at_most(connection.dialect, most + 1)
    (found,) = (Statement("SELECT count(*) FROM (") + rows + Statement(") AS q")).run(connection).fetchone()
    every = live(connection, workspace_id, "activities")
    takes_all = every <= AT_ONCE and found * DEARER > every
    if takes_all:
        sql = _of_all(kind, workspace_id, span, contacts)
    else:
        sql = _of_newest(connection, kind, workspace_id, span, contacts, most)
    (number,) = sql.run(connection).fetchone()
    return number, takes_all or found <= most


def _of_all(kind: Kind, workspace_id: str, span: Span, contacts: Sequence[str]) -> Statement:
    link = f"a.{quoted(kind.activity_link)}"
    firsts = Statement(
        f"SELECT {link}, min(a.occurred_at) AS first FROM activities AS a WHERE a.workspace_id = ? "
        f"AND {link} IS NOT NULL AND a.kind IN ({_marks(contacts)}) GROUP BY {link}",
        (workspace_id, *contacts),
    )
    return Statement("SELECT count(*) FROM (") + firsts + Statement(") AS q WHERE TRUE") + span.holds("q.first")


def _of_newest(
    connection: Connection, kind: Kind, workspace_id: str, span: Span, contacts: Sequence[str], most: int
) -> Statement:
    link = quoted(kind.activity_link)
    rows = Statement(f"SELECT a.{link} AS link, a.kind AS kind FROM activities AS a WHERE a.workspace_id = ?")
    rows = Statement(rows.sql, (workspace_id,)) + span.holds("a.occurred_at")
    rows += Statement(" ORDER BY a.occurred_at DESC, a.id DESC") + at_most(connection.dialect, most)
    sql = Statement("SELECT count(DISTINCT q.link) FROM (") + rows
    sql += Statement(f") AS q WHERE q.link IS NOT NULL AND q.kind IN ({_marks(contacts)})", tuple(contacts))
    earlier = Statement(
        f"SELECT 1 FROM activities AS b WHERE b.workspace_id = ? AND b.{link} = q.link AND b.occurred_at < ? "
        f"AND b.kind IN ({_marks(contacts)})",
        (workspace_id, span.since or "", *contacts),
    )
    return sql + Statement(" AND NOT EXISTS (") + earlier + Statement(")")


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
