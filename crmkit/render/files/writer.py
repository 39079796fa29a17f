"""What every format of files says and does."""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from typing import ClassVar

from msgspec import Struct

from crmkit.model.query.chosen import Path
from crmkit.model.record import Kind
from crmkit.render.files.columns import Columns, Row


class Options(Struct, frozen=True):
    """What a file shows. `fields` are those of each row after its id; of custom, CSV and XLSX show what is at `keys`.

    With `bom` a CSV begins with a byte order mark, by which Excel knows UTF-8; with `raw` no formula in it is marked.
    `columns` are others than those of the fields, where a file has them; of CSV and XLSX.
    iCalendar has times as the clock in `zone` shows them, and says that it was made `now`, a stamp.
    """

    fields: tuple[str, ...]
    keys: tuple[Path, ...] = ()
    bom: bool = False
    raw: bool = False
    zone: tzinfo = UTC
    now: str = ""
    columns: Columns | None = None


class Writer:
    """Writes records of one kind: `start`, then `rows` for each batch, then all that `end` yields. `close` it always.

    A format that `fails_late` may raise a Problem with any row, so its file is complete before any of it is sent.
    """

    media_type: ClassVar[str]
    has_columns: ClassVar[bool] = False  # a key of custom has a column of its own
    fails_late: ClassVar[bool] = False
    is_binary: ClassVar[bool] = False  # it is no text
    at_once: ClassVar[int] = 100  # rows that it writes in a millisecond or two, in which it holds the GIL

    def __init__(self, kind: Kind, options: Options) -> None:
        self.kind = kind
        self.options = options

    @classmethod
    def has(cls, kind: Kind) -> bool:
        """Tell whether records of a kind have this format."""
        return True

    @classmethod
    def reads(cls, kind: Kind) -> tuple[str, ...]:
        """Return the fields that it needs though they were not chosen."""
        return ()

    def start(self) -> bytes:
        return b""

    def rows(self, batch: Sequence[Row]) -> bytes:
        raise NotImplementedError

    def end(self) -> Iterator[bytes]:
        yield from ()

    def close(self) -> None:
        """End what was begun, though not all was written."""
