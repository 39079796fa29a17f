"""JSON: an array, `{"items": […]}`, or one object after another (JSON lines); read piece by piece."""

import io
import json
import math
import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from crmkit.errors import Problem
from crmkit.files import text
from crmkit.files.encoding import encoding_of
from crmkit.files.table import Cell, Row, Table, check_width, invalid
from crmkit.model.body import MAX_DEPTH, check
from crmkit.model.fields import Invalid

_MOST_ITEM = 1 << 20  # characters
_PIECE = 1 << 16
_BLANKS = re.compile(r"[ \t\r\n]*")
# an object up to its array of items, before which only plain values stand; other programs have other words for it
_WRAPPER = re.compile(
    r'\s*\{\s*(?:"[^"\\]*"\s*:\s*(?:"[^"\\]*"|[\w.+-]+)\s*,\s*)*"(?:items|results|data|records)"\s*:\s*(?=\[\s*[{\]])'
)
# what spells a character that is none: NUL, or half of a pair of surrogates if its other half is not beside it
_NONE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def open_json(path: Path, content_type: str) -> Table:
    """Return the table of a file of JSON, whose titles are the keys of all items. Raises Problem."""
    encoding = encoding_of(path, content_type)
    titles: dict[str, None] = {}
    count = 0
    with closing(_items(path, encoding)) as read:
        for count, item in enumerate(read, start=1):
            titles.update(dict.fromkeys(item))
            check_width(len(titles), count)
    named = tuple(titles)

    def rows() -> Iterator[Row]:
        for number, item in enumerate(_items(path, encoding), start=1):
            yield Row(number, tuple(map(item.get, named)))

    return Table(_format(path, encoding), named, count, (), rows)


def _format(path: Path, encoding: str) -> str:
    with text.opened(path, encoding) as file:
        start = file.read(_PIECE)
    return "json" if start.lstrip()[:1] == "[" or _WRAPPER.match(start) else "jsonl"


def _items(path: Path, encoding: str) -> Generator[dict[str, Cell]]:
    """Yield each object. One with an array of objects as `items` (or the like) stands for these."""
    with text.opened(path, encoding) as file:
        source = _Source(file)
        number = 0
        while sign := source.sign():
            for item in source.array() if sign == "[" else source.wrapped() if sign == "{" else [source.value()]:
                number += 1
                if not isinstance(item, dict):
                    raise invalid(f'Item {number} is no JSON object; each item is one, like {{"name":"Jane"}}.')
                yield item
            source.skip(",")  # some write one after each line


class _Source:
    """The text of a file, of which as much is held as its next value takes."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False
        self._values = 0
        self._decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float)

    def sign(self) -> str:
        """Return the next character that is not blank, "" at the end."""
        while True:
            found = _BLANKS.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def skip(self, sign: str) -> bool:
        if self.sign() != sign:
            return False
        self._at += 1
        return True

    def value(self) -> Any:
        """Return the next value. Raises Problem where there is none, or one that is too large."""
        self.sign()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # what is wrong well before the end of what is held stays wrong with more of it
                wrong = error.pos + 100 < len(self._text) and not error.msg.startswith("Unterminated")
                if not wrong and len(self._text) - self._at > _MOST_ITEM:
                    raise self._too_long() from None
                if wrong or not self._more():
                    raise invalid(f"{self._place()} is no JSON: {error.msg}.") from None
            except RecursionError:
                raise invalid(f"{self._place()} is nested too deeply.") from None
            except ValueError as error:
                told = "a number of too many digits" if "digits" in str(error) else str(error)
                raise invalid(f"{self._place()} has {told}.") from None
            else:
                if end < len(self._text) or not self._more():  # a number might go on
                    break
        if end - self._at > _MOST_ITEM:
            raise self._too_long()
        has_escapes = _NONE.search(self._text, self._at, end) is not None
        try:
            if has_escapes or sum(self._text.count(sign, self._at, end) for sign in "[{") > MAX_DEPTH:
                check(found, has_escapes=has_escapes)
        except Invalid as error:
            raise invalid(f"{self._place()} {error}.") from None
        self._at = end
        self._values += 1
        return found

    def array(self) -> Iterator[Any]:
        self.skip("[")
        if self.skip("]"):
            return
        while True:
            yield self.value()
            if self.skip("]"):
                return
            if not self.skip(","):
                raise invalid(f"After {self._place(0).lower()} a comma or ] is missing.")

    def wrapped(self) -> Iterator[Any]:
        """Yield the object, or what is in its array of items."""
        if not self._is_wrapper():
            yield self.value()
            return
        yield from self.array()
        while self.skip(","):
            self._key()
            self.value()
        if not self.skip("}"):
            raise invalid(f"After {self._place(0).lower()} a comma or }} is missing.")

    def _is_wrapper(self) -> bool:
        """Tell whether the object is one with an array of items, which comes next then; else the object does."""
        while len(self._text) - self._at < _PIECE and self._more():
            pass
        found = _WRAPPER.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found is not None

    def _key(self) -> None:
        key = self.value()
        if not isinstance(key, str) or not self.skip(":"):
            raise invalid(f"After {self._place(0).lower()} a key of the object is missing.")

    def _too_long(self) -> Problem:
        return invalid(f"{self._place()} is longer than {_MOST_ITEM:,} characters.")

    def _place(self, ahead: int = 1) -> str:
        return f"Item {self._values + ahead}"

    def _more(self) -> bool:
        """Read on; the text starts where the next value does then. Tells whether there was more."""
        if self._ended:
            return False
        # as much again as is held, so that a long value is not begun often
        held = len(self._text) - self._at
        try:
            piece = self._file.read(max(_PIECE, held))
        except UnicodeError:
            raise invalid(f"After {self._place(0).lower()} the file is not {self._file.encoding}.") from None
        if not piece:
            self._ended = True
            return False
        self._text = self._text[self._at :] + piece
        self._at = 0
        return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {json.dumps(twice[:100], ensure_ascii=False)} twice")
    return found


def _constant(word: str) -> None:
    raise ValueError(f"{word}, which is no JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"the number {digits[:50]}, which is too large")
    return number
