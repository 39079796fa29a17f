"""The files that SQLite may have for a database."""

from pathlib import Path

ENDS = ("", "-journal", "-wal", "-shm")


def remove(database: Path) -> None:
    """Remove the files of a database, where they are there."""
    for end in ENDS:
        database.with_name(f"{database.name}{end}").unlink(missing_ok=True)
