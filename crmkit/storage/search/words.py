"""The words of texts, and the counts of what texts are made of."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from crmkit.model import fold
from crmkit.model.record import Kind
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import number_of

SHORTEST_WORD = 3
LONGEST_WORD = 30

# a row's number, its texts as they are now, and as they were; None where there is no record
Noted = tuple[int, str | None, str | None, str | None, str | None]
Parts = Callable[[str, str], Collection[str]]  # what is counted of a title and the rest of a text


def count_words(tx: Tx, kind: Kind, noted: Iterable[Noted]) -> None:
    """Count the words of texts as they are, and no longer those of the texts before."""
    count_parts(tx, kind, "word", noted, words_of)


def count_parts(tx: Tx, kind: Kind, what: str, noted: Iterable[Noted], parts: Parts) -> None:
    """Count what `parts` makes of these texts, in the table named after `what` it is; of words those that are meant."""
    is_counted = may_be_meant if what == "word" else bool
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


def may_be_meant(word: str) -> bool:
    """Tell whether a mistyped word may stand for this one, which is neither very short nor very long, nor a number."""
    return SHORTEST_WORD <= len(word) <= LONGEST_WORD and not is_number(word)


def words_of(title: str, rest: str) -> Collection[str]:
    """Return the words of a text, each once."""
    return {*fold.words(f"{title}\n{rest}")}


def is_number(word: str) -> bool:
    """Tell whether a word has no letter."""
    return not any(map(str.isalpha, word))
