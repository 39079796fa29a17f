"""Records whose stage changed, as the log tells."""

from crmkit.storage.analytics.span import Span
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement, at_most


def moved(connection: Connection, workspace_id: str, span: Span, most: int) -> tuple[int, bool]:
    """Return how many records changed their stage in the span, and whether all entries were read.

    Read are the newest `most` entries, of an index. Records that are deleted by now count.
    """
    rows = Statement("SELECT a.target FROM audit AS a WHERE a.workspace_id = ?", (workspace_id,))
    rows += span.holds("a.moved_at") + Statement(" ORDER BY a.moved_at DESC, a.target DESC")
    rows += at_most(connection.dialect, most + 1)
    sql = Statement("SELECT count(DISTINCT target), count(*) FROM (") + rows + Statement(") AS q")
    number, read = sql.run(connection).fetchone()
    return number, read <= most
