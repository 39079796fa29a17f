"""A stream reads one moment for as long as its client takes, and never stands in the way of others for long."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import pytest

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine import wal
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.engine.reads import streams
from tests.storage.desk import Desk, desk

T = TypeVar("T")

KIB = 1024
BATCH = 10
ROWS = 1000


def actor(name: str, workspace: str = "") -> Actor:
    return Actor(f"u_{name}", "", "admin", "tok_1", "", f"ws_{workspace or name}", "", 1, "")


ALICE, BOB = actor("alice"), actor("bob")


def numbers(connection: Connection) -> Iterator[list[int]]:
    """Yield the numbers of all rows, in batches."""
    rows = connection.execute("SELECT number FROM scratch ORDER BY number")
    while batch := rows.fetchmany(BATCH):
        yield [number for (number,) in batch]


def endless(connection: Connection) -> Iterator[int]:
    connection.execute("SELECT count(*) FROM scratch").fetchone()
    while True:
        yield 0


def slow(connection: Connection) -> Iterator[int]:
    """Yield a batch, then look for another for minutes."""
    yield 0
    connection.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    ).fetchone()


def fill(tx: Tx, rows: int = ROWS) -> None:
    tx.connection.execute("CREATE TABLE scratch (number INTEGER PRIMARY KEY, word BLOB)")
    tx.connection.executemany("INSERT INTO scratch (number) VALUES (?)", [(number,) for number in range(rows)])


def write(tx: Tx) -> None:
    tx.connection.execute("INSERT INTO scratch (word) VALUES (randomblob(20000))")


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "data") as back:
        back.do(back.database.write(fill))
        yield back


def log_size(back: Desk) -> int:
    return (back.database.folder / f"{FILE}-wal").stat().st_size


async def drained(stream: AsyncGenerator[T, None]) -> list[T]:
    return [batch async for batch in stream]


def test_a_stream_yields_every_row_in_order(filled: Desk) -> None:
    batches = filled.do(drained(filled.database.stream(ALICE, numbers)))
    assert [number for batch in batches for number in batch] == list(range(ROWS))


def test_a_stream_sees_one_moment_whatever_is_written_meanwhile(filled: Desk) -> None:
    database = filled.database

    def change(tx: Tx, at: int) -> None:
        tx.connection.execute("DELETE FROM scratch WHERE number = ?", (ROWS - 1 - at,))
        tx.connection.execute("INSERT INTO scratch (number) VALUES (?)", (-1 - at,))
        tx.connection.execute("INSERT INTO scratch (number) VALUES (?)", (ROWS + at,))

    async def reading() -> list[int]:
        found: list[int] = []
        async with aclosing(database.stream(ALICE, numbers)) as stream:
            async for batch in stream:
                at = len(found)
                await database.write(lambda tx: change(tx, at))  # noqa: B023 (it is awaited here)
                found += batch
        return found

    assert filled.do(reading()) == list(range(ROWS))


def test_no_more_than_two_batches_exist_at_a_time(filled: Desk) -> None:
    made = 0

    def counted(connection: Connection) -> Iterator[int]:
        nonlocal made
        for _ in endless(connection):
            made += 1
            yield made

    async def reading() -> None:
        async with aclosing(filled.database.stream(ALICE, counted)) as stream:
            for taken in range(1, 20):
                assert await anext(stream) == taken
                await asyncio.sleep(0.005)
                assert made <= taken + 1

    filled.do(reading())


def test_lists_and_writes_of_others_and_of_the_same_workspace_go_on_beside_streams(filled: Desk) -> None:
    database = filled.database

    async def reading() -> None:
        many = [database.stream(actor(f"{at}"), endless) for at in range(streams.MOST_STREAMS)]
        for stream in many:
            await anext(stream)
        for who in (BOB, actor("0")):
            assert await database.scan(who, lambda connection: len(list(numbers(connection)))) == ROWS // BATCH
        await database.write(write)
        for stream in many:
            await stream.aclose()

    filled.do(reading())


def test_only_a_few_streams_read_at_a_time_and_all_come_to_their_end(filled: Desk) -> None:
    reading, most = 0, 0

    def counted(connection: Connection) -> Iterator[int]:
        nonlocal reading, most
        for at in range(5):
            reading += 1
            most = max(most, reading)
            time.sleep(0.002)
            reading -= 1
            yield at

    async def together() -> list[list[int]]:
        many = [filled.database.stream(actor(f"{at}"), counted) for at in range(streams.MOST_STREAMS)]
        return await asyncio.gather(*(drained(stream) for stream in many))

    assert filled.do(together()) == [[0, 1, 2, 3, 4]] * streams.MOST_STREAMS
    assert most == streams.MOST_READING


def test_a_stream_that_waits_to_read_ends_when_it_is_closed(filled: Desk) -> None:
    async def reading() -> None:
        slow_ones = [filled.database.stream(actor(f"{at}"), slow) for at in range(streams.MOST_READING)]
        for stream in slow_ones:
            await anext(stream)  # and now looks for another
        await asyncio.sleep(0.05)
        task = asyncio.create_task(drained(filled.database.stream(BOB, endless)))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for stream in slow_ones:
            await stream.aclose()
        assert await filled.database.forget_log()

    filled.do(reading())


def test_a_workspace_and_a_user_have_one_stream_and_all_together_a_few(filled: Desk) -> None:
    database = filled.database

    async def refused(who: Actor) -> str:
        with pytest.raises(Problem) as raised:
            await anext(database.stream(who, endless))
        assert (raised.value.code, raised.value.headers) == ("busy", {"Retry-After": "10"})
        return raised.value.hint

    async def reading() -> None:
        first = database.stream(ALICE, endless)
        await anext(first)
        assert "runs already" in await refused(actor("bob", "alice"))
        assert "runs already" in await refused(actor("alice", "bob"))
        more = [database.stream(actor(f"{at}"), endless) for at in range(streams.MOST_STREAMS - 1)]
        for stream in more:
            await anext(stream)
        assert f"{streams.MOST_STREAMS} exports" in await refused(BOB)
        await first.aclose()
        again = database.stream(BOB, endless)
        assert await anext(again) == 0
        for stream in (again, *more):
            await stream.aclose()

    filled.do(reading())


def test_a_closed_stream_stops_its_thread_and_leaves_the_log_to_be_emptied(filled: Desk) -> None:
    database, threads = filled.database, threading.active_count()

    async def reading() -> None:
        for work in (endless, slow):
            stream = database.stream(ALICE, work)
            await anext(stream)
            await database.write(write)
            assert not await database.forget_log()
            await stream.aclose()
            assert await database.forget_log()
            assert log_size(filled) == 0

    filled.do(reading())
    while threading.active_count() > threads:
        time.sleep(0.005)


def test_what_waits_for_the_log_to_be_emptied_is_told_when_a_stream_ends(filled: Desk) -> None:
    database = filled.database

    async def reading() -> None:
        with database.commits.listener() as listener:
            async with aclosing(database.stream(ALICE, endless)) as stream:
                await anext(stream)
                assert not await database.forget_log()
                assert not listener.is_behind
            assert listener.is_behind

    filled.do(reading())


def test_a_cancelled_stream_ends(filled: Desk) -> None:
    database = filled.database

    async def reading() -> None:
        async def all_of_it() -> None:
            async with aclosing(database.stream(ALICE, slow)) as stream:
                async for _ in stream:
                    taken.set()

        taken = asyncio.Event()
        task = asyncio.create_task(all_of_it())
        await taken.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await database.forget_log()

    filled.do(reading())


def test_what_the_work_raises_is_raised_after_the_batches_before_it(filled: Desk) -> None:
    def broken(connection: Connection) -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    async def reading() -> None:
        stream = filled.database.stream(ALICE, broken)
        assert await anext(stream) == 1
        with pytest.raises(ValueError, match="broken"):
            await anext(stream)
        assert await filled.database.forget_log()

    filled.do(reading())


def test_a_stream_ends_once_it_has_held_its_moment_for_too_long(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HELD_SECONDS", 0.2)

    async def reading() -> None:
        for work in (endless, slow):
            stream = filled.database.stream(ALICE, work)
            assert await anext(stream) == 0
            await asyncio.sleep(0.3)
            with pytest.raises(Problem, match="takes at most"):
                await drained(stream)

    filled.do(reading())


def test_a_log_past_its_bound_for_streams_ends_them_and_begins_anew(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "MOST_BYTES", 512 * KIB)
    monkeypatch.setattr(wal, "STREAMED_BYTES", 1024 * KIB)
    database = filled.database

    async def reading() -> int:
        largest = 0
        assert await database.forget_log()  # and keep to the new bound
        stream = database.stream(ALICE, endless)
        await anext(stream)
        for _ in range(100):  # two MiB
            await database.write(write)
            largest = max(largest, log_size(filled))
        with pytest.raises(Problem, match="needs the room"):
            await drained(stream)
        again = database.stream(ALICE, endless)
        assert await anext(again) == 0
        await again.aclose()
        return largest

    assert 1024 * KIB < filled.do(reading()) < 1200 * KIB
    assert log_size(filled) < 1024 * KIB


def test_a_database_that_closes_ends_its_streams(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        back.do(back.database.write(fill))
        running = [back.database.stream(who, work) for who, work in ((ALICE, endless), (BOB, slow))]
        for stream in running:
            back.do(anext(stream))
