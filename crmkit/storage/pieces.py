"""Which pieces of words the index is asked for: those that few texts have. Pure.

FTS5 finds a word by walking through the rows of each of its trigrams; of a million people 80,000 have `son` in their
texts and 7,000 `las`. The rare pieces leave a few texts too many, which are then read: whole names are found in a fifth
of the time among 10,000 people, in two fifths among a million.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

TRIGRAM = 3  # letters below which the index cannot tell words apart, and texts are read instead

# what a search spends, in rows that it could walk through (25 to 40 ns each)
READ = 70  # on reading a text
LOOK_UP = 400  # on finding where the rows of a piece begin


@dataclass(frozen=True)
class Sample:
    """About so many of the `texts` were `sampled`; how many `times` each piece was counted in those."""

    texts: int
    sampled: int
    times: Mapping[str, int]


def of(texts: Iterable[str]) -> dict[str, None]:
    """Return the pieces of words or of whole texts, in their order."""
    return dict.fromkeys(word[at : at + TRIGRAM] for word in texts for at in range(len(word) - TRIGRAM + 1))


def rare(words: Sequence[str], sample: Sample) -> list[str]:
    """Return the pieces of the words to look up in their place, [] where that is not quicker.

    The rarest of each word first and then the next rarest, those are taken that spare more reading than it costs to
    walk through their rows. A piece that shares letters with one that is taken leaves more texts than its rarity says.
    Each stands alone: FTS5 compares places in phrases, which took a tenth longer.
    """
    every = of(words)
    if not sample.times.keys() >= every.keys():
        return []
    share = {piece: (sample.times[piece] + 0.5) / (sample.sampled + 1) for piece in every}
    places = [[(share[word[at : at + TRIGRAM]], word, at) for at in range(len(word) - TRIGRAM + 1)] for word in words]
    firsts = set(map(min, places))
    kept: dict[str, None] = {}
    seen: dict[str, set[int]] = {word: set() for word in words}
    left, spent = float(sample.texts), 0.0
    for rarity, word, at in sorted(chain.from_iterable(places), key=lambda place: (place not in firsts, place)):
        letters = {*range(at, at + TRIGRAM)}
        stays = rarity ** (len(letters - seen[word]) / TRIGRAM)
        costs = rarity * sample.texts + LOOK_UP
        if left * (1 - stays) * READ > costs:
            kept[word[at : at + TRIGRAM]] = None
            seen[word] |= letters
            left *= stays
            spent += costs
    if spent + left * READ >= sum(share.values()) * sample.texts + LOOK_UP * len(every):
        return []
    return list(kept)
