"""How alike two names are.

The measure is `token_sort_ratio` of rapidfuzz, over the words of both names without case, accents and punctuation: the
words in alphabetical order, the share of characters that stay when one text is edited into the other. A letter that
stands for a word of the other name counts as that word. Particles (von, de la) count only where there is little else.
Names without a letter or digit are alike only if they are equal.
"""

from crmkit.model import fold

ALIKE = 0.8  # names above are alike
_NOT_EQUAL = 0.99  # at most, for names that differ in an initial or a particle
_PARTICLES = frozenset(
    (
        *("af", "al", "av", "da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "el"),
        *("la", "le", "van", "vom", "von", "y", "zu", "zum", "zur"),
    )
)


def likeness(one: str, other: str) -> float:
    """Return 0.0 to 1.0, to two digits; 1.0 for names of the same words in any order."""
    first, second = sorted(_words(one)), sorted(_words(other))
    if first == second:
        return 1.0 if first or one == other else 0.0
    if not first or not second:
        return 0.0
    from rapidfuzz import fuzz  # imported late: most writes find no name to compare

    spelled = fuzz.token_sort_ratio(" ".join(first), " ".join(second))
    short, long = _without_particles(first), _without_particles(second)
    short, long = _spelled_out(short, long), _spelled_out(long, short)
    meant = min(fuzz.token_sort_ratio(" ".join(short), " ".join(long)), 100 * _NOT_EQUAL)
    return round(max(spelled, meant) / 100, 2)


def _words(name: str) -> list[str]:
    return fold.words(fold.plain(name))


def _without_particles(words: list[str]) -> list[str]:
    kept = [word for word in words if word not in _PARTICLES]
    return kept if len(kept) > 1 else words


def _spelled_out(words: list[str], others: list[str]) -> list[str]:
    """Return the words, each initial as the first of the others that begins with it and stands in `words` nowhere."""
    left = [word for word in others if word not in words and len(word) > 1]
    found = []
    for word in words:
        meant = next((other for other in left if other.startswith(word)), None) if len(word) == 1 else None
        if meant is not None:
            left.remove(meant)
        found.append(meant or word)
    return sorted(found)
