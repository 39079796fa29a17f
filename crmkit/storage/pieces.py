"""Which pieces of words the index is asked for: those that few texts have. Pure.

FTS5 finds a word by walking through the rows of each of its trigrams, 30 ns a row; of a million people 80,000 have
`son` in their texts and 7,000 `las`. The rare pieces leave a few texts too many, which are then read: whole names are
found in a third of the time.
"""

from collections.abc import Collection, Mapping, Sequence

TRIGRAM = 3  # letters below which the index cannot tell words apart, and texts are read instead
FEWEST = 4  # pieces that are looked up at least: with fewer, too many texts are left to read


def are_many(words: Sequence[str]) -> bool:
    """Tell whether the words have so many pieces that some can be left out."""
    return len(_pieces(words)) > FEWEST


def counted(words: Sequence[str], sample: str) -> dict[str, int]:
    """Return how often each piece of the words stands in a sample of texts."""
    return {piece: sample.count(piece) for piece in _pieces(words)}


def rare(words: Sequence[str], known: Mapping[str, int]) -> list[str]:
    """Return the parts of the words to look up in their place, [] where that is not much quicker.

    They are made of the pieces that are known to be rarest, of the rarest of each word, and of all that were not seen.
    """
    times = {piece: known.get(piece, 0) for piece in _pieces(words)}
    rarest_first = sorted(times, key=times.__getitem__)
    kept = {*rarest_first[:FEWEST], *(piece for piece in times if not times[piece])}
    kept |= {min(_pieces([word]), key=times.__getitem__) for word in words}
    if 2 * sum(times[piece] for piece in kept) >= sum(times.values()):
        return []
    return [part for word in words for part in _parts(word, kept)]


def _parts(word: str, kept: Collection[str]) -> list[str]:
    """Return the parts of a word that consist of kept pieces."""
    found: list[str] = []
    last = -TRIGRAM
    for at in range(len(word) - TRIGRAM + 1):
        piece = word[at : at + TRIGRAM]
        if piece in kept:
            if at == last + 1:
                found[-1] += piece[-1]
            else:
                found.append(piece)
            last = at
    return found


def _pieces(words: Sequence[str]) -> dict[str, None]:
    return dict.fromkeys(word[at : at + TRIGRAM] for word in words for at in range(len(word) - TRIGRAM + 1))
