"""A stream reads one moment into a file, whoever takes how much of it, and never stands in the way of others long."""

import asyncio
import os
import stat
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import data_folder
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine import wal
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.engine.reads import spool, streams
from tests.storage.desk import HANGS, Desk, desk

KIB = 1024
BATCH = 10
ROWS = 1000


def actor(name: str, workspace: str = "") -> Actor:
    return Actor(f"u_{name}", "", "admin", "tok_1", "", f"ws_{workspace or name}", "", 1, "")


ALICE, BOB = actor("alice"), actor("bob")


def numbers(connection: Connection) -> Iterator[bytes]:
    """Yield the numbers of all rows, a line each, in batches."""
    rows = connection.execute("SELECT number FROM scratch ORDER BY number")
    while batch := rows.fetchmany(BATCH):
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


def test_the_moment_is_free_once_all_is_read_though_nobody_takes_it(filled: Desk) -> None:
    async def reading() -> int:
        stream = filled.database.stream(ALICE, made, 100)
        taken = len(await anext(stream))
        await freed(filled)
        return taken + len(await drained(stream))

    assert filled.do(reading()) == 100 * 100 * KIB


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
    monkeypatch.setattr(spool, "LOOK_BYTES", 200 * KIB)
    goes_on = threading.Event()

    def halting(connection: Connection) -> Iterator[bytes]:
        yield b"begun"
        goes_on.wait(HANGS)
        yield from made(connection, 10)

    async def reading() -> None:
        stream = filled.database.stream(ALICE, halting)
        assert await anext(stream) == b"begun"
        monkeypatch.setattr(data_folder, "FREE_BYTES", 1 << 60)
        goes_on.set()
        for each in (stream, filled.database.stream(ALICE, numbers)):
            with pytest.raises(Problem, match="disk has no room") as raised:
                await drained(each)
            assert raised.value.code == "not_ready"
        assert await filled.database.forget_log()

    filled.do(reading())
    assert spools(filled.database.folder) == []


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


def test_a_database_that_closes_ends_its_streams(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        back.do(back.database.write(fill))
        running = [back.database.stream(who, work) for who, work in ((ALICE, endless), (BOB, slow))]
        for stream in running:
            back.do(anext(stream))
