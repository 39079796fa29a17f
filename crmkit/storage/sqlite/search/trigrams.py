"""Which pieces of words the index is asked for: those that few texts have. Pure.

FTS5 finds a word by walking through the rows of each of its trigrams; of a million people 80,000 have `son` in their
texts and 7,000 `las`. The rare pieces leave a few texts too many, which are then read.

Five letters in a row are rarer by far, so each run of letters is indexed a second time, in code: three letters are one
character, and what FTS5 takes for a trigram stands for five. The characters are compatibility ideographs, of which
`fold.plain` leaves none in a text (Unicode's normal forms never change). What shares a code by chance is read in vain.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

TRIGRAM = 3  # letters below which the index cannot tell words apart, and texts are read instead
CODED = 5  # letters that a trigram of codes stands for

# what a search spends, in rows that it could walk through (25 to 40 ns each)
READ = 40  # on reading a text
LOOK_UP = 800  # on finding where the rows of a piece begin
SKIPPED = 1 / 6  # on passing by a row of a further piece, between those that the first has

_RUN = re.compile(f"[a-z\\x80-\\U0010ffff]{{{CODED},}}")  # whatever Unicode comes to call a letter
_FIRST_CODE, _CODES = 0xF900, 269


@dataclass(frozen=True)
class Sample:
    """About so many of the `texts` were `sampled`; how many `times` each piece was counted in those."""

    texts: int
    sampled: int
    times: Mapping[str, int]

    def share(self, piece: str) -> float:
        """Return about which part of the texts has a piece; a piece that was not counted is rare, not absent."""
        return (self.times[piece] + 0.5) / (self.sampled + 1)


def of(texts: Iterable[str]) -> dict[str, None]:
    """Return the pieces of words, of whole texts or of their codes, in their order."""
    return dict.fromkeys(word[at : at + TRIGRAM] for word in texts for at in range(len(word) - TRIGRAM + 1))


def coded(text: str) -> str:
    """Return the code of each run of letters in a text that `fold.plain` made, one in a line."""
    return "\n".join(map(_code, dict.fromkeys(_RUN.findall(text))))


def of_words(words: Iterable[str]) -> dict[str, None]:
    """Return all pieces that words can be looked up by."""
    return dict.fromkeys(piece for word in words for piece, _ in _places(word))


def is_code(piece: str) -> bool:
    """Tell whether a piece is one of codes, which stand in a column of their own."""
    return _FIRST_CODE <= ord(piece[0]) < _FIRST_CODE + _CODES


def rare(words: Sequence[str], sample: Sample) -> list[str]:
    """Return the pieces of the words to look up in their place, [] where that is not quicker.

    The rarest of each word first and then the next rarest, those are taken that spare more reading than it costs to
    walk through their rows. A piece that shares letters with one that is taken leaves more texts than its rarity says.
    Each stands alone: FTS5 compares places in phrases, which took a tenth longer.
    """
    if not sample.times.keys() >= of_words(words).keys():
        return []
    places = [[(sample.share(piece), word, at, piece) for piece, at in _places(word)] for word in words]
    kept: dict[str, None] = {}
    seen: dict[str, set[int]] = {word: set() for word in words}
    left, spent = float(sample.texts), 0.0
    for share, word, at, piece in chain(sorted(map(min, places)), sorted(chain.from_iterable(places))):
        if left * READ <= LOOK_UP:
            break
        letters = range(at, at + (CODED if is_code(piece) else TRIGRAM))
        stays = share ** (len({*letters} - seen[word]) / len(letters))
        costs = share * sample.texts * (SKIPPED if kept else 1) + LOOK_UP
        if left * (1 - stays) * READ > costs:
            kept[piece] = None
            seen[word].update(letters)
            left *= stays
            spent += costs
    if spent + left * READ >= sum(sample.share(piece) * sample.texts + LOOK_UP for piece in of(words)):
        return []
    return list(kept)


def _places(word: str) -> Iterator[tuple[str, int]]:
    """Yield each piece of a word and where it begins."""
    for at in range(len(word) - TRIGRAM + 1):
        yield word[at : at + TRIGRAM], at
    for run in _RUN.finditer(word):
        code = _code(run[0])
        for at in range(len(code) - TRIGRAM + 1):
            yield code[at : at + TRIGRAM], run.start() + at


@lru_cache(maxsize=10_000)
def _code(run: str) -> str:
    letters = list(map(ord, run))
    return "".join(
        chr(_FIRST_CODE + (676 * one + 26 * two + three) % _CODES)
        for one, two, three in zip(letters, letters[1:], letters[2:], strict=False)
    )
