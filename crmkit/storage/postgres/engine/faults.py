"""What PostgreSQL's errors mean: a Problem for those who wait, the column that is taken, whether to try again."""

import re

import psycopg
from psycopg import errors

from crmkit.errors import Problem

RETRY = {"Retry-After": "5"}  # seconds
# SQLSTATE: connection, shutdown, too many connections, idle for too long, a server that takes no writes any more
_LOST = ("08", "57P", "53300", "25P03", "25006")
_TOO_LONG, _NO_ZONE = "54000", "22023"  # for an index; a name of a time zone, among other arguments
_FULL, _CANCELED = "53", ("57014", "55P03")  # disk or memory; by whoever runs PostgreSQL, or a timeout of theirs
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
