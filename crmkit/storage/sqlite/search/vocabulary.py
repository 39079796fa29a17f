"""Counts of what indexed texts are made of: how many have a word, and how many of a sample have a trigram."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from crmkit.model import fold
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, number_of
from crmkit.storage.sqlite.search import trigrams
from crmkit.storage.sqlite.search.trigrams import Sample

SHORTEST_WORD = 3
LONGEST_WORD = 30
SAMPLED = 61  # one text of so many is in the sample; a prime, so that no period of imported rows matches it

# a row's number, its texts as they are now, and as they were; None where there is no record
Noted = tuple[int, str | None, str | None, str | None, str | None]
Parts = Callable[[str, str], Collection[str]]  # what is counted of a title and the rest of a text


def count(tx: Tx, kind: Kind, noted: Iterable[Noted]) -> None:
    """Count the words and trigrams of texts that were just indexed, and no longer those of the texts before."""
    noted = list(noted)
    _count(tx, kind, "word", words_of, noted, may_be_meant)
    _count(tx, kind, "piece", _trigrams_of, [row for row in noted if row[0] % SAMPLED == 0])


def _count(
    tx: Tx,
    kind: Kind,
    what: str,
    parts: Parts,
    noted: Iterable[Noted],
    is_counted: Callable[[str], bool] = lambda part: True,
) -> None:
    uses: dict[int, Counter[str]] = {}
    for seq, title, rest, old_title, old_rest in noted:
        counted = uses.setdefault(number_of(seq), Counter())
        if title is not None and rest is not None:
            counted.update(parts(title, rest))
        if old_title is not None and old_rest is not None:
            counted.subtract(parts(old_title, old_rest))
    for number, counted in uses.items():
        for (id,) in tx.connection.execute("SELECT id FROM workspaces WHERE number = ?", (number,)).fetchall():
            # in the order of the table, in which neighbours share a page
            changed = [(id, kind.plural, part, by) for part, by in sorted(counted.items()) if by and is_counted(part)]
            tx.connection.executemany(
                f"INSERT INTO search_{what}s (workspace_id, kind, {what}, uses) VALUES (?, ?, ?, ?) "
                f"ON CONFLICT (workspace_id, kind, {what}) DO UPDATE SET uses = search_{what}s.uses + excluded.uses",
                changed,
            )
            tx.connection.executemany(
                f"DELETE FROM search_{what}s WHERE workspace_id = ? AND kind = ? AND {what} = ? AND uses <= 0",
                [row[:3] for row in changed if row[3] < 0],
            )


def uses(connection: Connection, kind: Kind, workspace: Workspace, word: str) -> int:
    """Return how many of the workspace's indexed texts have this word, 0 for one that `may_be_meant` leaves out."""
    found = connection.execute(
        "SELECT uses FROM search_words WHERE workspace_id = ? AND kind = ? AND word = ?",
        (workspace.id, kind.plural, word),
    ).fetchone()
    return 0 if found is None else found[0]


def sample(connection: Connection, kind: Kind, workspace: Workspace, words: Collection[str], texts: int) -> Sample:
    """Return how many texts of the sample have each trigram of these words; there are so many `texts` in all."""
    asked = trigrams.of_words(words)
    marks = ", ".join("?" * len(asked))
    found = connection.execute(
        f"SELECT piece, uses FROM search_pieces WHERE workspace_id = ? AND kind = ? AND piece IN ({marks})",
        (workspace.id, kind.plural, *asked),
    )
    return Sample(texts, texts // SAMPLED, dict.fromkeys(asked, 0) | dict(found.fetchall()))


def may_be_meant(word: str) -> bool:
    """Tell whether a mistyped word may stand for this one, which is neither very short nor very long, nor a number."""
    return SHORTEST_WORD <= len(word) <= LONGEST_WORD and not is_number(word)


def words_of(title: str, rest: str) -> Collection[str]:
    """Return the words of a text, each once."""
    return {*fold.words(f"{title}\n{rest}")}


def is_number(word: str) -> bool:
    """Tell whether a word has no letter."""
    return not any(map(str.isalpha, word))


def _trigrams_of(title: str, rest: str) -> Collection[str]:
    return trigrams.of((title, rest, *trigrams.coded(f"{title}\n{rest}").splitlines())).keys()
