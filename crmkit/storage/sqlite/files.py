"""What is found of SQLite and its files without opening them: the version, the log's size, the disk's room, the key."""

import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from crmkit.storage import secret
from crmkit.storage.data_folder import is_read_only
from crmkit.storage.interface.database import Finding
from crmkit.storage.sqlite.engine.driver import VERSION, is_fixed, sqlite3
from crmkit.storage.sqlite.engine.folder import FILE

MOST_LOG_BYTES = 256 << 20  # of the write-ahead log, which a server keeps below 160 MB under load
LEAST_FREE_BYTES = 256 << 20


def room(folder: Path) -> Iterator[Finding]:
    """Yield how large the log of the database is, how much room the disk has, and what is wrong with the key."""
    log = folder / f"{FILE}-wal"
    size = log.stat().st_size if log.exists() else 0
    advice = "; a read of another program holds it, or the disk is too slow: end that program, or restart the server"
    yield Finding("log", size <= MOST_LOG_BYTES, f"{size:,} bytes{'' if size <= MOST_LOG_BYTES else advice}")
    free, needed = shutil.disk_usage(folder).free, max(LEAST_FREE_BYTES, 2 * size)
    told = f"{free:,} bytes are free where {folder} is"
    if why := secret.fault(folder):
        yield Finding("key", False, why)
    if is_read_only(folder):
        told = f"{folder} is on a read-only file system: it can be looked at, and a server needs it mounted writable"
        yield Finding("disk", False, told)
        return
    yield Finding("disk", free >= needed, told if free >= needed else f"{told}: make room, or writes will be refused")


def left(folder: Path) -> Iterator[Finding]:
    """Yield what a restore left that was killed, which harms nothing, and what to do with it."""
    copy = folder / secret.RESTORING_DATABASE
    if copy.exists():  # else its key may be the one that counts
        files = sorted((*folder.glob(f"{copy.name}*"), *folder.glob(f"{secret.RESTORING}*")))
        what = f"one was killed and changed nothing; restore again, or: rm {shlex.join(map(str, files))}"
        yield Finding("restore", True, what)


def program() -> Finding:
    """Return which SQLite runs, and whether it has the fault that loses rows."""
    source = "shipped with crmkit" if sqlite3.__name__.startswith("pysqlite3") else "the interpreter's own"
    if is_fixed(VERSION):
        return Finding("sqlite", True, f"{VERSION}, {source}; free of the WAL-reset bug")
    return Finding(
        "sqlite",
        True,
        f"{VERSION}, {source}; it has the WAL-reset bug (fixed in 3.51.3, 3.50.7, 3.44.6), which cannot "
        "strike here: one connection of one process writes and checkpoints",
    )
