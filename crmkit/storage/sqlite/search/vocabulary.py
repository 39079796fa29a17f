"""Counts of what indexed texts are made of: how many have a word, and how many of a sample have a trigram."""

from collections.abc import Collection, Iterable

from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.search.words import Noted, count_parts, count_words
from crmkit.storage.sqlite.search import trigrams
from crmkit.storage.sqlite.search.trigrams import Sample

SAMPLED = 61  # one text of so many is in the sample; a prime, so that no period of imported rows matches it


def count(tx: Tx, kind: Kind, noted: Iterable[Noted]) -> None:
    """Count the words and trigrams of texts that were just indexed, and no longer those of the texts before."""
    noted = list(noted)
    count_words(tx, kind, noted)
    count_parts(tx, kind, "piece", [row for row in noted if row[0] % SAMPLED == 0], _trigrams_of)


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


def _trigrams_of(title: str, rest: str) -> Collection[str]:
    return trigrams.of((title, rest, *trigrams.coded(f"{title}\n{rest}").splitlines())).keys()
