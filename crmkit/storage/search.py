"""Search: texts are noted in the transaction of the change and indexed in batches after it.

A search looks at the index and at what is still to be indexed, so everyone finds what they just wrote. Texts are
kept as `fold.plain` makes them (no case, no accents) in an FTS5 trigram table, where a phrase is a substring. The
rowids of a workspace are one range, so a small workspace never reads the postings of a large neighbour.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from rapidfuzz import process
from rapidfuzz.distance import OSA

from crmkit.model import fold
from crmkit.model.record import Kind, Record
from crmkit.storage.matches import Terms
from crmkit.storage.statements import Workspace
from crmkit.storage.tx import Connection, Tx

MOST_AT_ONCE = 2_000  # texts indexed in one transaction
MOST_LETTERS = 1_000_000  # and how long they may be together: other writes wait meanwhile
CLOSEST = 5  # words that one mistyped word may stand for
LONGEST_WORD = 30


def note(tx: Tx, kind: Kind, seq: int, record: Record | None) -> None:
    """Note that the record in row `seq` is now this one (None: deleted) and its text must be indexed."""
    note_all(tx, kind, ((seq, record),))


def note_all(tx: Tx, kind: Kind, found: Iterable[tuple[int, Record | None]]) -> None:
    """Note the same of many rows and the records in them."""
    if kind.is_searched:
        tx.connection.executemany(
            f"INSERT INTO {kind.plural}_unindexed (seq, title, rest) VALUES (?, ?, ?) "
            "ON CONFLICT (seq) DO UPDATE SET title = excluded.title, rest = excluded.rest",
            ((seq, *((None, None) if record is None else texts(kind, record))) for seq, record in found),
        )


def texts(kind: Kind, record: Record) -> tuple[str, str]:
    """Return the texts a record is found by: that of its title and that of its other key fields."""
    parts = []
    for field in kind.searched:
        value = getattr(record, field.name)
        if value is not None:
            parts.append(fold.plain(" ".join(value) if isinstance(value, list) else value))
    return fold.plain(getattr(record, kind.title.name)), "\n".join(parts)


def waits(connection: Connection, kind: Kind) -> bool:
    """Tell whether a text of this kind waits to be indexed."""
    return connection.execute(f"SELECT 1 FROM {kind.plural}_unindexed LIMIT 1").fetchone() is not None


def index(tx: Tx, kind: Kind) -> int:
    """Move noted texts, as many as one transaction should, into the index and return how many; work of the system."""
    execute = tx.connection.execute
    noted = execute(
        f"SELECT u.seq, u.title, u.rest, s.title, s.rest FROM {kind.plural}_unindexed AS u "
        f"LEFT JOIN {kind.plural}_search AS s ON s.rowid = u.seq ORDER BY u.seq LIMIT ?",
        (MOST_AT_ONCE,),
    ).fetchall()
    lengths = accumulate(sum(len(text or "") for text in row[1:]) for row in noted)
    noted = noted[: 1 + sum(length < MOST_LETTERS for length in lengths)]
    uses: Counter[tuple[int, str]] = Counter()
    for seq, title, rest, old_title, old_rest in noted:
        uses.subtract((seq >> 32, word) for word in _words(old_title, old_rest))
        uses.update((seq >> 32, word) for word in _words(title, rest))
    gone = [(seq,) for seq, _, _, old_title, _ in noted if old_title is not None]
    tx.connection.executemany(f"DELETE FROM {kind.plural}_search WHERE rowid = ?", gone)
    tx.connection.executemany(
        f"INSERT INTO {kind.plural}_search (rowid, title, rest) VALUES (?, ?, ?)",
        [(seq, title, rest) for seq, title, rest, _, _ in noted if title is not None],
    )
    tx.connection.executemany(f"DELETE FROM {kind.plural}_unindexed WHERE seq = ?", [(row[0],) for row in noted])
    # in the order of the table, in which neighbours share a page
    changed = [(number, word, by) for (number, word), by in sorted(uses.items()) if by]
    tx.connection.executemany(
        "INSERT INTO search_words (workspace_id, kind, word, uses) "
        "SELECT id, ?, ?, ? FROM workspaces WHERE number = ? "
        "ON CONFLICT (workspace_id, kind, word) DO UPDATE SET uses = uses + excluded.uses",
        [(kind.plural, word, by, number) for number, word, by in changed],
    )
    tx.connection.executemany(
        "DELETE FROM search_words WHERE workspace_id = (SELECT id FROM workspaces WHERE number = ?) "
        "AND kind = ? AND word = ? AND uses <= 0",
        [(number, kind.plural, word) for number, word, by in changed if by < 0],
    )
    return len(noted)


def closest(connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Terms | None:
    """Return the terms with every word replaced by the known words nearest to it, None when one has none near.

    One typo is forgiven in a word of 3 to 7 letters, two in a longer one (a swap of neighbours counts as one).
    """
    groups = []
    for (word,) in terms.groups:
        most = 2 if len(word) >= 8 else 1
        if len(word) < 3 or len(word) > LONGEST_WORD:
            return None
        known = _known(connection, kind, workspace, len(word) - most, len(word) + most)
        near = process.extract(word, list(known), scorer=OSA.distance, score_cutoff=most, limit=None)
        best = sorted(near, key=lambda found: (found[1], -known[found[0]], found[0]))[:CLOSEST]
        if not best:
            return None
        groups.append(tuple(found[0] for found in best))
    return Terms("", tuple(groups))


def _known(connection: Connection, kind: Kind, workspace: Workspace, least: int, most: int) -> dict[str, int]:
    rows = connection.execute(
        "SELECT word, uses FROM search_words WHERE workspace_id = ? AND kind = ? AND length(word) BETWEEN ? AND ?",
        (workspace.id, kind.plural, least, most),
    )
    known = Counter(dict(rows))
    waiting = connection.execute(
        f"SELECT title, rest FROM {kind.plural}_unindexed WHERE seq BETWEEN ? AND ? AND title IS NOT NULL",
        (workspace.first, workspace.last),
    )
    for title, rest in waiting:
        known.update(word for word in _words(title, rest) if least <= len(word) <= most)
    return dict(known)


def _words(title: str | None, rest: str | None) -> Iterable[str]:
    if title is None:
        return ()
    return {word for word in fold.words(f"{title}\n{rest}") if 3 <= len(word) <= LONGEST_WORD}
