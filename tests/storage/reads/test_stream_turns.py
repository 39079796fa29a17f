"""Streams are read a few at a time, beside what others do; those that wait have their turn or are refused."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Iterator

import pytest

from crmkit.errors import Problem
from crmkit.storage.interface.connection import Connection
from crmkit.storage.reads import streams
from tests.storage.desk import HANGS, Desk
from tests.storage.reads.streaming import (
    ALICE,
    BATCH,
    BOB,
    KIB,
    ROWS,
    actor,
    drained,
    endless,
    lines,
    made,
    numbers,
    slow,
    write,
)


def test_lists_and_writes_of_others_and_of_the_same_workspace_go_on_beside_streams(filled: Desk) -> None:
    database = filled.database

    async def reading() -> None:
        many = [database.stream(actor(f"{at}"), endless) for at in range(streams.MOST_READ)]
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

    def counted(connection: Connection) -> Iterator[bytes]:
        nonlocal reading, most
        for at in range(5):
            reading += 1
            most = max(most, reading)
            time.sleep(0.002)
            reading -= 1
            yield b"%d" % at

    async def together() -> list[bytes]:
        many = [filled.database.stream(actor(f"{at}"), counted) for at in range(streams.MOST_READ)]
        return await asyncio.gather(*(drained(stream) for stream in many))

    assert filled.do(together()) == [b"01234"] * streams.MOST_READ
    assert most == streams.MOST_READING


def test_a_stream_that_waits_to_read_on_ends_when_it_is_closed(filled: Desk) -> None:
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


def test_streams_of_a_workspace_and_of_a_user_are_read_one_after_another(filled: Desk) -> None:
    database = filled.database

    async def reading() -> None:
        first = database.stream(ALICE, endless)
        await anext(first)
        waiting = [
            asyncio.create_task(drained(database.stream(who, numbers)))
            for who in (actor("bob", "alice"), actor("alice", "bob"))
        ]
        assert lines(await drained(database.stream(BOB, numbers))) == [*range(ROWS)]
        assert not any(task.done() for task in waiting)
        await first.aclose()
        for found in await asyncio.gather(*waiting):
            assert lines(found) == [*range(ROWS)]

    filled.do(reading())


def test_a_stream_whose_turn_does_not_come_is_refused(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "WAIT_SECONDS", 0.05)
    database = filled.database

    async def reading() -> None:
        first = database.stream(ALICE, endless)
        await anext(first)
        assert "are read" in await refused(database.stream(ALICE, endless))
        await first.aclose()
        again = database.stream(ALICE, endless)
        assert await anext(again)
        await again.aclose()

    filled.do(reading())


async def refused(stream: AsyncGenerator[bytes, None]) -> str:
    """Return why a stream is refused."""
    with pytest.raises(Problem) as raised:
        await anext(stream)
    assert (raised.value.code, raised.value.headers) == ("busy", {"Retry-After": "10"})
    return raised.value.hint


def test_a_workspace_has_a_few_streams_and_all_together_some(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "MOST_KEPT", streams.MOST_OWN + 2)
    database = filled.database

    async def reading() -> None:
        many = [database.stream(ALICE, made, 10) for _ in range(streams.MOST_OWN)]
        for stream in many:
            await anext(stream)
        assert "of this workspace or yours" in await refused(database.stream(actor("bob", "alice"), made, 10))
        assert "of this workspace or yours" in await refused(database.stream(actor("alice", "bob"), made, 10))
        more = [database.stream(actor(f"{at}"), made, 10) for at in range(2)]
        for stream in more:
            await anext(stream)
        assert "exports run already" in await refused(database.stream(BOB, made, 10))
        await many[0].aclose()
        assert len(await drained(database.stream(BOB, made, 10))) == 1000 * KIB
        for stream in (*many, *more):
            await stream.aclose()

    filled.do(reading())


def test_a_stream_for_which_no_thread_starts_is_refused_and_holds_up_nothing(
    filled: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading, "Thread", NoThread)
        assert filled.do(refused(filled.database.stream(ALICE, numbers))).startswith("The server can start no")

    async def emptied() -> bool:
        async with asyncio.timeout(HANGS):
            return await filled.database.forget_log()

    assert filled.do(emptied())
    assert lines(filled.do(drained(filled.database.stream(ALICE, numbers)))) == list(range(ROWS))
