"""Which way a search goes: through all texts of a small workspace, by the index in others.

A small workspace shares the index with large ones, whose postings begin where its own end; its texts lie together, and
are read as quickly however large the neighbours are.
"""

from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.records import live
from crmkit.storage.sqlite.search import indexing, vocabulary
from crmkit.storage.sqlite.search.sql import Terms, Way

READ_THROUGH = 2_000  # records up to which texts are read, if they are as short as most: half a millisecond
READ_LETTERS = 500_000  # that they may have together
NEWEST = 128  # texts that tell how long they are


def of(connection: Connection, kind: Kind, workspace: Workspace, terms: Terms, counted: int) -> Way:
    """Return the way to search a kind's records in this workspace; no more than `counted` matches are counted."""
    records = live(connection, workspace.id, kind.plural)
    waits = indexing.waits(connection, kind, workspace)
    if records <= READ_THROUGH and records * _letters(connection, kind, workspace) <= READ_LETTERS:
        return Way(by_index=False, waits=waits)
    words = [word for group in terms.groups for word in group]
    if len(words) == 1 and vocabulary.uses(connection, kind, workspace, words[0]) > counted:
        return Way(waits=waits, are_many=not waits)
    return Way(sample=vocabulary.sample(connection, kind, workspace, words, records), waits=waits)


def _letters(connection: Connection, kind: Kind, workspace: Workspace) -> int:
    """Return about how many letters an indexed text has."""
    sql = f"SELECT length(title) + length(rest) FROM {kind.plural}_texts WHERE place BETWEEN ? AND ? ORDER BY place"
    found = connection.execute(f"{sql} LIMIT {NEWEST}", (-workspace.last, -workspace.first))
    lengths: list[int] = [length for (length,) in found]
    return sum(lengths) // max(1, len(lengths))
