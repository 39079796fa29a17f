"""The hash of a table: the same wherever its rows are the same, whatever brand of database holds them."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from crmkit.storage.whole.contents import Row, Table

_AT_ONCE = 500  # rows that are hashed together

_encoder = msgspec.json.Encoder()


class Hash:
    """SHA-256 of rows in the order of their key, a line each: the JSON array of its columns, bytes in hexadecimal."""

    def __init__(self, table: Table) -> None:
        self._bytes = table.places("bytes")
        self._sum = hashlib.sha256()
        self.rows = 0

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield the rows as they are, and take each into the hash."""
        waiting = list[Row]()
        for row in rows:
            waiting.append(row)
            if len(waiting) == _AT_ONCE:
                self._add(waiting)
                waiting.clear()
            yield row
        self._add(waiting)

    def _add(self, rows: list[Row]) -> None:
        self.rows += len(rows)
        self._sum.update(_encoder.encode_lines([self._shown(row) for row in rows] if self._bytes else rows))

    def _shown(self, row: Row) -> list[Any]:
        shown = list(row)
        for place in self._bytes:
            shown[place] = None if shown[place] is None else shown[place].hex()
        return shown

    @property
    def text(self) -> str:
        """The hash in hexadecimal; of all rows once `of` has yielded the last one."""
        return self._sum.hexdigest()


def hash_of(table: Table, rows: Iterable[Row]) -> Hash:
    """Return the hash of the rows of a table, all of which are read."""
    found = Hash(table)
    for _ in found.of(rows):
        pass
    return found
