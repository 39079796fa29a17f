"""The write-ahead log stays small, whoever reads meanwhile."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.reads.scans import Scans
from crmkit.storage.sqlite.engine import checkpoints, wal
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE
from tests.storage.desk import HANGS, Desk, desk

KIB = 1024
MOST = 512 * KIB


def write(tx: Tx) -> None:
    tx.connection.execute("INSERT INTO scratch VALUES (randomblob(20000))")


def slow(connection: Connection) -> None:
    """A read that holds its snapshot for some milliseconds."""
    connection.execute("SELECT count(*) FROM scratch").fetchone()
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000) SELECT max(i) FROM n"
    connection.execute(numbers).fetchone()


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A database whose log may have half a MiB, and is copied back as early."""
    with with_log(tmp_path / "data", monkeypatch, MOST) as back:
        yield back


@contextmanager
def with_log(folder: Path, monkeypatch: pytest.MonkeyPatch, most: int) -> Iterator[Desk]:
    """Open a database with a table to write in, whose log may have so many bytes."""
    monkeypatch.setattr(wal, "MOST_BYTES", most)

    def prepare(tx: Tx) -> None:
        tx.connection.execute("CREATE TABLE scratch (word BLOB)")

    with desk(folder) as back:
        back.do(back.database.write(prepare))
        yield back


def size(back: Desk) -> int:
    return (back.database.folder / f"{FILE}-wal").stat().st_size


@pytest.mark.slow
def test_lists_that_follow_each_other_leave_the_log_within_its_bound(small: Desk) -> None:
    largest = 0
    done = asyncio.Event()
    reads = [0]

    async def lists(name: str) -> None:
        actor = Actor(f"u_{name}", "", "admin", "tok_1", "", f"ws_{name}", "", 1, "")
        while not done.is_set():
            await small.database.scan(actor, slow)
            reads[0] += 1

    async def writes() -> None:
        nonlocal largest
        for _ in range(200):  # four MiB
            await small.database.write(write)
            largest = max(largest, size(small))
        done.set()

    async def together() -> None:
        # more than there are connections, so that one of them always reads
        await asyncio.gather(writes(), *(lists(name) for name in "abcd" for _ in range(3)))

    small.do(together())
    assert largest < 2 * MOST
    assert reads[0] > 20


def test_another_program_that_reads_the_file_holds_up_no_writer(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def writes(times: int) -> None:
        for _ in range(times):
            await small.database.write(write)

    with closing(connect(small.database.folder / FILE, False)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM scratch").fetchone()
        tries = pauses(monkeypatch)
        small.do(asyncio.wait_for(writes(100), HANGS))  # two MiB
        assert size(small) > MOST
        assert len(tries) == 1  # and not at every commit
        other.execute("ROLLBACK")
    assert small.do(small.database.forget_log())
    assert size(small) == 0


def pauses(patch: pytest.MonkeyPatch) -> list[float]:
    """Return a list that grows whenever the lists are held back."""
    tries: list[float] = []
    pause = Scans.pause

    async def noted(lists: Scans, seconds: float) -> None:
        tries.append(seconds)
        await pause(lists, seconds)

    patch.setattr(Scans, "pause", noted)
    return tries


def test_a_log_that_begins_anew_is_cut_to_the_size_that_is_kept(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "x.db", True)) as connection:
        assert connection.execute("PRAGMA journal_size_limit").fetchone() == (wal.KEPT_BYTES,)


def test_the_writer_goes_on_where_the_log_cannot_be_begun_anew(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(held: wal.WriteAheadLog) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(wal.WriteAheadLog, "begin_anew", fails)
    while size(small) <= MOST:
        small.do(small.database.write(write))
    for _ in range(3):
        small.do(small.database.write(write))
    small.do(small.database.check())


def autocheckpoint_off(tx: Tx) -> None:
    tx.connection.execute("PRAGMA wal_autocheckpoint = 0")


def test_steps_copy_the_log_back_until_it_begins_anew_and_readers_are_not_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(checkpoints, "STEP_SECONDS", 0)
    monkeypatch.setattr(checkpoints, "LONG_PAGES", 20)
    monkeypatch.setattr(checkpoints, "_flush", flushed.append)
    tries = pauses(monkeypatch)
    most = 16 * MOST  # far more than is written while the file is flushed, on whatever machine
    with with_log(tmp_path / "data", monkeypatch, most) as back:
        back.do(back.database.write(autocheckpoint_off))

        async def writes() -> None:
            for _ in range(600):  # twelve MiB
                await back.database.write(write)

        back.do(writes())
        assert len(flushed) > 1
        assert tries == []
        assert size(back) < most


def test_a_list_that_runs_keeps_the_log_but_not_its_copying(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(checkpoints, "STEP_SECONDS", 0)
    monkeypatch.setattr(checkpoints, "LONG_PAGES", 20)
    monkeypatch.setattr(checkpoints, "_flush", flushed.append)
    with (  # opened now, so that no step waits for the usual time after one
        with_log(tmp_path / "data", monkeypatch, MOST) as small,
        closing(connect(small.database.folder / FILE, False)) as other,
    ):
        small.do(small.database.write(write))
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM scratch").fetchone()

        async def writes() -> None:
            for _ in range(15):  # 300 KiB, within the bound
                await small.database.write(write)

        small.do(writes())
        assert flushed == []  # nothing behind what the other program reads is copied
        other.execute("ROLLBACK")

        async def until_flushed() -> None:
            async with asyncio.timeout(HANGS):
                while not flushed:
                    await small.database.write(write)

        small.do(until_flushed())


def test_a_write_that_fails_copies_nothing(small: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk that would only make room in the log for the next writes, until the file needs room too."""
    monkeypatch.setattr(checkpoints, "STEP_SECONDS", 0)
    steps: list[bool] = []
    step = checkpoints.Checkpoints.step

    async def noted(held: checkpoints.Checkpoints) -> None:
        steps.append(True)
        await step(held)

    monkeypatch.setattr(checkpoints.Checkpoints, "step", noted)

    def fails(tx: Tx) -> None:
        tx.connection.execute("INSERT INTO nowhere VALUES (1)")

    for unit in (write, fails):
        with suppress(Exception):
            small.do(small.database.write(unit))
    assert steps == [True]
