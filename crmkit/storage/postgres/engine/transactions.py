"""Units of work in one transaction, which runs again where PostgreSQL ended it for no fault of theirs."""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import errors

from crmkit.model.actor import Actor
from crmkit.storage.interface.commits import EVERYTHING
from crmkit.storage.interface.lanes import ANYWHERE, Lane
from crmkit.storage.interface.tx import Known, Unit
from crmkit.storage.postgres.engine import faults, lanes
from crmkit.storage.postgres.engine.connection import EarlierFailed, PostgresConnection
from crmkit.storage.postgres.engine.lanes import LaneTx

RUNS = 5  # of a transaction that PostgreSQL ended, or whose connection was lost before its COMMIT
RUNS_TOGETHER = 2  # of them by all of its units
CONFLICT_PAUSE = 0.02  # seconds, in which others of a deadlock take the lanes that they wait for
CONNECT_SECONDS, CONNECT_PAUSE = 0.2, 0.05  # until it is given up, between two tries
SETTLE_SECONDS = 4  # to find out how a transaction ended
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


class _InDoubt(Exception):
    """The connection was lost during COMMIT: then these are the outcomes, or nothing was done."""

    def __init__(self, id: str | None, held: Collection[Lane], outcomes: list[Any]) -> None:
        super().__init__()
        self.id = id  # of the transaction
        self.held = held
        self.outcomes = outcomes


def run(connection: PostgresConnection, works: Sequence[Work], now_: Callable[[], str], tell: Tell) -> list[Any]:
    """Return for each unit its value or the exception it raised, after one commit for all of the same lanes.

    What PostgreSQL ended runs again; several units that were ended together twice do so in transactions of their own.
    """
    for _ in range(RUNS_TOGETHER if len(works) > 1 else RUNS):
        try:
            if connection.driver.closed:
                _connect(connection)
        except psycopg.Error as error:
            return [faults.failed(error)] * len(works)
        try:
            return _transaction(connection, works, now_, tell)
        except _InDoubt as doubt:
            problem = faults.failed(doubt.__cause__ or doubt)
            is_done = _is_done(connection, doubt)
            if is_done is None:
                return [faults.outcome_unknown(doubt.__cause__ or doubt)] * len(works)
            if is_done:
                return doubt.outcomes
        except EarlierFailed:  # each unit gets an error of its own where it is alone
            break
        except psycopg.Error as error:
            problem = faults.failed(error)
            if not faults.may_run_again(error):
                break
            if faults.is_lost(error):
                connection.close()
            else:
                time.sleep(CONFLICT_PAUSE)
    if len(works) == 1:
        return [problem]
    return [outcome for work in works for outcome in run(connection, [work], now_, tell)]


def _connect(connection: PostgresConnection) -> None:
    """Connect again, where that is possible within a moment."""
    ends = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return connection.revive()
        except psycopg.OperationalError:
            if time.monotonic() > ends:
                raise
        time.sleep(CONNECT_PAUSE)


def _is_done(connection: PostgresConnection, doubt: _InDoubt) -> bool | None:
    """Tell whether a transaction was committed; None if that cannot be found out."""
    life, ends = connection.life, time.monotonic() + SETTLE_SECONDS
    while doubt.id is not None and time.monotonic() < ends:
        try:
            _connect(connection)
            status = _status(connection, doubt.id, doubt.held)
        except psycopg.Error:
            continue
        if status == "aborted":
            return False
        # in another life of the server the id may be that of another transaction
        return True if status == "committed" and connection.life == life else None
    return None


def _status(connection: PostgresConnection, id: str, held: Collection[Lane]) -> str | None:
    """Return how a transaction ended, as PostgreSQL says it.

    It has ended once its lanes are free. They are locked, which is committed: so what this tells is durable, on all
    servers that must have it.
    """
    execute = connection.execute
    execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    try:
        execute(f"SET LOCAL lock_timeout = {SETTLE_SECONDS * 1000}")
        lanes.lock(connection, held)
        status: str | None = execute("SELECT pg_xact_status(?::xid8)", (id,)).fetchone()[0]
        if status == "aborted":
            _rolled_back(connection)
            return status
        lanes.release(connection, held)
    except errors.InvalidParameterValue:  # an id of the future: PostgreSQL crashed before it had written it down
        _rolled_back(connection)
        return "aborted"
    except BaseException:
        _rolled_back(connection)
        raise
    execute("COMMIT")
    return status


def _transaction(
    connection: PostgresConnection, works: Sequence[Work], now_: Callable[[], str], tell: Tell
) -> list[Any]:
    """Return the outcomes of units that were committed together.

    Statements are sent without waiting, but for those whose rows somebody looks at. So one that fails may be noticed in
    a later unit, or with the COMMIT.
    """
    execute = connection.execute
    first = works[0]
    held = {UPKEEP} if {*first.lanes} == {*ANYWHERE} and not first.is_beside else {*first.lanes}
    with connection.pipelined():
        try:
            execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            id = lanes.lock(connection, held)
            outcomes = _outcomes(connection, works, now_(), held)
            if len(works) == 1 and isinstance(outcomes[0], BaseException):
                execute("ROLLBACK")
                return outcomes
            lanes.release(connection, held)
            tell(connection, {name for work in works for name in work.names})
            if id is None:  # nobody could say how it ended: all that can fail is to fail before
                connection.receive()
        except BaseException:
            _rolled_back(connection)
            raise
        try:
            done = execute("COMMIT").tag
        except psycopg.Error as error:
            if faults.is_lost(error):
                raise _InDoubt(id, held, outcomes) from error
            _rolled_back(connection)
            raise
    if done != b"COMMIT":  # PostgreSQL answers so where a statement failed before
        raise RuntimeError("a unit went on after a statement of it had failed")
    return outcomes


def _outcomes(connection: PostgresConnection, works: Sequence[Work], now: str, held: set[Lane]) -> list[Any]:
    """Return for each unit its value or the exception it raised; the lanes that they entered are added to `held`."""
    outcomes: list[Any] = []
    known = Known()
    for work in works:
        if len(works) > 1:
            connection.execute("SAVEPOINT unit")
            connection.mark()
        tx = LaneTx(connection, now, work.actor, known, {*work.lanes})
        work.names = set()
        connection.has_changed_rights = False
        try:
            outcomes.append(work.unit(tx))
        except Exception as error:
            if faults.may_run_again(error):
                raise
            outcomes.append(faults.failed(error))
            known = Known()
            if len(works) > 1:
                connection.execute("ROLLBACK TO unit")
        else:
            work.names = {*tx.topics} if work.is_silent else {EVERYTHING, *tx.lanes, *tx.topics}
            held |= tx.lanes
        if connection.has_changed_rights:
            known = Known()
        if len(works) > 1:
            connection.execute("RELEASE unit")
            connection.begin()
    return outcomes


def _rolled_back(connection: PostgresConnection) -> None:
    with suppress(psycopg.Error):
        connection.execute("ROLLBACK")
