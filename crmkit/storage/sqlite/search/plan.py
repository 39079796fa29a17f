"""How a search is read: all texts of a small workspace, the index of others. Decided once, as a `SearchPlan`.

The index is shared by all workspaces, so a lookup in it also pays for the postings of large neighbours. The texts of a
workspace lie together: reading those of a small one costs the same however large the neighbours are.
"""

from msgspec import Struct

from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.records import live
from crmkit.storage.sqlite.search import indexing, vocabulary
from crmkit.storage.sqlite.search.trigrams import Sample

MAX_RECORDS_READ = 2_000  # records up to which all texts are read, if they are as short as most: half a millisecond
MAX_LETTERS_READ = 500_000  # that they may have together
MEASURED = 128  # of the newest texts, which tell how long a text is


class SearchPlan(Struct, frozen=True):
    """How matches are found: by the index, or by reading every text.

    A `sample` may tell how many texts have the trigrams of the words. If any text `waits` to be indexed, those that do
    are searched as well. `are_many` tells that there are certainly more matches than are counted.
    """

    by_index: bool = True
    sample: Sample | None = None
    waits: bool = True
    are_many: bool = False


def choose(connection: Connection, kind: Kind, workspace: Workspace, terms: Terms, counted: int) -> SearchPlan:
    """Return how a kind's texts are searched in this workspace; no more than `counted` matches are counted."""
    records = live(connection, workspace.id, kind.plural)
    waits = indexing.waits(connection, kind, workspace)
    if records <= MAX_RECORDS_READ and records * _letters(connection, kind, workspace) <= MAX_LETTERS_READ:
        return SearchPlan(by_index=False, waits=waits)
    words = [word for group in terms.groups for word in group]
    if len(words) == 1 and vocabulary.uses(connection, kind, workspace, words[0]) > counted:
        return SearchPlan(waits=waits, are_many=not waits)
    return SearchPlan(sample=vocabulary.sample(connection, kind, workspace, words, records), waits=waits)


def _letters(connection: Connection, kind: Kind, workspace: Workspace) -> int:
    """Return about how many letters an indexed text has."""
    sql = f"SELECT length(title) + length(rest) FROM {kind.plural}_texts WHERE place BETWEEN ? AND ? ORDER BY place"
    found = connection.execute(f"{sql} LIMIT {MEASURED}", (-workspace.last, -workspace.first))
    lengths: list[int] = [length for (length,) in found]
    return sum(lengths) // max(1, len(lengths))
