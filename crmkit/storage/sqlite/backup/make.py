"""A backup is written beside its place, checked, and renamed once it is whole."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from crmkit import __version__
from crmkit.storage import secret
from crmkit.storage.data_folder import is_of
from crmkit.storage.growing import FREE_BYTES, flush
from crmkit.storage.interface.brand import Backup
from crmkit.storage.interface.database import InUse, Unusable
from crmkit.storage.sqlite.backup import carried, checking, copying
from crmkit.storage.sqlite.backup.carried import Label
from crmkit.storage.sqlite.backup.files import remove
from crmkit.storage.sqlite.engine import faults
from crmkit.storage.sqlite.engine.connection import connect_for_stream
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, LOCK, existing, finish, refuse_backup


def make(folder: Path, file: Path, part: Path, now: str) -> Backup:
    """Write a backup of the data in a folder to a file, in place of a backup of that name.

    It is written to `part` beside it; two backups with the same part exclude each other. Raises ValueError for a place
    where none can be, InUse beside another backup, Unusable where there is no database or it is damaged, OSError for a
    file of the folder.
    """
    database = existing(folder)
    try:
        _check_place(folder, file)
        finish(folder)
        with _held(part) as descriptor:
            try:
                hash = _made(folder, part, descriptor, now)
                os.fsync(descriptor)
                part.replace(file)
                flush(file.parent)
                lacks = "" if secret.text(folder) else f"{secret.place(folder)} is missing: {secret.LOST}"
                return Backup(file, os.fstat(descriptor).st_size, hash, lacks)
            except BaseException:
                remove(part)
                raise
    except OSError as error:
        if is_of(folder, error):
            raise
        raise ValueError(_cannot_write(file, error)) from None
    except sqlite3.Error as error:
        raise _failed(database, file, error) from None


def _check_place(folder: Path, file: Path) -> None:
    """Raise ValueError unless a backup may be written to a file."""
    if file.is_dir():
        raise ValueError(f"{file} is a folder: name a file in it, like {file / 'crmkit-backup.db'}")
    if not file.parent.is_dir():
        raise ValueError(f"there is no folder {file.parent}: make it first")
    real = file.resolve().parent
    data = (above for above in (real, *real.parents) if above == folder.resolve() or os.path.exists(above / LOCK))
    inside = next(data, None)
    if inside is not None:
        raise ValueError(f"{file} is inside the data folder {inside}, which it would be lost with: name another folder")
    if os.path.lexists(file) and label_of(file) is None:
        raise ValueError(f"{file} is there already and is no backup of crmkit: name another file, or remove it")


def is_backup_of(folder: Path, file: Path) -> bool:
    """Tell whether a file is a backup that was made of what a folder holds: it carries the same key."""
    label = label_of(file)
    return label is not None and label.key == secret.text(folder)


def label_of(file: Path) -> Label | None:
    """Return what a file says of itself; None for one that is no backup."""
    if not file.is_file() or file.is_symlink():
        return None
    try:
        with closing(copying.still(file)) as connection:
            return carried.label(connection)
    except sqlite3.Error:
        return None


@contextmanager
def _held(part: Path) -> Iterator[int]:
    """Yield the descriptor of an empty file of mode 0600, which nobody else writes."""
    descriptor, is_new = _opened(part)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            is_ours = os.path.samestat(os.stat(part), os.fstat(descriptor))
        except (BlockingIOError, FileNotFoundError):
            is_ours = False
        if not is_ours:  # it may have become the backup of another process meanwhile
            raise InUse(f"another backup writes {part}: wait until it is done")
        if not (is_new or _is_own(os.fstat(descriptor))):
            raise ValueError(f"{part} is there already and is no file of this user alone: remove it")
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(part: Path) -> tuple[int, bool]:
    """Return the descriptor of a file, and whether it was made."""
    flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW
    try:
        return os.open(part, flags | os.O_EXCL, 0o600), True
    except FileExistsError:  # another backup writes it, or was killed
        return os.open(part, flags, 0o600), False


def _is_own(found: os.stat_result) -> bool:
    """Tell whether this is a file of this user that has no second name."""
    return found.st_uid == os.geteuid() and found.st_nlink == 1 and stat.S_ISREG(found.st_mode)


def _made(folder: Path, part: Path, descriptor: int, now: str) -> str:
    """Write the backup, and return the hash of what it holds."""
    with closing(connect_for_stream(folder / FILE)) as source:
        source.execute("BEGIN")
        (pages,) = source.execute("PRAGMA page_count").fetchone()
        (size,) = source.execute("PRAGMA page_size").fetchone()
        with carried.opened(folder, source) as files:
            _check_room(folder, part, pages * size + sum(os.fstat(file.fileno()).st_size for file in files.values()))
            refuse_backup(source, folder / FILE)
            copying.copy(source, descriptor, part)
            source.execute("ROLLBACK")  # from here on the log may begin anew
            with closing(copying.opened(part)) as copy:
                found = checking.fault(copy)
                if found is not None:
                    raise Unusable(
                        f"the database in {folder} is damaged, so no backup was made of it: {found}; `crmkit doctor` "
                        "looks at it, `crmkit restore` brings an earlier backup back"
                    )
                hash = checking.hash_of(copy)
                copy.execute("BEGIN")
                carried.put(copy, Label(now, __version__, hash, secret.text(folder)), files)
                copy.execute("COMMIT")
    return hash


def _check_room(folder: Path, part: Path, wanted: int) -> None:
    """Raise ENOSPC where a disk has less room; on that of the data, some is left for the database."""
    disk = os.statvfs(part)
    left = FREE_BYTES if part.stat().st_dev == folder.stat().st_dev else 0
    if disk.f_bavail * disk.f_frsize < wanted + left:
        raise OSError(errno.ENOSPC, f"{wanted + left:,} bytes are needed")


def _cannot_write(file: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        needed = "" if error.strerror == os.strerror(errno.ENOSPC) else f" ({error.strerror})"
        return (
            f"the disk that {file.absolute().parent} is on has no room for a backup{needed}: free some, or name another"
        )
    return f"{file} cannot be written: {error.strerror or error}"


def _failed(database: Path, file: Path, error: sqlite3.Error) -> Exception:
    if copying.is_full(error):
        return ValueError(_cannot_write(file, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    if why := faults.beside(database, error):
        return Unusable(f"no backup was made: {why}")
    return Unusable(f"{database} could not be copied to {file}: {error}; `crmkit doctor` looks at the database")
