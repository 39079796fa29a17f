"""Which processes serve a database: each has a lease of its own. Who must be alone locks their table meanwhile."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import errors

from crmkit.storage.interface.database import InUse
from crmkit.storage.postgres import key, migrate
from crmkit.storage.postgres.engine import leases
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.leases import Leases
from crmkit.storage.postgres.engine.pool import Pool

NAME = "serving:"  # of the leases, with the holder behind it
_SERVER_WAITS, _OPERATOR_WAITS = 3_000, 1_000  # milliseconds, less than the timeout of a short read
_LOOK_SECONDS = 0.2
_LIVE = f"FROM leases WHERE name LIKE '{NAME}%' AND until > clock_timestamp()"
_IN_USE = "a server runs on this database: stop it first"


class Serving:
    """Says that this process serves, from `open` to `close`."""

    def __init__(self, pool: Pool, held: Leases) -> None:
        self._pool = pool
        self._leases = held
        self._task: asyncio.Task[None] | None = None

    async def open(self, folder: Path) -> None:
        """Raises InUse during a repair, Unusable where the folder has another key than the database."""
        name = NAME + self._leases.holder
        await self._pool.run(_begin, name, self._leases.holder, folder)
        self._task = asyncio.create_task(self._leases.alone(name, asyncio.Event().wait))

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _begin(connection: PostgresConnection, name: str, holder: str, folder: Path) -> None:
    migrate.check_writes(connection)
    with _locking(connection, _SERVER_WAITS, "a repair runs on this database: try again later"):
        leases.take(connection, name, holder)
        key.join(connection, folder)
        connection.execute(f"DELETE FROM leases WHERE name LIKE '{NAME}%' AND until < now() - interval '1 day'")


def is_served(connection: PostgresConnection) -> bool:
    """Tell whether a server runs on this database, or was killed some seconds ago."""
    return connection.execute(f"SELECT 1 {_LIVE} LIMIT 1").fetchone() is not None


@contextmanager
def excluded(connection: PostgresConnection) -> Iterator[None]:
    """Keep servers out until the block ends, by a transaction of this connection; raises InUse if one runs."""
    first = _until(connection)
    while found := _until(connection):  # those of servers that were killed end by themselves
        if not found.items() <= first.items():
            raise InUse(_IN_USE)
        time.sleep(_LOOK_SECONDS)
    with _locking(connection, _OPERATOR_WAITS, "another repair runs on this database"):
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        connection.execute("LOCK TABLE leases IN SHARE ROW EXCLUSIVE MODE")
        if is_served(connection):
            raise InUse(_IN_USE)
        yield


@contextmanager
def _locking(connection: PostgresConnection, milliseconds: int, why_not: str) -> Iterator[None]:
    """A transaction that waits so long for a lock, then raises InUse."""
    connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        connection.execute(f"SET LOCAL lock_timeout = {milliseconds:d}")
        yield
        connection.execute("COMMIT")
    except errors.LockNotAvailable:
        raise InUse(why_not) from None
    finally:
        if not connection.driver.closed:
            connection.execute("ROLLBACK")


def _until(connection: PostgresConnection) -> dict[str, str]:
    return dict(connection.execute(f"SELECT name, until::text {_LIVE}").fetchall())
