"""What PostgreSQL's errors mean: a Problem for those who wait, the column that is taken, whether to try again."""

import re

import psycopg
from psycopg import errors

from crmkit.errors import Problem

RETRY = {"Retry-After": "5"}  # seconds
_LOST = ("08", "57P", "53300")  # SQLSTATE: connection, shutdown, too many connections
_COLUMNS = re.compile(r"\(([^()]*(?:\([^()]*\))?[^()]*)\)=\(")


def is_refused(error: BaseException) -> bool:
    """Tell whether a row breaks a rule of its table: a type, a check, a foreign key, a unique value."""
    return isinstance(error, psycopg.IntegrityError | psycopg.DataError)


def taken(error: BaseException) -> str | None:
    """Return the column whose value another row has already, the last one of a unique index; None for other errors."""
    if not isinstance(error, errors.UniqueViolation):
        return None
    found = _COLUMNS.search(error.diag.message_detail or "")
    return found[1].rpartition(",")[2].strip().strip('"') if found else ""


def is_lost(error: BaseException) -> bool:
    """Tell whether the connection is gone, or PostgreSQL takes none."""
    state = getattr(error, "sqlstate", None)
    return isinstance(error, psycopg.OperationalError) and (state is None or state.startswith(_LOST))


def may_run_again(error: BaseException) -> bool:
    """Tell whether the transaction came to nothing for no fault of its own."""
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected) or is_lost(error)


def failed(error: BaseException) -> BaseException:
    """Return what the caller gets of a read or write that raised this and was not done."""
    if not (may_run_again(error) or isinstance(error, errors.DiskFull)):
        return error
    return _problem(
        error,
        "The database of this server cannot be reached at the moment, so nothing was done. Send it again shortly, and "
        "tell the operator if it stays so.",
    )


def outcome_unknown(error: BaseException) -> BaseException:
    """Return what the caller gets whose connection was lost while its transaction was committed."""
    return _problem(
        error,
        "The database went away while this was saved: it may or may not have been done. Look before you send it again.",
    )


def _problem(error: BaseException, hint: str) -> Problem:
    problem = Problem("not_ready", hint, headers=RETRY)
    problem.__cause__ = error
    return problem
