"""What SQLite's error codes mean: a Problem for those who wait, a line for the operator, the column that is taken."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from crmkit.errors import Problem
from crmkit.storage.data_folder import is_read_only, why_not
from crmkit.storage.interface.database import Unusable
from crmkit.storage.sqlite.engine.driver import sqlite3

# result codes of SQLite (sqlite.org/rescode.html): primary ones, and two of the extended ones
_BUSY, _READONLY, _INTERRUPT, _IOERR, _CORRUPT, _FULL, _CANTOPEN = 5, 8, 9, 10, 11, 13, 14
_CONSTRAINT, _NOTADB, _CONSTRAINT_PRIMARYKEY, _CONSTRAINT_UNIQUE = 19, 26, 1555, 2067
_OF_THE_DISK = {_READONLY, _IOERR, _FULL}
_DAMAGED = {_CORRUPT, _NOTADB}  # or what the disk cannot read (EIO), which ends a statement in the same way
RETRY = {"Retry-After": "30"}  # seconds
RETRY_LOCKED = {"Retry-After": "5"}
DAMAGED = "The server's database cannot be read: its disk fails or its file is damaged."
SMALLEST = 1 << 20  # bytes free, with less of which a database cannot be opened


def is_interrupt(error: sqlite3.Error) -> bool:
    """Tell whether a progress handler stopped the statement."""
    return _code(error) == _INTERRUPT


def is_refused(error: BaseException) -> bool:
    """Tell whether a row breaks a rule of its table: a type, a check, a foreign key, a unique value."""
    return isinstance(error, sqlite3.IntegrityError)


def taken(error: BaseException) -> str | None:
    """Return the column whose value another row has already, the last one of a unique index; None for other errors.

    The column is in the message alone. Some builds give only the primary code; then the message also tells that it was
    UNIQUE.
    """
    code = getattr(error, "sqlite_errorcode", 0)
    if code not in (_CONSTRAINT, _CONSTRAINT_UNIQUE, _CONSTRAINT_PRIMARYKEY):
        return None
    what, _, columns = str(error).partition(" constraint failed: ")
    return columns.rpartition(".")[2] if what == "UNIQUE" else None


def may_have_committed(error: BaseException) -> bool:
    """Tell whether a recovery may find the commit that raised this: its flush failed.

    On a full disk it cannot: the frame that marks a commit is written last.
    """
    return isinstance(error, sqlite3.Error) and _code(error) == _IOERR


def write_failed(error: BaseException) -> BaseException:
    """Return what the caller of a write gets that raised this and was not done.

    That is `not_ready` for a fault of the disk or the file, `busy` where another program holds the database.
    """
    code = _code(error) if isinstance(error, sqlite3.Error) else 0
    if code == _BUSY:
        return _caused(
            Problem(
                "busy",
                "Another program holds the server's database, so nothing was changed: send it again in 5 seconds. Tell "
                "the operator if it stays so, who can end that program.",
                headers=RETRY_LOCKED,
            ),
            error,
        )
    if code in _DAMAGED:
        return _not_ready(error, f"{DAMAGED} Nothing was changed. Tell the operator: `crmkit doctor`.")
    if code not in _OF_THE_DISK:
        return error
    why = "is full" if code == _FULL else "cannot be written"
    return _not_ready(
        error,
        f"The server's disk {why}, so nothing was changed. Reading goes on. Tell the operator, who can free space or "
        "look at the disk; writing goes on by itself once that is possible.",
    )


def read_failed(error: BaseException) -> BaseException:
    """Return what the caller of a read gets that raised this: `not_ready` for a fault of the disk or the file."""
    code = _code(error) if isinstance(error, sqlite3.Error) else 0
    if code in _DAMAGED:
        return _not_ready(error, f"{DAMAGED} Try again shortly, and tell the operator if it stays so: `crmkit doctor`.")
    if code not in _OF_THE_DISK:
        return error
    return _not_ready(
        error, "The server's disk cannot be read. Try again shortly, and tell the operator if it stays so."
    )


def outcome_unknown(error: BaseException) -> BaseException:
    """Return what the caller gets whose commit was written and may be lost."""
    return _not_ready(
        error,
        "The server's disk failed while this was saved: it may or may not have been done. Look before you send it "
        "again, and tell the operator.",
    )


@contextmanager
def told(file: Path, done: str) -> Iterator[None]:
    """Run a block that works on the database in `file`; what SQLite raises becomes Unusable, which says what to do."""
    try:
        yield
    except (sqlite3.Error, Problem) as error:
        cause = error.__cause__ if isinstance(error, Problem) else error
        if not isinstance(cause, sqlite3.Error):
            raise
        raise Unusable(cannot(done, file, cause)) from None


def cannot(done: str, file: Path, error: BaseException, room: str = "some space") -> str:
    """Return why the database in `file` could not be `done`, and what to do: one line for the operator.

    `room` is what has to be free on the disk for it.
    """
    if is_full(file.parent, error):
        return (
            f"the disk that holds {file.parent} is full, so the database cannot be {done}: free {room} and start "
            "again; nothing is lost"
        )
    if why := beside(file, error):
        return f"the database cannot be {done}: {why}"
    return f"the database {file} cannot be {done}: {error}; `crmkit doctor` looks at it, or restore a copy"


def beside(file: Path, error: BaseException) -> str:
    """Return what else than the content of `file` caused an error: who holds it, whose the files are; else nothing."""
    code = _code(error) if isinstance(error, sqlite3.Error) else 0
    if code == _BUSY:
        return f"another program holds {file}: end that program, or wait for it; nothing is lost"
    if code not in (_CANTOPEN, _READONLY):
        return ""
    if is_read_only(file.parent):
        return why_not(file.parent, OSError(errno.EROFS, os.strerror(errno.EROFS), str(file)))
    files = [file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm", "-journal")]
    closed = next((each for each in files if each.exists() and not os.access(each, os.R_OK | os.W_OK)), None)
    if closed is None and os.access(file.parent, os.W_OK | os.X_OK):
        return ""
    return why_not(file.parent, OSError(errno.EACCES, os.strerror(errno.EACCES), str(closed or file.parent)))


def is_full(folder: Path, error: BaseException) -> bool:
    """Tell whether a full disk caused the error: without room for the log's index SQLite reports an I/O error."""
    code = _code(error) if isinstance(error, sqlite3.Error) else 0
    if code not in (_IOERR, _CANTOPEN):
        return code == _FULL
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize < SMALLEST


def _not_ready(error: BaseException, hint: str) -> Problem:
    return _caused(Problem("not_ready", hint, headers=RETRY), error)


def _caused(problem: Problem, error: BaseException) -> Problem:
    problem.__cause__ = error
    return problem


def _code(error: BaseException) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
