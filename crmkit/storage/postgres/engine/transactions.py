"""Units of work in one transaction, which runs again where PostgreSQL ended it for no fault of theirs."""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import errors

from crmkit.model.actor import Actor
from crmkit.storage.interface.commits import EVERYTHING, RIGHTS
from crmkit.storage.interface.lanes import ANYWHERE, Lane
from crmkit.storage.interface.tx import Known, Unit
from crmkit.storage.postgres.engine import faults, lanes
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.lanes import LaneTx

RUNS = 5  # of a transaction that PostgreSQL ended, or whose connection was lost before its COMMIT
CONFLICT_PAUSE = 0.02  # seconds, in which others of a deadlock take the lanes that they wait for
CONNECT_SECONDS, CONNECT_PAUSE = 0.2, 0.05  # until it is given up, between two tries
SETTLE_SECONDS = 4  # to find out how a transaction ended
UPKEEP: Lane = "upkeep:"  # of work of the system that names no lane: of all processes, one does it at a time


class Work(Struct):
    """A unit of work and who waits for it; `names` is whom its commit is told to, once it has run."""

    unit: Unit[Any]
    actor: Actor | None
    lanes: Sequence[Lane]
    is_silent: bool = False
    is_beside: bool = False  # work that a request left, which waits for nobody
    names: set[str | None] = set()


class _NotTogether(Exception):
    """Units cannot be committed together: one failed, and what it wrote cannot be taken back alone.

    `at` is its place, None where nobody knows which one it was.
    """

    def __init__(self, at: int | None = None) -> None:
        super().__init__()
        self.at = at


class _InDoubt(Exception):
    """The connection was lost during COMMIT: then these are the outcomes, or nothing was done."""

    def __init__(self, id: str | None, held: Collection[Lane], outcomes: list[Any]) -> None:
        super().__init__()
        self.id = id  # of the transaction
        self.held = held
        self.outcomes = outcomes


def run(connection: PostgresConnection, works: Sequence[Work], now_: Callable[[], str]) -> list[Any]:
    """Return for each unit its value or the exception it raised, after one commit for all of the same lanes.

    Units of which one fails after it may have written run again: that one alone, those before and after it together.
    What PostgreSQL ended runs again, too, each unit in a transaction of its own.
    """
    parts = [[work] for work in works]
    for _ in range(1 if len(works) > 1 else RUNS):
        try:
            if connection.driver.closed:
                _connect(connection)
        except psycopg.Error as error:
            return [faults.failed(error)] * len(works)
        try:
            return _transaction(connection, works, now_())
        except _InDoubt as doubt:
            problem = faults.failed(doubt.__cause__ or doubt)
            outcomes = _settled(connection, doubt)
            if outcomes:
                return outcomes
        except _NotTogether as failed:
            if failed.at is not None:
                parts = [[*works[: failed.at]], [works[failed.at]], [*works[failed.at + 1 :]]]
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
    return [outcome for part in parts if part for outcome in run(connection, part, now_)]


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


def _settled(connection: PostgresConnection, doubt: _InDoubt) -> list[Any]:
    """Return the outcomes of a transaction that was committed, or that they are unknown; [] if nothing was done."""
    is_done = _is_done(connection, doubt)
    if is_done is None:
        return [faults.outcome_unknown(doubt.__cause__ or doubt)] * len(doubt.outcomes)
    return doubt.outcomes if is_done else []


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


def _transaction(connection: PostgresConnection, works: Sequence[Work], now: str) -> list[Any]:
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
            outcomes = _outcomes(connection, works, now, held)
            if len(works) == 1 and isinstance(outcomes[0], BaseException):
                with suppress(errors.InFailedSqlTransaction):  # that is why the unit failed
                    connection.receive()  # what failed before, and the unit did not look at
                execute("ROLLBACK")
                return outcomes
            lanes.release(connection, held)
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
    if done == b"COMMIT":
        return outcomes
    if len(works) > 1:  # PostgreSQL answers otherwise where a statement failed before
        raise _NotTogether
    return [RuntimeError("a unit went on after a statement of it had failed")]


def _outcomes(connection: PostgresConnection, works: Sequence[Work], now: str, held: set[Lane]) -> list[Any]:
    """Return for each unit its value or the exception it raised; the lanes that they entered are added to `held`.

    No unit has a savepoint: nearly all that fail do so before they write.
    """
    outcomes: list[Any] = []
    known = Known()
    for at, work in enumerate(works):
        tx = LaneTx(connection, now, work.actor, known, {*work.lanes})
        work.names = set()
        connection.has_written = connection.has_changed_rights = False
        try:
            outcomes.append(work.unit(tx))
        except Exception as error:
            if faults.may_run_again(error):
                raise
            if len(works) > 1 and (connection.has_written or isinstance(error, psycopg.Error)):
                raise _NotTogether(at) from error
            outcomes.append(faults.failed(error))
            known = Known()
        else:
            work.names = {*tx.topics} if work.is_silent else {EVERYTHING, *tx.lanes, *tx.topics}
            held |= tx.lanes
            if connection.has_changed_rights:
                work.names.add(RIGHTS)
        if connection.has_changed_rights:
            known = Known()
        if len(works) > 1:
            connection.begin()
    return outcomes


def _rolled_back(connection: PostgresConnection) -> None:
    with suppress(psycopg.Error):
        connection.execute("ROLLBACK")
