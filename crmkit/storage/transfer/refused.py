"""The rows of a file that an import refused, with why, and what stood in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.errors import code_and_hint, one_text
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx

_encode, _decode = msgspec.json.encode, msgspec.json.decode

ALL = 2**31  # rows, more than any import has


class RefusedRow(Struct, frozen=True):
    """A row by its number in the file: why it was refused, what is wrong with which fields, and its cells."""

    number: int
    code: str
    hint: str
    fields: Mapping[str, str]
    cells: Sequence[Any]

    @property
    def told(self) -> str:
        """Why it was refused, in one text."""
        wrong = "; ".join(f"{name} {what}" for name, what in self.fields.items())
        return f"{self.code}: {wrong or self.hint}"


def keep(tx: Tx, workspace_id: str, import_id: str, rows: Iterable[RefusedRow]) -> None:
    """Keep refused rows of an import."""
    tx.connection.executemany(
        "INSERT INTO refused_rows (workspace_id, import_id, number, error, fields, cells) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                workspace_id,
                import_id,
                row.number,
                one_text(row.code, row.hint),
                _encode(row.fields).decode(),
                _encode(row.cells).decode(),
            )
            for row in rows
        ],
    )


def drop(tx: Tx, workspace_id: str, import_id: str, most: int = ALL) -> int:
    """Drop refused rows of an import, at most so many, and return how many those were."""
    some = "SELECT number FROM refused_rows WHERE workspace_id = ? AND import_id = ? ORDER BY number LIMIT ?"
    return tx.connection.execute(
        f"DELETE FROM refused_rows WHERE workspace_id = ? AND import_id = ? AND number IN ({some})",
        (workspace_id, import_id, workspace_id, import_id, most),
    ).rowcount


def count(connection: Connection, workspace_id: str, import_id: str) -> int:
    """Return how many refused rows of an import are kept."""
    sql = "SELECT count(*) FROM refused_rows WHERE workspace_id = ? AND import_id = ?"
    found: int = connection.execute(sql, (workspace_id, import_id)).fetchone()[0]
    return found


def first(connection: Connection, workspace_id: str, import_id: str, most: int) -> list[RefusedRow]:
    """Return the first refused rows, without their cells."""
    return list(each(connection, workspace_id, import_id, most))


def each(connection: Connection, workspace_id: str, import_id: str, most: int) -> Iterator[RefusedRow]:
    """Yield the first refused rows, without their cells, as they are read."""
    found = connection.execute(
        "SELECT number, error, fields FROM refused_rows WHERE workspace_id = ? AND import_id = ? "
        "ORDER BY number LIMIT ?",
        (workspace_id, import_id, most),
    )
    for number, error, fields in found:
        yield RefusedRow(number, *code_and_hint(error), _decode(fields), ())


def all_of(connection: Connection, workspace_id: str, import_id: str) -> Iterator[RefusedRow]:
    """Yield all refused rows, whole, as they are read."""
    found = connection.execute(
        "SELECT number, error, fields, cells FROM refused_rows WHERE workspace_id = ? AND import_id = ? "
        "ORDER BY number",
        (workspace_id, import_id),
    )
    for number, error, fields, cells in found:
        yield RefusedRow(number, *code_and_hint(error), _decode(fields), _decode(cells))
