"""A stream reads one moment into a file, whoever takes how much of it, and never stands in the way of others long."""

import asyncio
import os
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from crmkit.errors import Problem
from crmkit.storage import growing
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.reads import spool, streams
from crmkit.storage.sqlite.engine import wal
from tests.storage.desk import HANGS, Desk, desk
from tests.storage.reads.streaming import (
    ALICE,
    BOB,
    KIB,
    ROWS,
    drained,
    endless,
    fill,
    freed,
    lines,
    log_size,
    made,
    numbers,
    slow,
    spools,
    working,
    write,
)


def test_a_stream_yields_every_row_in_order(filled: Desk) -> None:
    assert lines(filled.do(drained(filled.database.stream(ALICE, numbers)))) == [*range(ROWS)]


def test_a_stream_sees_one_moment_whatever_is_written_meanwhile(filled: Desk) -> None:
    database, goes_on = filled.database, threading.Event()

    def halting(connection: Connection) -> Iterator[bytes]:
        for at, piece in enumerate(numbers(connection)):
            yield piece
            if at % 10 == 0:
                goes_on.wait(HANGS)
                goes_on.clear()

    def change(tx: Tx, at: int) -> None:
        tx.connection.execute("DELETE FROM scratch WHERE number = ?", (ROWS - 1 - at,))
        tx.connection.execute("INSERT INTO scratch (number) VALUES (?)", (-1 - at,))
        tx.connection.execute("INSERT INTO scratch (number) VALUES (?)", (ROWS + at,))

    async def reading() -> bytes:
        found = b""
        async with aclosing(database.stream(ALICE, halting)) as stream:
            async for piece in stream:
                at = len(found)
                await database.write(lambda tx: change(tx, at))  # noqa: B023 (it is awaited here)
                found += piece
                goes_on.set()
        return found

    assert lines(filled.do(reading())) == [*range(ROWS)]


@pytest.mark.sqlite
def test_the_moment_is_free_once_all_is_read_though_nobody_takes_it(filled: Desk) -> None:
    async def reading() -> int:
        stream = filled.database.stream(ALICE, made, 100)
        taken = len(await anext(stream))
        await freed(filled)
        return taken + len(await drained(stream))

    assert filled.do(reading()) == 100 * 100 * KIB


@pytest.mark.sqlite
def test_what_is_read_and_not_taken_is_in_a_file_that_nobody_else_can_open(filled: Desk) -> None:
    async def reading() -> list[os.stat_result]:
        async with aclosing(filled.database.stream(ALICE, made, 100)) as stream:
            await anext(stream)
            await freed(filled)
            return spools(filled.database.folder)

    (found,) = filled.do(reading())
    assert found.st_size == 100 * 100 * KIB
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert spools(filled.database.folder) == []


def test_nothing_comes_of_a_stream_that_is_wanted_whole_before_all_is_read(filled: Desk) -> None:
    goes_on = threading.Event()

    def halting(connection: Connection, fails: bool) -> Iterator[bytes]:
        yield b"begun "
        goes_on.wait(HANGS)
        if fails:
            raise Problem("invalid_value", "too much of it")
        yield b"ended"

    async def first(fails: bool) -> bytes:
        goes_on.clear()
        async with aclosing(filled.database.stream(ALICE, halting, fails, is_whole=True)) as stream:
            task = asyncio.ensure_future(anext(stream))
            done, _ = await asyncio.wait([task], timeout=0.1)
            assert not done
            goes_on.set()
            return await task

    assert filled.do(first(False)) == b"begun ended"
    with pytest.raises(Problem, match="too much of it"):
        filled.do(first(True))


def test_what_the_kernel_no_longer_has_in_memory_is_read_beside_the_event_loop(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "_CACHED", 0)
    assert len(filled.do(drained(filled.database.stream(ALICE, made, 10)))) == 1000 * KIB


def test_a_disk_without_room_for_a_stream_ends_it(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "LOOK_BYTES", 200 * KIB)
    goes_on = threading.Event()

    def halting(connection: Connection) -> Iterator[bytes]:
        yield b"begun"
        goes_on.wait(HANGS)
        yield from made(connection, 10)

    async def reading() -> None:
        stream = filled.database.stream(ALICE, halting)
        assert await anext(stream) == b"begun"
        monkeypatch.setattr(growing, "FREE_BYTES", 1 << 60)
        goes_on.set()
        for each in (stream, filled.database.stream(ALICE, numbers)):
            with pytest.raises(Problem, match="disk has no room") as raised:
                await drained(each)
            assert raised.value.code == "not_ready"
        assert await filled.database.forget_log()

    filled.do(reading())
    assert spools(filled.database.folder) == []


@pytest.mark.sqlite
def test_a_closed_stream_stops_its_thread_and_leaves_the_log_to_be_emptied(filled: Desk) -> None:
    database, before = filled.database, working()

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
    assert spools(database.folder) == []
    while working() > before:
        time.sleep(0.005)


@pytest.mark.sqlite
def test_what_waits_for_the_log_to_be_emptied_is_told_when_a_stream_is_read(filled: Desk) -> None:
    database, goes_on = filled.database, threading.Event()

    def halting(connection: Connection) -> Iterator[bytes]:
        yield b"".join(numbers(connection))
        goes_on.wait(HANGS)

    async def reading() -> None:
        with database.commits.listener() as listener:
            async with aclosing(database.stream(ALICE, halting)) as stream:
                await anext(stream)
                assert not await database.forget_log()
                assert not listener.is_behind
                goes_on.set()
                await drained(stream)
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


def test_what_the_work_raises_is_raised_after_what_was_taken(filled: Desk) -> None:
    goes_on = threading.Event()

    def broken(connection: Connection) -> Iterator[bytes]:
        yield b"1"
        goes_on.wait(HANGS)
        raise ValueError("broken")

    async def reading() -> None:
        stream = filled.database.stream(ALICE, broken)
        assert await anext(stream) == b"1"
        goes_on.set()
        with pytest.raises(ValueError, match="broken"):
            await anext(stream)
        assert await filled.database.forget_log()

    filled.do(reading())


def test_a_stream_ends_once_it_was_read_for_too_long(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "READ_SECONDS", 0.2)

    async def reading() -> None:
        for work in (endless, slow):
            stream = filled.database.stream(ALICE, work)
            assert await anext(stream)
            with pytest.raises(Problem, match="is read for at most"):
                await drained(stream)

    filled.do(reading())


@pytest.mark.sqlite
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
        assert await anext(again)
        await again.aclose()
        return largest

    assert 1024 * KIB < filled.do(reading()) < 1200 * KIB
    assert log_size(filled) < 1024 * KIB


@pytest.mark.sqlite
def test_a_stream_that_is_sent_keeps_nothing_of_the_log(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wal, "MOST_BYTES", 512 * KIB)
    database = filled.database

    async def reading() -> int:
        largest = 0
        assert await database.forget_log()
        async with aclosing(database.stream(ALICE, made, 100)) as stream:
            taken = len(await anext(stream))
            await freed(filled)
            for _ in range(100):  # two MiB
                await database.write(write)
                largest = max(largest, log_size(filled))
            assert taken + len(await drained(stream)) == 100 * 100 * KIB
        return largest

    assert filled.do(reading()) < 2 * 512 * KIB


def test_a_database_that_closes_ends_its_streams(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        back.do(back.database.write(fill))
        running = [back.database.stream(who, work) for who, work in ((ALICE, endless), (BOB, slow))]
        for stream in running:
            back.do(anext(stream))
