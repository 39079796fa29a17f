"""Units of work for tests of the writer: good ones, bad ones, and what is found afterwards."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine.database import SqliteDatabase
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from tests.storage.desk import Desk, queued

Unit = Callable[[Tx], Any]


def scratch(back: Desk) -> None:
    """Give the database a table to write to."""
    back.do(back.database.write(lambda tx: tx.connection.execute("CREATE TABLE scratch (n INTEGER UNIQUE, word TEXT)")))


def put(n: int) -> Unit:
    def unit(tx: Tx) -> int:
        tx.connection.execute("INSERT INTO scratch VALUES (?, ?)", (n, f"word {n}"))
        return n

    return unit


def kept(back: Desk) -> list[int]:
    """Return what a stranger to this process's connections finds in the file."""
    return seen(back.database.folder / FILE)


def seen(file: Path) -> list[int]:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as stranger:
        return [n for (n,) in stranger.execute("SELECT n FROM scratch ORDER BY n")]


async def grouped(database: SqliteDatabase, units: list[Unit]) -> list[Any]:
    return await queued(database, [partial(database.write, unit) for unit in units])


def traced(back: Desk) -> list[str]:
    """Return a list that from now on grows by every statement the writer begins."""
    statements: list[str] = []
    back.do(back.database.write(lambda tx: tx.connection.set_trace_callback(statements.append)))
    statements.clear()  # the end of the transaction that set it
    return statements


def fills_the_disk(dropped: list[bool]) -> Unit:
    """Return a unit for which SQLite gives up the whole transaction, as on a full disk."""

    def unit(tx: Tx) -> None:
        execute = tx.connection.execute
        (pages,) = execute("PRAGMA page_count").fetchone()
        execute(f"PRAGMA max_page_count = {pages + 2}")
        try:
            execute("INSERT INTO scratch VALUES (999, zeroblob(4000000))")
        finally:
            dropped.append(not tx.connection.in_transaction)
            execute("PRAGMA max_page_count = 1073741823")

    return unit


def rolls_back(dropped: list[bool]) -> Unit:
    """Return a unit whose trigger rolls the whole transaction back."""

    def unit(tx: Tx) -> None:
        execute = tx.connection.execute
        execute(
            "CREATE TEMP TRIGGER no BEFORE INSERT ON scratch WHEN new.n = 999 BEGIN SELECT RAISE(ROLLBACK, 'no'); END"
        )
        try:
            execute("INSERT INTO scratch VALUES (999, 'never')")
        finally:
            dropped.append(not tx.connection.in_transaction)

    return unit
