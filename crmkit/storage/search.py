"""Search: texts are noted in the transaction of the change and indexed in batches after it.

A search looks at the index and at what is still to be indexed, so everyone finds what they just wrote. Texts are
kept as `fold.plain` makes them (no case, no accents), beside an FTS5 trigram table, where a phrase is a substring. The
rowids of a workspace are one range, so its texts lie together.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate

from rapidfuzz import process
from rapidfuzz.distance import OSA

from crmkit.model import fold
from crmkit.model.fields import MAX_INTEGER
from crmkit.model.record import Kind, Record
from crmkit.storage.matches import START, Terms
from crmkit.storage.statements import Workspace
from crmkit.storage.tx import Connection, Tx

MOST_AT_ONCE = 2_000  # texts indexed in one transaction
MOST_LETTERS = 1_000_000  # and how long they may be together: other writes wait meanwhile
CLOSEST = 5  # words that one mistyped word may stand for
LONGEST_WORD = 30

# a row's number, its texts as they are now, and as they were; None where there is no record
Noted = tuple[int, str | None, str | None, str | None, str | None]


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
    return START + fold.plain(getattr(record, kind.title.name)), "\n".join(parts)


def waits(connection: Connection, kind: Kind, workspace: Workspace | None = None) -> bool:
    """Tell whether a text of this kind, in this workspace or in any, waits to be indexed."""
    first, last = (0, MAX_INTEGER) if workspace is None else (workspace.first, workspace.last)
    sql = f"SELECT 1 FROM {kind.plural}_unindexed WHERE seq BETWEEN ? AND ? LIMIT 1"
    return connection.execute(sql, (first, last)).fetchone() is not None


def index(tx: Tx, kind: Kind) -> int:
    """Move noted texts, as many as one transaction should, into the index and return how many; work of the system."""
    execute = tx.connection.execute
    known, waiting, postings = f"{kind.plural}_texts", f"{kind.plural}_unindexed", f"{kind.plural}_search"
    noted = execute(
        f"SELECT u.seq, u.title, u.rest, s.title, s.rest FROM {waiting} AS u LEFT JOIN {known} AS s ON s.seq = u.seq "
        "ORDER BY u.seq LIMIT +?",
        (MOST_AT_ONCE,),
    ).fetchall()
    lengths = accumulate(sum(map(len, filter(None, row[1:]))) for row in noted)
    noted = noted[: 1 + sum(length < MOST_LETTERS for length in lengths)]
    if not noted:
        return 0
    upto = (noted[-1][0],)
    gone = [(row[0],) for row in noted if row[3] is not None]
    # the index forgets a text by reading it once more
    tx.connection.executemany(f"DELETE FROM {postings} WHERE rowid = ?", gone)
    tx.connection.executemany(f"DELETE FROM {known} WHERE seq = ?", gone)
    for table, key in ((known, "seq"), (postings, "rowid")):
        execute(
            f"INSERT INTO {table} ({key}, title, rest) "
            f"SELECT seq, title, rest FROM {waiting} WHERE seq <= ? AND title IS NOT NULL ORDER BY seq",
            upto,
        )
    execute(f"DELETE FROM {waiting} WHERE seq <= ?", upto)
    _count_words(tx, kind, noted)
    return len(noted)


def _count_words(tx: Tx, kind: Kind, noted: Iterable[Noted]) -> None:
    """Keep count of the words in the texts of these rows."""
    uses: dict[int, Counter[str]] = {}
    for seq, title, rest, old_title, old_rest in noted:
        counted = uses.setdefault(seq >> 32, Counter())
        counted.update(_words(title, rest))
        counted.subtract(_words(old_title, old_rest))
    for number, counted in uses.items():
        for (id,) in tx.connection.execute("SELECT id FROM workspaces WHERE number = ?", (number,)).fetchall():
            # in the order of the table, in which neighbours share a page
            changed = [(id, kind.plural, word, by) for word, by in sorted(counted.items()) if by]
            tx.connection.executemany(
                "INSERT INTO search_words (workspace_id, kind, word, uses) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (workspace_id, kind, word) DO UPDATE SET uses = uses + excluded.uses",
                changed,
            )
            tx.connection.executemany(
                "DELETE FROM search_words WHERE workspace_id = ? AND kind = ? AND word = ? AND uses <= 0",
                [row[:3] for row in changed if row[3] < 0],
            )


def uses(connection: Connection, kind: Kind, workspace: Workspace, word: str) -> int:
    """Return how many of the workspace's indexed texts have this word."""
    found = connection.execute(
        "SELECT uses FROM search_words WHERE workspace_id = ? AND kind = ? AND word = ?",
        (workspace.id, kind.plural, word),
    ).fetchone()
    return 0 if found is None else found[0]


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
