"""A read that sees one moment, and ends at its deadline."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import psycopg
from psycopg import errors

from crmkit.storage.lists.deadline import Deadline
from crmkit.storage.postgres.engine import faults
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.pool import Connections

T = TypeVar("T")

RUNS = 3  # of a read whose connection is lost again and again


def snapshot_again(connections: Connections, deadline: Deadline, work: Callable[..., T], *args: object) -> T:
    """Return what `snapshot` returns; work that nobody has seen anything of runs again where its connection is lost."""
    for _ in range(RUNS - 1):
        try:
            with connections.one() as connection:
                return snapshot(connection, deadline, work, *args)
        except psycopg.Error as error:
            if not faults.is_lost(error) or time.monotonic() > deadline.ends:
                raise
    with connections.one() as connection:
        return snapshot(connection, deadline, work, *args)


def snapshot(connection: PostgresConnection, deadline: Deadline, work: Callable[..., T], *args: object) -> T:
    """Return `work(connection, *args)`, all of whose statements see the database at one moment.

    A statement that runs past the deadline is ended by PostgreSQL, one that nobody waits for any more is canceled; then
    this raises what `refusal()` says.
    """
    if not connection.is_alive():  # it was lost since the read before
        connection.revive()
    with connection.pipelined(is_waited=False):
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            if not connection.prepares:  # there is a pooler: nothing was set when the session began
                connection.execute("SET LOCAL jit = off")
            if math.isfinite(deadline.ends):
                left = max(1, int((deadline.ends - time.monotonic()) * 1000))
                connection.execute(f"SET LOCAL statement_timeout = {left:d}")
            connection.is_over = deadline.is_over
            return work(connection, *args)
        except errors.QueryCanceled:
            raise deadline.refusal() from None
        finally:
            connection.is_over = None
            with suppress(psycopg.Error):  # the connection is gone
                connection.execute("ROLLBACK")
