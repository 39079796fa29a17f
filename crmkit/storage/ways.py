"""Which way a search goes: through all texts of a small workspace, by the index in others.

A small workspace shares the index with large ones, whose postings begin where its own end; its texts lie together, and
are read as quickly however large the neighbours are.
"""

from crmkit.model.record import Kind
from crmkit.storage import pieces, search
from crmkit.storage.matches import Terms, Way
from crmkit.storage.records import live
from crmkit.storage.statements import Workspace
from crmkit.storage.tx import Connection

READ_THROUGH = 2_000  # records up to which texts are read: half a millisecond
SAMPLED = 50_000  # records from which on it pays to know which pieces of words are rare
SAMPLE = 128  # texts, the newest


def of(connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Way:
    """Return the way to search a kind's records in this workspace."""
    records = live(connection, workspace.id, kind.plural)
    waits = search.waits(connection, kind, workspace)
    if records <= READ_THROUGH:
        return Way(by_index=False, waits=waits)
    if records < SAMPLED or not pieces.are_many([word for group in terms.groups for word in group]):
        return Way(waits=waits)
    newest = connection.execute(
        f"SELECT title || char(10) || rest FROM {kind.plural}_texts WHERE seq BETWEEN ? AND ? "
        "ORDER BY seq DESC LIMIT ?",
        (workspace.first, workspace.last, SAMPLE),
    )
    return Way(sample="\n".join(text for (text,) in newest), waits=waits)
