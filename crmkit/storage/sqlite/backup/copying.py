"""A database is copied page by page as it was at one moment, beside a server that writes it.

SQLite's backup begins anew whenever another connection has written between two of its steps, unless its source is in a
read transaction all the while: then each step reads what that one sees. Readers of a write-ahead log block no writer;
the log grows until the copy is done, so it makes no pauses, and is only flushed as it grows.
"""

import os
from contextlib import closing
from pathlib import Path

from crmkit.storage.sqlite.engine.connection import MAPPED_BYTES, SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3

STEP_PAGES = 256  # that are copied between two looks, 1 MiB
FLUSH_BYTES = 8 << 20  # a flush of a whole large file would hold up those of the log
CACHE_KIB = 64 * 1024
FULL = "database or disk is full"  # what SQLite says then; an error of a copy has no code


def opened(file: Path) -> SqliteConnection:
    """Return a connection to a copy that nobody else uses: it is flushed by whoever is done with it."""
    connection = sqlite3.connect(file, factory=SqliteConnection, isolation_level=None)
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


def is_full(error: sqlite3.Error) -> bool:
    """Tell whether the disk had no room."""
    return str(error) == FULL


def still(file: Path) -> SqliteConnection:
    """Return a connection that reads a database which nobody writes, with the log beside it if there is one.

    Without one it leaves nothing beside the file, and needs no right to.
    """
    alone = "" if log_of(file).exists() else "&immutable=1"
    address = f"{file.absolute().as_uri()}?mode=ro{alone}"
    return sqlite3.connect(address, uri=True, factory=SqliteConnection, isolation_level=None)


def log_of(file: Path) -> Path:
    """Return the place of the write-ahead log of a database."""
    return file.with_name(f"{file.name}-wal")


def copy(source: sqlite3.Connection, descriptor: int, file: Path) -> None:
    """Copy the database of a source, in a read transaction, to an empty file, which is open; flush all but its end."""
    (size,) = source.execute("PRAGMA page_size").fetchone()
    flushed = 0

    def flush(_: int, remaining: int, total: int) -> None:
        nonlocal flushed
        if (total - remaining) * size - flushed >= FLUSH_BYTES:
            os.fsync(descriptor)
            flushed = (total - remaining) * size

    with closing(sqlite3.connect(file, isolation_level=None)) as target:
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")
        source.backup(target, pages=STEP_PAGES, progress=flush)
        target.execute("PRAGMA journal_mode = DELETE")  # the log stays behind: the copy is one file
