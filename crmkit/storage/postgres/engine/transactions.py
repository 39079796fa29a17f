"""Units of work in one transaction, which runs again where PostgreSQL ended it for no fault of theirs."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from msgspec import Struct

from crmkit.model.actor import Actor
from crmkit.storage.interface.commits import EVERYTHING
from crmkit.storage.interface.lanes import ANYWHERE, Lane
from crmkit.storage.interface.tx import Unit
from crmkit.storage.postgres.engine import faults, lanes
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.lanes import LaneTx

RUNS = 5  # of a transaction that PostgreSQL ended
UPKEEP: Lane = "upkeep:"  # of work of the system that names no lane: of all processes, one does it at a time

Tell = Callable[[PostgresConnection, set[str | None]], None]


class Work(Struct):
    """A unit of work and who waits for it; `names` is whom its commit is told to."""

    unit: Unit[Any]
    actor: Actor | None
    lanes: Sequence[Lane]
    is_silent: bool = False
    is_beside: bool = False  # work that a request left, which waits for nobody
    names: set[str | None] = set()


class _OutcomeUnknown(Exception):
    """The connection was lost while the transaction was committed."""


def run(connection: PostgresConnection, works: Sequence[Work], now_: Callable[[], str], tell: Tell) -> list[Any]:
    """Return for each unit its value or the exception it raised, after one commit for all of the same lanes.

    Where several were ended together, each runs again in a transaction of its own.
    """
    for last in range(RUNS):
        try:
            return _transaction(connection, works, now_, tell)
        except _OutcomeUnknown as error:
            return [faults.outcome_unknown(error.__cause__ or error)] * len(works)
        except psycopg.Error as error:
            _rolled_back(connection)
            if faults.is_lost(error):
                raise
            if not faults.may_run_again(error) or last == RUNS - 1:
                return [faults.failed(error)] * len(works)
        if len(works) > 1:
            return [outcome for work in works for outcome in run(connection, [work], now_, tell)]
    raise AssertionError("a loop of no run")


def _transaction(
    connection: PostgresConnection, works: Sequence[Work], now_: Callable[[], str], tell: Tell
) -> list[Any]:
    execute = connection.execute
    outcomes: list[Any] = []
    first = works[0]
    held = {UPKEEP} if {*first.lanes} == {*ANYWHERE} and not first.is_beside else {*first.lanes}
    execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        lanes.lock(connection, held)
        now = now_()
        told: set[str | None] = set()
        for work in works:
            if len(works) > 1:
                execute("SAVEPOINT unit")
            tx = LaneTx(connection, now, work.actor, lanes={*work.lanes})
            work.names = set()
            try:
                outcomes.append(work.unit(tx))
            except Exception as error:
                if faults.may_run_again(error):
                    raise
                if len(works) == 1:
                    execute("ROLLBACK")
                    return [faults.failed(error)]
                execute("ROLLBACK TO unit")
                outcomes.append(faults.failed(error))
            else:
                work.names = {*tx.topics} if work.is_silent else {EVERYTHING, *tx.lanes, *tx.topics}
                told |= work.names
                held |= tx.lanes
            if len(works) > 1:
                execute("RELEASE unit")
        lanes.release(connection, held)
        tell(connection, told)
    except BaseException:
        _rolled_back(connection)
        raise
    try:
        execute("COMMIT")
    except psycopg.Error as error:
        if faults.is_lost(error):
            raise _OutcomeUnknown from error
        raise
    return outcomes


def _rolled_back(connection: PostgresConnection) -> None:
    with suppress(psycopg.Error):
        connection.execute("ROLLBACK")
