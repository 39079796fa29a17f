"""Files that are there whole or not at all: written under another name, flushed, renamed, and their folder flushed."""

import os
from collections.abc import Iterable
from pathlib import Path

ENDS = ("", "-journal", "-wal", "-shm")  # of the files that SQLite may have for a database


def written(file: Path, pieces: Iterable[bytes]) -> None:
    """Write a file of mode 0600, in place of one of that name."""
    part = file.with_name(f"{file.name}.part")
    part.unlink(missing_ok=True)
    with open(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as sink:
        for piece in pieces:
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())
    part.replace(file)


def remove(database: Path) -> None:
    """Remove the files of a database, where they are there."""
    for end in ENDS:
        database.with_name(f"{database.name}{end}").unlink(missing_ok=True)
