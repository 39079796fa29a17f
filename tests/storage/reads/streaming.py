"""What tests of streams read, and how they look what a stream holds."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from itertools import islice
from pathlib import Path

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine.folder import FILE
from tests.storage.desk import HANGS, Desk, desk

KIB = 1024
BATCH = 10
ROWS = 1000


def actor(name: str, workspace: str = "") -> Actor:
    return Actor(f"u_{name}", "", "admin", "tok_1", "", f"ws_{workspace or name}", "", 1, "")


ALICE, BOB = actor("alice"), actor("bob")


def numbers(connection: Connection) -> Iterator[bytes]:
    """Yield the numbers of all rows, a line each, in batches."""
    rows = iter(connection.execute("SELECT number FROM scratch ORDER BY number"))
    while batch := [*islice(rows, BATCH)]:
        yield "".join(f"{number}\n" for (number,) in batch).encode()


def made(connection: Connection, pieces: int) -> Iterator[bytes]:
    for _ in range(pieces):
        yield b"x" * 100 * KIB


def endless(connection: Connection) -> Iterator[bytes]:
    """Yield a piece a millisecond."""
    connection.execute("SELECT count(*) FROM scratch").fetchone()
    while True:
        yield b"0"
        time.sleep(0.001)


def slow(connection: Connection) -> Iterator[bytes]:
    """Yield a piece, then look for another for minutes."""
    yield b"0"
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    ).fetchone()


def fill(tx: Tx, rows: int = ROWS) -> None:
    tx.connection.execute("CREATE TABLE scratch (number INTEGER PRIMARY KEY, word TEXT)")
    tx.connection.executemany("INSERT INTO scratch (number) VALUES (?)", [(number,) for number in range(rows)])


def write(tx: Tx) -> None:
    sql = "INSERT INTO scratch (number, word) SELECT max(number) + 1, ? FROM scratch"
    tx.connection.execute(sql, (os.urandom(10_000).hex(),))


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "data") as back:
        back.do(back.database.write(fill))
        yield back


def log_size(back: Desk) -> int:
    return (back.database.folder / f"{FILE}-wal").stat().st_size


async def drained(stream: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([piece async for piece in stream])


async def freed(back: Desk) -> None:
    """Return once no stream holds a snapshot."""
    async with asyncio.timeout(HANGS):
        while not await back.database.forget_log():
            await asyncio.sleep(0.005)


def working() -> int:
    """Return how many threads read lists and streams."""
    return sum("(_work)" in thread.name for thread in threading.enumerate())


def lines(found: bytes) -> list[int]:
    return [int(line) for line in found.split()]


def spools(folder: Path) -> list[os.stat_result]:
    """Return what the files without a name are that this process has open in a folder."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if os.readlink(descriptor).startswith(f"{folder}/") and (status := descriptor.stat()).st_nlink == 0:
                found.append(status)
        except FileNotFoundError:
            continue
    return found
