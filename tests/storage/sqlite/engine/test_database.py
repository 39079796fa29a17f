"""The connections of an open database: one that flushes what it writes, and others that only read."""

import asyncio
from functools import partial
from typing import Any

from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.engine.connection import CHECKPOINT_PAGES
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from tests.storage.desk import Desk, Gate
from tests.storage.writing.units import kept, put, scratch


def pragma(connection: Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_the_writer_flushes_what_it_commits(back: Desk) -> None:
    found = back.do(
        back.database.write(
            lambda tx: {
                name: pragma(tx.connection, name)
                for name in ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "trusted_schema")
            }
        )
    )
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "wal_autocheckpoint": CHECKPOINT_PAGES,
        "trusted_schema": 0,
    }


def test_a_none_that_is_bound_is_found_an_adapter_for_and_stays_none(back: Desk) -> None:
    assert (type(None), sqlite3.PrepareProtocol) in sqlite3.adapters
    sql = "SELECT ?1, typeof(?1)"
    assert back.do(back.database.read(None, lambda c: c.execute(sql, (None,)).fetchall())) == [(None, "null")]


def tries_to_write(connection: Connection) -> list[str]:
    """Return what SQLite says to every way of changing the file over this connection."""
    answers = []
    for statement in (
        "INSERT INTO scratch VALUES (1, 'by a reader')",
        "CREATE TABLE mine (n)",
        "PRAGMA user_version = 99",
        "PRAGMA query_only = OFF",  # takes away the second lock; the first is the way the file was opened
        "UPDATE scratch SET word = 'by a reader'",
        "DELETE FROM scratch",
    ):
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as error:
            answers.append(str(error))
    connection.execute("PRAGMA query_only = ON")
    return answers


def test_a_reading_connection_can_neither_write_nor_checkpoint(back: Desk) -> None:
    scratch(back)
    back.do(back.database.write(put(0)))
    log = back.database.folder / f"{FILE}-wal"
    before = log.read_bytes()
    for look in (partial(back.database.read, None), partial(back.database.scan, None)):
        assert back.do(look(pragma, "query_only")) == 1
        assert back.do(look(pragma, "wal_autocheckpoint")) == 0
        refusals = back.do(look(tries_to_write))
        assert len(refusals) == 5
        assert all("readonly" in refusal for refusal in refusals), refusals

    def checkpoint(connection: Connection) -> Any:
        try:
            return connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.OperationalError as error:
            return str(error)

    back.do(back.database.read(None, checkpoint))
    assert log.read_bytes() == before
    assert kept(back) == [0]


def test_a_list_sees_one_moment_of_the_database(back: Desk) -> None:
    scratch(back)
    gate = Gate()

    def twice(connection: Connection) -> tuple[int, int]:
        counts = [connection.execute("SELECT count(*) FROM scratch").fetchone()[0]]
        gate.reached.set()
        assert gate.opened.wait(30)
        counts.append(connection.execute("SELECT count(*) FROM scratch").fetchone()[0])
        return counts[0], counts[1]

    async def written_between() -> tuple[int, int]:
        reading = asyncio.create_task(back.database.scan(None, twice))
        await asyncio.to_thread(gate.reached.wait, 30)
        await back.database.write(put(1))
        gate.opened.set()
        return await reading

    assert back.do(written_between()) == (0, 0)
    assert back.do(back.database.scan(None, lambda c: c.execute("SELECT count(*) FROM scratch").fetchone()[0])) == 1
