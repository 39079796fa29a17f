"""Words that a mistyped one may stand for, found among the known words of a workspace without reading all of them.

An edit is a letter too many, missing or wrong, or two neighbours swapped. Of two parts of a word with a letter between
them, one edit can touch only one. So a word that is one edit away begins or ends as the mistyped one does. Some words
that are two edits away do neither: they have its middle, and one edit before and behind that. Three lookups find all:

- `_starting`: words that begin alike;
- `_ending`: words that end alike (by an index on the last letters);
- `_edited`: words that begin with the start after one edit and the middle.

Each lookup reads a bounded number of words.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cached_property
from string import ascii_lowercase, digits
from typing import Any

from msgspec import Struct

from crmkit.model import fold
from crmkit.model.record import Kind
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.texts import Terms
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.search import nearest
from crmkit.storage.search.nearest import edits_of
from crmkit.storage.search.words import may_be_meant, words_of

MOST_READ = 5_000  # words that a lookup reads of each length, or on each side in the alphabet
SHORT_WORD = 4  # letters up to which all words of about this length are read

_AFTER = chr(0x10FFFF)  # comes after every letter
_WORDS = "search_words AS s WHERE s.workspace_id = ? AND s.kind = ?"
_BLOCK = 0x80  # code points; those of one script's letters lie in few such blocks


def closest(connection: Connection, kind: Kind, workspace: Workspace, terms: Terms) -> Terms | None:
    """Return the terms with every word replaced by the known words nearest to it.

    None if a word has no near neighbour or nothing would change. One typo is forgiven in a word of 3 to 7 letters, two
    in a longer one (a swap of neighbours counts as one); none in what has no letter: a number with another digit is
    another number.
    """
    return nearest.closest(terms, _Known(connection, kind, workspace).nearest)


class _Known(Struct, frozen=True, dict=True):
    """The known words of one workspace and kind: those of indexed texts, and of texts that wait to be indexed."""

    connection: Connection
    kind: Kind
    workspace: Workspace

    def nearest(self, word: str) -> tuple[str, ...]:
        """Return the words that this one may stand for: the fewest edits first, then the most frequent."""
        most = edits_of(word)
        if not most:
            return ()
        known = [*self._indexed(word, most), *self._waiting]
        return nearest.among(word, known, lambda words: self._uses(words) + self._waiting)

    def _indexed(self, word: str, most: int) -> set[str]:
        """Return words of indexed texts, among them those that are up to `most` edits away."""
        least, longest = len(word) - most, len(word) + most
        lengths = range(least, longest + 1)
        if len(word) <= SHORT_WORD:
            return self._ending(word, 0, lengths)
        end = 4 if len(word) >= 12 else 2
        # between start, middle and end lies a letter each; the middle has two letters at least
        start = len(word) - end - 1 if most == 1 else min(5, len(word) - end - 4)
        found = self._starting(word, start, least, longest) | self._ending(word, end, lengths)
        return found if most == 1 else found | self._edited(word[: -end - 1], start, least, longest)

    def _starting(self, word: str, start: int, least: int, longest: int) -> set[str]:
        """Return words with the same first letters; of more than are read, those nearest to it in the alphabet."""
        sql = (
            f"SELECT * FROM (SELECT s.word FROM {_WORDS} AND s.word BETWEEN ? AND ? ORDER BY s.word {{}} "
            f"LIMIT {MOST_READ})"
        )
        head = word[:start]
        return self._read(
            f"SELECT q.word FROM ({sql.format('')} UNION ALL {sql.format('DESC')}) AS q "
            "WHERE length(q.word) BETWEEN ? AND ?",
            *(*self._scope, word, head + _AFTER, *self._scope, head, word, least, longest),
        )

    def _ending(self, word: str, end: int, lengths: range) -> set[str]:
        """Return words of these lengths with the same last letters: none, two or four."""
        pairs = [word[-2:], word[-4:-2]][: end // 2]
        same = " AND ".join(
            ("length(s.word) = ?", "substr(s.word, -2) = ?", "substr(s.word, -4, 2) = ?")[: 1 + end // 2]
        )
        asked = [f"SELECT * FROM (SELECT s.word FROM {_WORDS} AND {same} LIMIT {MOST_READ})"] * len(lengths)
        return self._read(
            " UNION ALL ".join(asked), *(value for length in lengths for value in (*self._scope, length, *pairs))
        )

    def _edited(self, word: str, start: int, least: int, longest: int) -> set[str]:
        """Return words that begin with `word` after one edit of its first letters."""
        beginnings = json.dumps(list(dict.fromkeys(_edits(word, start))))
        return self._read(  # by the plus SQLite does not take the index that begins with the length
            f"SELECT s.word FROM json_each(?) AS b CROSS JOIN {_WORDS} AND s.word BETWEEN b.value AND b.value || ? "
            f"AND +length(s.word) BETWEEN ? AND ? LIMIT {MOST_READ}",
            *(beginnings, *self._scope, _AFTER, least, longest),
        )

    @property
    def _scope(self) -> tuple[str, str]:
        return self.workspace.id, self.kind.plural

    def _read(self, sql: str, *args: Any) -> set[str]:
        (words,) = self.connection.execute(f"SELECT group_concat(f.word, ' ') FROM ({sql}) AS f", args).fetchone()
        return set(words.split(" ")) if words else set()

    def _uses(self, words: Collection[str]) -> Counter[str]:
        rows = self.connection.execute(
            f"SELECT s.word, s.uses FROM {_WORDS} AND s.word IN (SELECT value FROM json_each(?))",
            (*self._scope, json.dumps(list(words))),
        )
        return Counter(dict(rows))

    @cached_property
    def _waiting(self) -> Counter[str]:
        texts = self.connection.execute(
            f"SELECT title, rest FROM {self.kind.plural}_unindexed WHERE seq BETWEEN ? AND ? AND title IS NOT NULL",
            (self.workspace.first, self.workspace.last),
        )
        counted = Counter(word for title, rest in texts for word in words_of(title, rest))
        return Counter({word: times for word, times in counted.items() if may_be_meant(word)})


def _edits(word: str, start: int) -> Iterator[str]:
    """Yield what one edit makes of a word, if it touches the first letters, `start` of them."""
    letters = _letters(word)
    for at in range(start):
        before, letter, after = word[:at], word[at], word[at + 1 :]
        yield before + after
        yield before + after[:1] + letter + after[1:]
        for other in letters:
            yield before + other + after
            yield before + other + letter + after


def _letters(word: str) -> str:
    """Return the letters that may stand in place of a word's: ASCII's, and those beside its others in Unicode."""
    blocks = {ord(letter) // _BLOCK * _BLOCK for letter in word if not letter.isascii()}
    beside = (chr(code) for block in blocks for code in range(block, block + _BLOCK))
    return (
        ascii_lowercase
        + digits
        + "".join(letter for letter in beside if letter.isalnum() and fold.plain(letter) == letter)
    )
