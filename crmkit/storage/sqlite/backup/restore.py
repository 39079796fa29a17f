"""A backup takes the place of what a data folder holds, which is kept beside it.

Whenever the process dies, the folder has the database of before or the one of the backup, and the key that belongs to
it: one rename changes the database, and with it which key counts (`secret.place`). What is left of a restore that died
is taken away by the next one.
"""

import os
import shutil
from contextlib import closing
from pathlib import Path

from crmkit.storage import secret
from crmkit.storage.growing import flush, written
from crmkit.storage.interface.brand import Restored
from crmkit.storage.interface.database import InUse, Newer, Unusable
from crmkit.storage.sqlite.backup import carried, checking, copying
from crmkit.storage.sqlite.backup.files import remove
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, held
from crmkit.storage.sqlite.migrations import MIGRATIONS
from crmkit.storage.transfer import uploads

PART = secret.RESTORING_DATABASE
BEFORE = ".before-"
HEADER = b"SQLite format 3\0"
DISK_FULL = "the disk is full where {} is, so nothing was restored: free some space"
OTHER = "copy it again from where it was kept, or take an earlier backup"


def restore(folder: Path, file: Path, time: str) -> Restored:
    """Put the database that a file holds in the place of that of a folder, with what a backup carries beside it.

    The file is a backup, or a database of crmkit that was copied otherwise, perhaps of an earlier version, which stays
    as it is. What was there is kept under names that end with `time`. Raises InUse while a server runs on the folder or
    another program reads the database, Unusable for a file that is none, not whole or damaged, Newer for one of a later
    program; then nothing was changed.
    """
    _check_file(file)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    part = folder / PART
    with held(folder):
        if (folder / FILE).exists() and file.samefile(folder / FILE):
            raise Unusable(f"{file} is the database of {folder} itself: name a backup")
        _tidy(folder)
        try:
            size, hash, label, version = _taken(folder, file, part)
            kept = _keep(folder, time)
            flush(folder)
            part.replace(folder / FILE)
            flush(folder)
        finally:
            _tidy(folder)
        unnamed = _unnamed(folder)
    return Restored(size, hash, label.made_at if label else "", version < len(MIGRATIONS), kept, unnamed)


def _check_file(file: Path) -> None:
    """Raise Unusable for what can be seen to be no database, or not all of one."""
    try:
        if file.is_dir():
            raise Unusable(f"{file} is a folder: name the file of a backup in it")
        with file.open("rb") as opened:
            head, size = opened.read(100), os.fstat(opened.fileno()).st_size
    except OSError as error:
        raise Unusable(f"{file} cannot be read: {error.strerror}; name a file that `crmkit backup` wrote") from None
    if len(head) < 100 or not head.startswith(HEADER):
        raise Unusable(f"{file} is no backup of crmkit: name a file that `crmkit backup` wrote")
    page = int.from_bytes(head[16:18], "big")
    wanted = int.from_bytes(head[28:32], "big") * (1 << 16 if page == 1 else page)
    is_told = (
        head[24:28] == head[92:96]
    )  # else the number of pages was not kept up to date (sqlite.org/fileformat.html)
    if is_told and size < wanted and not copying.log_of(file).exists():
        raise Unusable(f"{file} is cut off, {size:,} of {wanted:,} bytes are there: {OTHER}")


def _tidy(folder: Path) -> None:
    """Give a key whose database is in place its name, and take away what else a restore leaves that failed or died.

    That is a copy, its key, and second names of what it was to replace.
    """
    key = secret.place(folder)
    if key.name == secret.RESTORING:
        key.replace(folder / secret.FILE)
    (folder / secret.RESTORING).unlink(missing_ok=True)
    (folder / f"{secret.RESTORING}.part").unlink(missing_ok=True)
    remove(folder / PART)
    file = folder / FILE
    for before in folder.glob(f"{FILE}{BEFORE}*"):
        if file.exists() and before.exists() and before.samefile(file):
            _forget(before, copying.log_of(file).exists())


