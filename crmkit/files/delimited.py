"""CSV: cells in lines, in whatever encoding, with whatever delimiter."""

import csv
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from crmkit.errors import Problem
from crmkit.files import text
from crmkit.files.dialect import Dialect, delimiter_named, dialect_of
from crmkit.files.encoding import encoding_of
from crmkit.files.frame import Record, framed
from crmkit.files.table import MOST_COLUMNS, Table, check_width, invalid

_SAMPLE = 1 << 16  # characters, by which the dialect is found
_MOST_RECORD = 2 << 20  # characters
_FORM = "application/x-www-form-urlencoded"  # what curl -d sends, unless told otherwise
_DATA = re.compile(r"@[\w-]+\.|\d{4}|\"\"")  # what stands in records and in no title


def open_csv(path: Path, content_type: str) -> Table:
    """Return the table of a CSV. Raises Problem."""
    encoding = encoding_of(path, content_type)
    only = text.only_line(path, encoding)
    # a header alone may be one line; not what curl says of a file that it took the line ends out of
    if only and (content_type.lower().startswith(_FORM) or len(only) == text.MOST_LINE or _DATA.search(only)):
        raise text.without_line_ends()
    sample: list[str] = []
    size = 0
    for line in text.lines(path, encoding):
        sample.append(line)
        size += len(line)
        if size > _SAMPLE:
            break
    delimiter = delimiter_named(sample[0]) if sample else ""
    skipped = 1 if delimiter else 0
    dialect = dialect_of(sample[skipped:], delimiter)
    return framed("csv", lambda: _records(path, encoding, dialect, skipped), "")


def _records(path: Path, encoding: str, dialect: Dialect, skipped: int) -> Generator[Record]:
    """Yield all records with their numbers; the first lines, `skipped`, count."""
    number = skipped
    size = 0  # of the record that is read
    ended = False

    def counted(lines: Iterator[str]) -> Iterator[str]:
        nonlocal size, ended
        for line in lines:
            size += len(line)
            if size > _MOST_RECORD:
                raise invalid(f"Row {number + 1} is longer than {_MOST_RECORD:,} characters.")
            yield line
        ended = True

    with closing(text.lines(path, encoding)) as lines:
        try:
            for cells in dialect.reader(counted(islice(lines, skipped, None))):
                number += 1
                size = 0
                if ended:  # the reader asked for a line more than there are: the record is not at its end
                    raise _unclosed(number, dialect)
                if len(cells) > MOST_COLUMNS:
                    check_width(len(cells), number)
                yield number, cells
        except csv.Error as error:
            if "field limit" in str(error):
                raise _unclosed(number + 1, dialect) from None
            raise invalid(f"Row {number + 1} cannot be read as CSV: {error}.") from None


def _unclosed(number: int, dialect: Dialect) -> Problem:
    return invalid(
        f"Row {number} has a quote ({dialect.quote}) that is never closed, or a cell of more than "
        f"{csv.field_size_limit():,} characters."
    )
