"""Whether a text tells of a person: by an id, a name of several words, an address, a key or a phone number. Pure."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

from msgspec import Struct

from crmkit.model import fold, phones
from crmkit.model.fields import Phone
from crmkit.model.record import Kind

SHORTEST_KEY = 6  # characters of a key that tells of somebody wherever it stands: a source_id may be 12
SHORTEST_NUMBER = 7  # digits of a phone number
LAST = 8  # digits by which a number is known, with its country's code or without

_BETWEEN = r"[\W_]{1,3}"  # words of a name
_ID = re.compile(r"[a-z]+_[0-9a-z]+")
_NUMBER = re.compile(r"\+?\(?\d[\d ()./\-\u2010-\u2015]{4,}\d")
_DIGITS = re.compile(r"\D")


class Traces(Struct, frozen=True, dict=True):
    """The `ids` of a person's records, and folded `words` and ends of `numbers` by which they are known."""

    ids: Collection[str]
    words: Collection[str] = ()
    numbers: Collection[str] = ()

    @cached_property
    def _words(self) -> re.Pattern[str] | None:
        either = "|".join(_BETWEEN.join(map(re.escape, word.split())) for word in sorted(self.words, key=len)[::-1])
        return re.compile(rf"(?<![^\W_]|@)(?<![\w][.+\-])(?:{either})(?![^\W_]|@|-\w)") if either else None

    def tell(self, text: str) -> bool:
        """Tell whether a text, perhaps one of JSON or a path, tells of the person."""
        if any(id in self.ids for id in _ID.findall(text)):
            return True
        whole = " ".join(_texts(text))
        if self._words is not None and self._words.search(fold.plain(whole)):
            return True
        return bool(self.numbers) and any(
            number in digits for digits in map(_digits, _NUMBER.findall(whole)) for number in self.numbers
        )


def names(kind: Kind) -> tuple[str, ...]:
    """Return the fields of persons by whose values they are known."""
    known = dict.fromkeys((kind.title.name, *kind.keys))
    return (*known, *(field.name for field in kind.fields if isinstance(field.type, Phone)))


def traces(kind: Kind, ids: Collection[str], values: Mapping[str, Iterable[Any]]) -> Traces:
    """Return what tells of a person whose `names` of fields had these values, at whatever time."""
    words, numbers = set[str](), set[str]()
    for name, held in values.items():
        for value in map(str, held):
            if isinstance(kind.by_name[name].type, Phone):
                digits = phones.digits(value) or _digits(value)
                numbers |= {digits[-LAST:]} if len(digits) >= SHORTEST_NUMBER else set()
            elif name == kind.title.name:
                words |= {*_names(fold.plain(value))}
            elif len(value) >= SHORTEST_KEY:
                words.add(fold.plain(value))
    return Traces(frozenset(ids), frozenset(words), frozenset(numbers))


def _names(name: str) -> Iterator[str]:
    """Yield how a name of several words is written; one of a single word is that of many."""
    first, _, last = name.rpartition(" ")
    if first:
        yield from (name, f"{last} {first}")


def _digits(text: str) -> str:
    return _DIGITS.sub("", text)


def _texts(text: str) -> Iterator[str]:
    """Yield the texts in one of JSON, else the text as it is and, where it may be of a URL, as that means it."""
    if text[:1] in ("{", "["):
        try:
            yield from _strings(json.loads(text))
            return
        except (ValueError, RecursionError):  # also numbers of too many digits
            pass
    yield text
    if "%" in text or "+" in text:
        yield unquote_plus(text)


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts of a JSON value, however deep it is nested."""
    left = [value]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case dict() as found:
                yield from found
                left += found.values()
            case list() as items:
                left += items
