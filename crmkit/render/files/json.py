"""JSON and JSON lines: the objects that a page of a list has in JSON."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from crmkit.model.query.listing import Listing, Paging
from crmkit.model.record import Kind
from crmkit.render.encoding import encoded
from crmkit.render.files.columns import Row
from crmkit.render.files.writer import Options, Writer
from crmkit.render.pages import rows as pages

LINES_MEDIA = "application/jsonl"


class JsonWriter(Writer):
    """`{"items":[…]}`, a record on each line."""

    media_type = "application/json"

    def __init__(self, kind: Kind, options: Options) -> None:
        super().__init__(kind, options)
        self._is_first = True

    def start(self) -> bytes:
        return b'{"items":['

    def rows(self, batch: Sequence[Row]) -> bytes:
        if not batch:
            return b""
        before, self._is_first = b"\n" if self._is_first else b",\n", False
        return before + b",\n".join(map(encoded, _items(self, batch)))

    def end(self) -> Iterator[bytes]:
        yield b"\n]}\n"


class JsonLinesWriter(Writer):
    """A record on each line."""

    media_type = LINES_MEDIA

    def rows(self, batch: Sequence[Row]) -> bytes:
        return lines(_items(self, batch))


def lines(items: Iterable[Any]) -> bytes:
    return b"".join([encoded(item) + b"\n" for item in items])


def _items(writer: Writer, batch: Sequence[Row]) -> list[Any]:
    options = writer.options
    return pages.items(Listing(writer.kind, options.fields, batch, Paging(), options.keys))
