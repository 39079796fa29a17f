"""Known words that a mistyped one may stand for."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence

from crmkit.storage.interface.texts import Terms
from crmkit.storage.search.words import LONGEST_WORD, SHORTEST_WORD, is_number

CLOSEST = 5  # words that one mistyped word may stand for


def closest(terms: Terms, nearest: Callable[[str], tuple[str, ...]]) -> Terms | None:
    """Return the terms with every word replaced by what `nearest` finds for it.

    None if a word has no near neighbour or nothing would change. A number stays: one with another digit is another.
    """
    groups: list[tuple[str, ...]] = []
    for group in terms.groups:
        best = group if is_number(group[0]) else nearest(group[0])
        if not best:
            return None
        groups.append(best)
    found = Terms("", tuple(groups))
    return None if found.groups == terms.groups else found


def edits_of(word: str) -> int:
    """Return how many edits are forgiven in a word: one in 3 to 7 letters, two in a longer one, 0 in any other.

    An edit is a letter too many, missing or wrong, or two neighbours swapped.
    """
    return 0 if not SHORTEST_WORD <= len(word) <= LONGEST_WORD else 2 if len(word) >= 8 else 1


def among(word: str, known: Sequence[str], uses_of: Callable[[Collection[str]], Counter[str]]) -> tuple[str, ...]:
    """Return which of these words it may stand for: the fewest edits first, then the most frequent."""
    from rapidfuzz import process  # imported late: not needed until a word is mistyped
    from rapidfuzz.distance import OSA

    near = process.extract(word, known, scorer=OSA.distance, score_cutoff=edits_of(word), limit=None)
    edits = {found: distance for found, distance, _ in near}
    uses = uses_of(edits)
    return tuple(sorted(edits, key=lambda found: (edits[found], -uses[found], found))[:CLOSEST])
