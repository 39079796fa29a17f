"""How a CSV separates and quotes its cells, found out from its first lines."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 1 << 14  # characters in which quotes are counted
_SEP_LINE = re.compile(r"\ufeff?\"?sep=(.)\"?\s*", re.IGNORECASE)


class Dialect(NamedTuple):
    """The characters by which a CSV file separates, quotes and escapes its cells."""

    delimiter: str = ","
    quote: str = '"'
    escape: str | None = None  # what stands before a quote within quotes; None: the quote is doubled
    blanks: bool = False  # whether blanks stand between delimiter and quote

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape,
            doublequote=True,
            skipinitialspace=self.blanks,
        )


def delimiter_named(line: str) -> str:
    """Return the delimiter that a line `sep=;` names, as Excel writes it before the header; "" for any other line."""
    found = _SEP_LINE.fullmatch(line)
    return found[1] if found else ""


def dialect_of(lines: Sequence[str], delimiter: str = "") -> Dialect:
    """Return the dialect in which these lines are most like a table: records of one width, more than one cell wide."""
    text = "".join(lines)[:_SAMPLE]
    delimiters = (delimiter,) if delimiter else tuple(sign for sign in _DELIMITERS if sign in text) or (",",)
    escapes = (None, "\\") if '\\"' in text and not _is_exact(delimiters, lines) else (None,)
    tried = [Dialect(*each) for each in product(delimiters, _quotes(text, delimiters), escapes, (False, True))]
    # the first of equals is taken
    return max(tried, key=lambda dialect: (_evenness(dialect, lines), dialect.blanks and _has_blanks(dialect, text)))


def _is_exact(delimiters: Sequence[str], lines: Sequence[str]) -> bool:
    """Tell whether these lines are a table by RFC 4180 to the letter: then a backslash in it escapes nothing."""
    return any(_is_strict(delimiter, lines) for delimiter in delimiters)


def _is_strict(delimiter: str, lines: Sequence[str]) -> bool:
    widths = set()
    try:
        for record in csv.reader(lines, delimiter=delimiter, strict=True):
            widths.add(len(record))
    except csv.Error as error:
        if "unexpected end of data" not in str(error):  # more lines follow
            return False
    return len(widths) == 1 and widths != {1}


def _quotes(text: str, delimiters: Sequence[str]) -> tuple[str, ...]:
    """Return the quote; a single one where cells stand in it and none in double ones."""
    signs = f"[{re.escape(''.join(delimiters))}]"

    def quoted(quote: str) -> int:
        return len(re.findall(rf"(?:^|{signs}){quote}(?:[^{quote}\n]|{quote}{quote})*{quote}(?=$|{signs})", text, re.M))

    return ("'",) if quoted("'") > max(2, 2 * quoted('"')) and text.count("'") > text.count('"') else ('"',)


def _has_blanks(dialect: Dialect, text: str) -> bool:
    return re.search(rf"{re.escape(dialect.delimiter)} +{dialect.quote}", text) is not None


def _evenness(dialect: Dialect, lines: Sequence[str]) -> float:
    """Return the share of records that are as wide as most are; less where that is few cells, 0 where it is one."""
    try:
        widths = [len(record) for record in dialect.reader(lines) if any(record)]
    except csv.Error:
        return 0.0
    counted = Counter(width for width in widths if width > 1)
    if not counted:
        return 0.0
    width, most = counted.most_common(1)[0]
    return round(most / len(widths) - 0.1 / width, 4)
