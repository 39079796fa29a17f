"""CSV: RFC 4180 in UTF-8."""

import codecs
import csv
import io
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from crmkit.model.record import Kind
from crmkit.render.files.cells import cell_of, custom, custom_marked
from crmkit.render.files.columns import Columns, Row
from crmkit.render.files.writer import Options, Writer

MEDIA = "text/csv"


class CsvWriter(Writer):
    """A line of titles, then one for each record."""

    media_type = f"{MEDIA}; charset=utf-8; header=present"
    has_columns = True

    def __init__(self, kind: Kind, options: Options) -> None:
        super().__init__(kind, options)
        self._columns = options.columns or Columns(kind, options.fields, options.keys)
        self._cell_of = partial(cell_of, raw=options.raw)
        self._of_custom = custom if options.raw else custom_marked

    def start(self) -> bytes:
        return head(self._columns.titles, self.options.bom)

    def rows(self, batch: Sequence[Row]) -> bytes:
        return lines(self._columns.rows(batch, self._cell_of, self._of_custom))


def head(titles: Sequence[str], bom: bool) -> bytes:
    return (codecs.BOM_UTF8 if bom else b"") + lines([titles])


def lines(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return a line for each row; an empty cell is None."""
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()
