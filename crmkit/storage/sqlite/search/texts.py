"""Search by SQLite's FTS5, as the interface asks for it (see storage/interface/texts.py)."""

from crmkit.model.record import Kind, Kinds
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.sqlite.search import indexing, pages, rebuilding, typos
from crmkit.storage.sqlite.search.candidates import candidates

COUNTS = ("search_pieces", "search_words")


class TrigramTexts:
    """Texts in tables of their own, with an FTS5 index over their trigrams."""

    queue = staticmethod(indexing.queue)
    page = staticmethod(pages.page)
    matches = staticmethod(pages.matches)
    closest = staticmethod(typos.closest)
    candidates = staticmethod(candidates)
    waits = staticmethod(indexing.waits)
    index = staticmethod(indexing.index)
    is_scattered = staticmethod(indexing.is_scattered)
    merge = staticmethod(indexing.merge)
    compare = staticmethod(rebuilding.compare)

    @staticmethod
    def rebuild(tx: Tx, kind: Kind) -> None:
        """Drop all texts of a kind, and queue those of all its records; whoever calls it has them indexed."""
        for table in COUNTS:
            tx.connection.execute(f"DELETE FROM {table} WHERE kind = ?", (kind.plural,))
        rebuilding.rebuild(tx, kind)

    @staticmethod
    def erase(tx: Tx, kinds: Kinds, workspace: Workspace) -> int:
        """Delete all that is kept of a workspace's texts, and return how many rows of counts that were."""
        execute, first, last = tx.connection.execute, workspace.first, workspace.last
        for table in (kind.plural for kind in kinds.searched):
            execute(f"DELETE FROM {table}_unindexed WHERE seq BETWEEN ? AND ?", (first, last))
            # the index first: it reads in the texts what to forget
            execute(f"DELETE FROM {table}_search WHERE rowid BETWEEN ? AND ?", (-last, -first))
            execute(f"DELETE FROM {table}_texts WHERE place BETWEEN ? AND ?", (-last, -first))
        return sum(execute(f"DELETE FROM {table} WHERE workspace_id = ?", (workspace.id,)).rowcount for table in COUNTS)


TEXTS = TrigramTexts()
