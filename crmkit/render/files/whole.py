"""A list of any length as a file, in pieces."""

from collections.abc import Iterator
from contextlib import closing

from crmkit.model.query.listing import Batches
from crmkit.render.files.registry import WRITERS
from crmkit.render.files.writer import Options


def pieces(format: str, found: Batches, bom: bool = False, raw: bool = False) -> Iterator[bytes]:
    """Yield the file that a format makes of a list; `bom` and `raw` as in Options."""
    write = WRITERS[format]
    keys = found.keys
    if write.has_columns and not keys:
        keys = tuple((key,) for key in found.all_keys())
    with closing(write(found.kind, Options(found.fields, keys, bom, raw, found.zone, found.now))) as writer:
        yield writer.start()
        for batch in found.batches:
            for start in range(0, len(batch), write.at_once):
                yield writer.rows(batch[start : start + write.at_once])
        yield from writer.end()
