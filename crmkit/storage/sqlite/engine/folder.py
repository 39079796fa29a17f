"""The folder of the database: its files, their modes, and the lock that one process at a time holds."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import InUse, Unusable
from crmkit.storage.sqlite.engine.driver import sqlite3

FILE = "crmkit.db"
LOCK = "crmkit.lock"
BACKUP = "backup"  # the table that makes a database a backup


def prepare(folder: Path) -> None:
    """Make the folder (0700) and an empty database file (0600) where they are missing; set the modes anyway."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    file = folder / FILE
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    file.chmod(0o600)


def existing(folder: Path) -> Path:
    """Return the database of a folder; raises Unusable where none is there yet."""
    file = folder / FILE
    if not file.exists() or not file.stat().st_size:
        raise Unusable(f"there is no database in {folder}: name the data folder with --data")
    return file


def is_backup(connection: Connection) -> bool:
    """Tell whether a database is a backup, which carries more than a database."""
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (BACKUP,)).fetchone() is not None


def refuse_backup(connection: Connection, file: Path) -> None:
    """Raise Unusable where the database in `file` is a backup, which somebody copied there."""
    if is_backup(connection):
        raise Unusable(
            f"{file} is a backup that was copied there, without its key and files: move it to another folder, then "
            f"`crmkit restore` it with --data {file.parent}"
        )


def hold(folder: Path) -> int:
    """Return the descriptor that holds the folder's lock; the kernel frees it with the process, so it is never stale.

    Raises InUse when another process has it.
    """
    descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    _lock(folder, descriptor, fcntl.LOCK_EX)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _lock(folder: Path, descriptor: int, how: int) -> None:
    """Lock the folder by a descriptor; where another process has it, close that and raise InUse."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip("\0\n ")
        os.close(descriptor)
        raise InUse(
            f"another crmkit (process {holder or 'unknown'}) works on the data in {folder}; stop it first"
        ) from None


def check_free(folder: Path) -> None:
    """Return if no process holds the folder's lock, which is only read; raises InUse."""
    with suppress(FileNotFoundError):
        descriptor = os.open(folder / LOCK, os.O_RDONLY)
        _lock(folder, descriptor, fcntl.LOCK_SH)
        os.close(descriptor)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder's lock for the length of the block; raises InUse."""
    descriptor = hold(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def finish(folder: Path) -> None:
    """Take back what a program was writing that was killed, as a journal beside the database tells.

    Without a journal, or beside a process that holds the lock, nothing is done.
    """
    file = folder / FILE
    if not file.with_name(f"{FILE}-journal").exists():
        return
    with suppress(InUse), held(folder), closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
