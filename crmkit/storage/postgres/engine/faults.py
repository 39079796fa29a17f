"""What PostgreSQL's errors mean: a Problem for those who wait, the column that is taken, whether to try again."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from crmkit.errors import Problem
from crmkit.storage.interface.database import Unusable

RETRY = {"Retry-After": "5"}  # seconds
# SQLSTATE: connection, shutdown, too many connections, idle for too long, a server that takes no writes any more
_LOST = ("08", "57P", "53300", "25P03", "25006")
_TOO_LONG, _NO_ZONE = "54000", "22023"  # for an index; a name of a time zone, among other arguments
_FULL, _CANCELED = "53", ("57014", "55P03")  # disk or memory; by whoever runs PostgreSQL, or a timeout of theirs
STANDBY = (
    "the database is a standby, which takes no writes: name its primary in [server] data, or both hosts with "
    "target_session_attrs=read-write"
)
READ_ONLY = (
    "default_transaction_read_only is on, so the database takes no writes: set it off for this role and database "
    "(ALTER ROLE, ALTER DATABASE … SET), or in postgresql.conf"
)
NONE_LEFT = (
    "The database of this server has no connection left, so nothing was done. Send it again shortly, and tell the "
    "operator if it stays so: max_connections of PostgreSQL is too low, or a pooler is needed."
)
_COLUMNS = re.compile(r"\(([^()]*(?:\([^()]*\))?[^()]*)\)=\(")


def is_refused(error: BaseException) -> bool:
    """Tell whether a row breaks a rule of its table: a type, a check, a foreign key, a unique or indexed value."""
    return isinstance(error, psycopg.IntegrityError | psycopg.DataError | errors.ProgramLimitExceeded)


def taken(error: BaseException) -> str | None:
    """Return the column whose value another row has already, the last one of a unique index; None for other errors."""
    if not isinstance(error, errors.UniqueViolation):
        return None
    found = _COLUMNS.search(error.diag.message_detail or "")
    return found[1].rpartition(",")[2].strip().strip('"') if found else ""


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection is gone or of no more use, or PostgreSQL takes none."""
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError) and not isinstance(error, errors.PipelineAborted)
    return error.sqlstate.startswith(_LOST)


def has_none_left(error: BaseException) -> bool:
    """Tell whether the database takes no further connection, though those that are there go on."""
    return isinstance(error, errors.TooManyConnections)


def unreachable(error: psycopg.Error) -> str:
    """Return why nobody could connect, in one line."""
    why = " ".join(str(error).split())
    if "idle_session_timeout" in why:  # which sessions have since 14
        return "PostgreSQL 14 or later is needed"
    return why if has_none_left(error) else f"the database cannot be reached: {why}"


def may_run_again(error: BaseException) -> bool:
    """Tell whether the transaction came to nothing for no fault of its own."""
    return _is_conflict(error) or is_lost(error)


def failed(error: BaseException) -> BaseException:
    """Return what the caller gets of a read or write that raised this and was not done."""
    state = getattr(error, "sqlstate", None) or ""
    if state == _TOO_LONG:
        return Problem("too_large", "A text is longer than an index of PostgreSQL takes, some 2,700 bytes: shorten it.")
    if state == _NO_ZONE and "time zone" in str(error):
        return Problem("invalid_value", "The time zone data of PostgreSQL does not have this time zone: send another.")
    if has_none_left(error):
        return _problem(error, NONE_LEFT)
    if is_lost(error) or isinstance(error, TimeoutError):
        why = "The database of this server cannot be reached at the moment"
    elif _is_conflict(error):
        why = "Others wrote the same at the same time, again and again"
    elif state.startswith(_FULL):
        why = "The database of this server has no room left"
    elif state in _CANCELED:
        why = "The database of this server was told to stop this"
    else:
        return error
    return _problem(error, f"{why}, so nothing was done. Send it again shortly, and tell the operator if it stays so.")


def outcome_unknown(error: BaseException) -> BaseException:
    """Return what the caller gets whose connection was lost while its transaction was committed."""
    return _problem(
        error,
        "The database went away while this was saved: it may or may not have been done. Look before you send it again; "
        "under the same Idempotency-Key it is done once.",
    )


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected)


def _problem(error: BaseException, hint: str) -> Problem:
    problem = Problem("not_ready", hint, headers=RETRY)
    problem.__cause__ = error
    return problem


def line(error: BaseException, what: str) -> str:
    """Return what an operator is told of an error that stopped something."""
    why = " ".join(str(error).split())
    if isinstance(error, errors.ReadOnlySqlTransaction):
        return STANDBY if "recovery" in why else READ_ONLY
    if has_none_left(error):
        return why
    return f"the disk of the database is full: {why}" if isinstance(error, errors.DiskFull) else f"{what}: {why}"


@contextmanager
def told(what: str = "the database cannot be read or written") -> Iterator[None]:
    """Raise Unusable for what PostgreSQL raises in a block, also where a Problem says it to those who wait."""
    try:
        yield
    except psycopg.Error as error:
        raise Unusable(line(error, what)) from None
    except Problem as problem:
        if not isinstance(problem.__cause__, psycopg.Error):
            raise
        raise Unusable(line(problem.__cause__, problem.hint.rstrip("."))) from None
