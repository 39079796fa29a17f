"""Which processes serve a database: each holds a lock of the server's as long as it hears of commits."""

from psycopg import errors

from crmkit.storage.interface.database import InUse
from crmkit.storage.postgres.engine.connection import PostgresConnection

_LOCK = 0x63726D6B6974  # of all locks that programs may name, this program's
_SERVER_WAITS, _OPERATOR_WAITS = 5_000, 1_000  # milliseconds


def begin(connection: PostgresConnection) -> None:
    """Hold the lock that any number of servers may, until this connection ends; raises InUse during a repair."""
    _lock(connection, "pg_advisory_lock_shared", _SERVER_WAITS, "a repair runs on this database: try again later")


def exclude(connection: PostgresConnection) -> None:
    """Keep servers out until this connection ends; raises InUse if one runs."""
    _lock(connection, "pg_advisory_lock", _OPERATOR_WAITS, "a server runs on this database: stop it first")


def is_served(connection: PostgresConnection) -> bool:
    """Tell whether a server runs on this database."""
    (is_free,) = connection.execute("SELECT pg_try_advisory_lock(?)", (_LOCK,)).fetchone()
    if is_free:
        connection.execute("SELECT pg_advisory_unlock(?)", (_LOCK,)).fetchone()
    return not is_free


def _lock(connection: PostgresConnection, function: str, milliseconds: int, why_not: str) -> None:
    connection.execute(f"SET lock_timeout = {milliseconds}")
    try:
        connection.execute(f"SELECT {function}(?)", (_LOCK,)).fetchone()
    except errors.LockNotAvailable:
        raise InUse(why_not) from None
    finally:
        connection.execute("SET lock_timeout = 0")
