"""What a backup carries beside the database: the server's key and the files that clients sent, in tables of its own."""

import os
from collections.abc import Collection
from contextlib import AbstractContextManager
from io import BufferedReader
from pathlib import Path

from msgspec import Struct

from crmkit.storage import secret
from crmkit.storage.growing import flush, written
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.engine.folder import BACKUP, is_backup
from crmkit.storage.transfer import kept, uploads

TABLES = (BACKUP, "backup_files")
PIECE = 1 << 20  # bytes of a file in one row

_SCHEMA = (
    "CREATE TABLE backup (made_at TEXT NOT NULL, program TEXT NOT NULL, hash TEXT NOT NULL, key TEXT NOT NULL) STRICT",
    "CREATE TABLE backup_files (name TEXT NOT NULL, part INTEGER NOT NULL, content BLOB NOT NULL, "
    "PRIMARY KEY (name, part)) STRICT",
)


class Label(Struct, frozen=True):
    """What a backup says of itself; `key` is the text of the server's key, empty where there was none."""

    made_at: str
    program: str
    hash: str
    key: str


def opened(folder: Path, connection: Connection) -> AbstractContextManager[dict[str, BufferedReader]]:
    """Yield the files in the folder that the database names."""
    return kept.opened(folder, named(connection))


def named(connection: Connection) -> Collection[str]:
    """Return the names of the files that the database names, of whatever version it is."""
    is_older = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'imports'").fetchone() is None
    return () if is_older else kept.names(connection)


def put(connection: Connection, label: Label, files: dict[str, BufferedReader]) -> None:
    """Write the label and the files into a copy of the database, in the transaction of the caller."""
    for statement in _SCHEMA:
        connection.execute(statement)
    row = (label.made_at, label.program, label.hash, label.key)
    connection.execute("INSERT INTO backup (made_at, program, hash, key) VALUES (?, ?, ?, ?)", row)
    for name, file in files.items():
        part = 0
        while piece := file.read(PIECE):
            connection.execute("INSERT INTO backup_files (name, part, content) VALUES (?, ?, ?)", (name, part, piece))
            part += 1


def label(connection: Connection) -> Label | None:
    """Return what a database says of itself; None for one that is no backup, but a copy made otherwise."""
    if not is_backup(connection):
        return None
    row = connection.execute("SELECT made_at, program, hash, key FROM backup").fetchone()
    return None if row is None else Label(*row)


def take_out(connection: Connection, folder: Path) -> None:
    """Write what a backup carries into the folder, its key where it waits for the database, and drop its tables."""
    found = label(connection)
    names = [] if found is None else connection.execute("SELECT DISTINCT name FROM backup_files").fetchall()
    for (name,) in names:
        place = folder / uploads.FOLDER
        place.mkdir(mode=0o700, exist_ok=True)
        pieces = connection.execute("SELECT content FROM backup_files WHERE name = ? ORDER BY part", (name,))
        written(place / os.path.basename(name), (content for (content,) in pieces))
        flush(place)
    if found is not None and found.key:
        written(folder / secret.RESTORING, [found.key.encode()])
    for table in TABLES:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
