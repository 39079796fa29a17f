"""Short reads of loop turns that follow each other go to the thread in one batch, and none harms another."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiosqlite
import pytest

from crmkit.errors import Problem
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.reader import TURNS, Reader
from crmkit.storage.sqlite.engine.threads import MOST_TOGETHER


@asynccontextmanager
async def reading(folder: Path) -> AsyncIterator[tuple[Reader, aiosqlite.Connection]]:
    connection = await aiosqlite.Connection(lambda: connect(folder / "x.db", True), iter_chunk_size=64)
    try:
        yield Reader(connection), connection
    finally:
        await connection.close()


def doubled(connection: Connection, number: int) -> int:
    if number == 13:
        raise Problem("not_found", "There is no 13.")
    found: int = connection.execute("SELECT ? * 2", (number,)).fetchone()[0]
    return found


async def traced(connection: aiosqlite.Connection) -> list[str]:
    """Return a list that from now on grows by every statement that is run."""
    statements: list[str] = []
    await connection.set_trace_callback(statements.append)
    return statements


def batches_of(statements: list[str]) -> list[int]:
    """Return how many reads each batch had: several are a transaction, one alone needs none."""
    letters = "".join(sql[0] for sql in statements)  # BEGIN, SELECT, ROLLBACK
    return [batch.count("S") for batch in re.findall("BS+R|S", letters)]


def test_a_read_that_fails_harms_no_other_of_its_batch(tmp_path: Path) -> None:
    async def run() -> list[Any]:
        async with reading(tmp_path) as (reader, _):
            reads = (reader.read(doubled, number) for number in range(20))
            return await asyncio.gather(*reads, return_exceptions=True)

    outcomes = asyncio.run(run())
    assert isinstance(outcomes[13], Problem)
    assert outcomes[:13] + outcomes[14:] == [number * 2 for number in range(20) if number != 13]


def test_reads_of_one_turn_of_the_event_loop_are_one_batch(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with reading(tmp_path) as (reader, connection):
            statements = await traced(connection)
            await asyncio.gather(*(reader.read(doubled, number) for number in range(5)))
            await reader.read(doubled, 1)
            return statements

    assert batches_of(asyncio.run(run())) == [5, 1]


def test_reads_of_the_next_turns_join_the_batch_of_the_first(tmp_path: Path) -> None:
    async def later(reader: Reader, turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await reader.read(doubled, turns)

    async def run() -> tuple[list[int], list[str]]:
        async with reading(tmp_path) as (reader, connection):
            statements = await traced(connection)
            return await asyncio.gather(*(later(reader, turns) for turns in range(5))), statements

    found, statements = asyncio.run(run())
    assert found == [0, 2, 4, 6, 8]
    assert batches_of(statements) == [5]


def test_the_first_read_waits_for_a_bounded_number_of_others(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with reading(tmp_path) as (reader, connection):
            statements = await traced(connection)
            reads = []
            for _ in range(2 * MOST_TOGETHER):
                reads.append(reader.read(doubled, 1))
                await asyncio.sleep(0)
            await asyncio.gather(*reads)
            return statements

    batches = batches_of(asyncio.run(run()))
    assert sum(batches) == 2 * MOST_TOGETHER
    assert max(batches) <= MOST_TOGETHER + TURNS


def test_reads_of_one_batch_see_the_database_at_one_moment(tmp_path: Path) -> None:
    def written(connection: Connection) -> None:
        with closing(connect(tmp_path / "x.db", True)) as other:
            other.execute("INSERT INTO t VALUES (1)")

    def counted(connection: Connection) -> int:
        found: int = connection.execute("SELECT count(*) FROM t").fetchone()[0]
        return found

    async def run() -> list[Any]:
        async with reading(tmp_path) as (reader, _):
            with closing(connect(tmp_path / "x.db", True)) as other:
                other.execute("CREATE TABLE t (n)")
            batch = [reader.read(counted), reader.read(written), reader.read(doubled, 13), reader.read(counted)]
            found = await asyncio.gather(*batch, return_exceptions=True)
            return [*found, await reader.read(counted)]

    before, _, failed, beside, after = asyncio.run(run())
    assert (before, beside, after) == (0, 0, 1)
    assert isinstance(failed, Problem)


def test_a_read_whose_client_has_gone_holds_up_no_other(tmp_path: Path) -> None:
    async def run() -> int:
        async with reading(tmp_path) as (reader, _):
            gone = asyncio.ensure_future(reader.read(doubled, 1))
            stays = asyncio.ensure_future(reader.read(doubled, 2))
            await asyncio.sleep(0)
            gone.cancel()
            return await stays

    assert asyncio.run(run()) == 4


def test_a_read_of_a_closed_database_fails_at_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with reading(tmp_path) as (reader, connection):
            await connection.close()
            with pytest.raises(ValueError, match="no active connection"):
                await asyncio.wait_for(reader.read(doubled, 1), 5)

    asyncio.run(run())
