"""The trigrams that a search looks up: those that few texts have. Pure.

A trigram is what FTS5 indexes: three characters in a row, of a text or of its code. In the code each character stands
for three letters in a row, so a trigram of it stands for five. Code characters are compatibility ideographs, of which
`fold.plain` leaves none in a text (Unicode's normal forms never change). Different letters may share a code character.
False matches are read and dropped.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain

from msgspec import Struct

from crmkit.storage.search.parts import TRIGRAM

CODED = 5  # letters that a trigram of the code stands for

# what a step of a search costs, in postings that could be read in its place (25 to 40 ns each)
READ = 40  # to read a text
LOOK_UP = 800  # to find where the postings of a trigram begin
SKIPPED = 1 / 6  # to skip a posting of a further trigram, between those of the first

_RUN = re.compile(f"[^\x00-`{{-\x7f]{{{CODED},}}")  # a-z, and whatever Unicode comes to call a letter
_FIRST_CODE, _CODES = 0xF900, 269


class Sample(Struct, frozen=True):
    """How many of `sampled` texts have each trigram (`times`), out of about so many `texts`."""

    texts: int
    sampled: int
    times: Mapping[str, int]

    def share(self, trigram: str) -> float:
        """Return about which part of the texts has a trigram; one that no sampled text has is rare, not absent."""
        return (self.times[trigram] + 0.5) / (self.sampled + 1)


def of(texts: Iterable[str]) -> dict[str, None]:
    """Return the trigrams of words, of whole texts or of codes, in their order."""
    return dict.fromkeys(word[at : at + TRIGRAM] for word in texts for at in range(len(word) - TRIGRAM + 1))


def coded(text: str) -> str:
    """Return the code of each run of letters in a text that `fold.plain` made, one in a line."""
    return "\n".join(map(_code, dict.fromkeys(_RUN.findall(text))))


def of_words(words: Iterable[str]) -> dict[str, None]:
    """Return all trigrams that words can be looked up by, those of their codes included."""
    return dict.fromkeys(trigram for word in words for trigram, _ in _positions(word))


def is_code(trigram: str) -> bool:
    """Tell whether a trigram is one of the code, which stands in a column of its own."""
    return _FIRST_CODE <= ord(trigram[0]) < _FIRST_CODE + _CODES


def to_look_up(words: Sequence[str], sample: Sample) -> list[str]:
    """Return the trigrams to look up in place of whole words, [] where whole words are quicker.

    The rarest of each word come first, then the next rarest. A trigram is taken if the texts that it rules out cost
    more to read than its postings do. Overlapping trigrams occur together, so the second rules out less than its
    frequency suggests. Each is looked up by itself, not as a phrase, for which FTS5 compares positions.
    """
    if not sample.times.keys() >= of_words(words).keys():
        return []
    positions = [[(sample.share(trigram), word, at, trigram) for trigram, at in _positions(word)] for word in words]
    kept: dict[str, None] = {}
    seen: dict[str, set[int]] = {word: set() for word in words}
    left, spent = float(sample.texts), 0.0
    for share, word, at, trigram in chain(sorted(map(min, positions)), sorted(chain.from_iterable(positions))):
        if left * READ <= LOOK_UP:
            break
        letters = range(at, at + (CODED if is_code(trigram) else TRIGRAM))
        stays = share ** (len({*letters} - seen[word]) / len(letters))
        costs = share * sample.texts * (SKIPPED if kept else 1) + LOOK_UP
        if left * (1 - stays) * READ > costs:
            kept[trigram] = None
            seen[word].update(letters)
            left *= stays
            spent += costs
    if spent + left * READ >= sum(sample.share(trigram) * sample.texts + LOOK_UP for trigram in of(words)):
        return []
    return list(kept)


def _positions(word: str) -> Iterator[tuple[str, int]]:
    """Yield each trigram of a word and where it begins."""
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
