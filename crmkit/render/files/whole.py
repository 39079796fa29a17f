"""A list of any length as a file, in pieces."""

from collections.abc import Callable, Iterator
from contextlib import closing

from crmkit.model.query.chosen import Path
from crmkit.model.query.listing import Batches
from crmkit.model.record import Kind
from crmkit.render.files.columns import Columns
from crmkit.render.files.registry import WRITERS
from crmkit.render.files.writer import Options

MakesColumns = Callable[[Kind, tuple[str, ...], tuple[Path, ...]], Columns]


def pieces(
    format: str, found: Batches, bom: bool = False, raw: bool = False, columns: MakesColumns | None = None
) -> Iterator[bytes]:
    """Yield the file that a format makes of a list; `bom` and `raw` as in Options.

    `columns` makes those of a table of kind, fields and keys of custom, where they are other than these.
    """
    write = WRITERS[format]
    keys = found.keys
    if write.has_columns and not keys:
        keys = tuple((key,) for key in found.all_keys())
    own = columns and columns(found.kind, found.fields, keys)
    with closing(write(found.kind, Options(found.fields, keys, bom, raw, found.zone, found.now, own))) as writer:
        yield writer.start()
        for batch in found.batches:
            for start in range(0, len(batch), write.at_once):
                yield writer.rows(batch[start : start + write.at_once])
        yield from writer.end()