def _taken(folder: Path, file: Path, part: Path) -> tuple[int, str, carried.Label | None, int]:
    """Copy the database of a file to `part`, checked and flushed, and what it carries to its place in the folder.

    Return its size, the hash of what it holds, what it says of itself, and how many migrations it has.
    """
    try:
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            with closing(copying.still(file)) as source:
                source.execute("BEGIN")
                copying.copy(source, descriptor, part)
            with closing(copying.opened(part)) as copy:
                version = _check(file, copy)
                hash, label = checking.hash_of(copy), carried.label(copy)
                if label is not None and label.hash != hash:
                    raise Unusable(f"{file} is damaged, its content does not have the hash {label.hash}: {OTHER}")
                copy.execute("BEGIN")
                carried.take_out(copy, folder)
                copy.execute("COMMIT")
            if label is None and file.name.startswith(f"{FILE}{BEFORE}") and _key_of(file).exists():
                written(folder / secret.RESTORING, [_key_of(file).read_bytes()])
            os.fsync(descriptor)
            return os.fstat(descriptor).st_size, hash, label, version
        finally:
            os.close(descriptor)
    except sqlite3.Error as error:
        if copying.is_full(error):
            raise Unusable(DISK_FULL.format(folder)) from None
        raise Unusable(f"{file} is damaged ({error}): {OTHER}") from None


def _check(file: Path, copy: SqliteConnection) -> int:
    """Return how many migrations a whole database of crmkit has; raises Unusable or Newer for any other."""
    is_ours = copy.execute("SELECT count(*) FROM sqlite_schema WHERE name IN ('migrations', 'workspaces')").fetchone()
    if is_ours != (2,):
        raise Unusable(f"{file} is a database, but none of crmkit: name a file that `crmkit backup` wrote")
    version = migrate.version(copy)
    if version > len(MIGRATIONS):
        raise Newer(
            f"{file} is at version {version}, this crmkit knows {len(MIGRATIONS)}: install the newer crmkit, "
            "then restore it"
        )
    found = checking.fault(copy)
    if found is not None:
        raise Unusable(f"{file} is damaged, {found}: {OTHER}")
    return version


def _keep(folder: Path, time: str) -> Path | None:
    """Give the database of a folder a second name, its log folded in, and return it; None where there is none."""
    file = folder / FILE
    if not file.exists() or not (file.stat().st_size or copying.log_of(file).exists()):
        remove(file)
        return None
    numbers = ["", *(f"-{number}" for number in range(2, 1000))]
    kept = next(place for number in numbers if not (place := folder / f"{FILE}{BEFORE}{time}{number}").exists())
    _also(file, kept)
    key = folder / secret.FILE
    if key.exists():  # copied, since it may stay in its place
        written(_key_of(kept), [key.read_bytes()])
    log, kept_log = copying.log_of(file), copying.log_of(kept)
    if log.exists():
        _also(log, kept_log)
    flush(folder)
    try:
        if _is_folded(file):
            kept_log.unlink(missing_ok=True)
    except (InUse, Unusable):
        _forget(kept, True)
        raise
    for end in ("-wal", "-shm", "-journal"):  # of the one that goes: they would be taken for the new one's
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)
    return kept


def _unnamed(folder: Path) -> list[Path]:
    """Return the files that clients sent which the database of a folder does not name."""
    place = folder / uploads.FOLDER
    with closing(copying.still(folder / FILE)) as connection:
        known = carried.named(connection)
    return [file for file in sorted(place.iterdir()) if file.name not in known] if place.is_dir() else []


def _is_folded(file: Path) -> bool:
    """Fold the log of a database into it, and tell whether that could be done: a damaged one may keep its log.

    Raises InUse, Unusable where it is whole, and its log is not to be lost.
    """
    try:
        with closing(sqlite3.connect(file, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
            return not copying.log_of(file).exists()
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise InUse(f"another program reads {file}, so nothing was restored: stop it first") from None
        if copying.is_full(error):
            raise Unusable(DISK_FULL.format(file.parent)) from None
        return False


def _forget(kept: Path, has_log: bool) -> None:
    """Remove the names that were given to what stays: those of a log only where the database `has_log` of its own."""
    key = _key_of(kept)
    for file in (key, key.with_name(f"{key.name}.part"), *([copying.log_of(kept)] if has_log else []), kept):
        file.unlink(missing_ok=True)


def _key_of(kept: Path) -> Path:
    """Return the place of the key that belongs to a database which was kept."""
    return kept.with_name(kept.name.replace(FILE, secret.FILE))


def _also(file: Path, name: Path) -> None:
    """Give a file a second name, or where the file system has no such thing, copy it."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
        flush(name)
    name.chmod(0o600)
