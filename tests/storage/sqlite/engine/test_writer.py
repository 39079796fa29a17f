"""The one writer: what is answered is on the disk, and nobody pays for a neighbour's mistake."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crmkit.clock import system_clock
from crmkit.errors import Problem
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine.database import SqliteDatabase
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from crmkit.storage.sqlite.engine.threads import MOST_TOGETHER
from crmkit.storage.sqlite.engine.writer import CAREFUL, TURNS
from tests.house import ROOT, command
from tests.storage.desk import Desk, Gate
from tests.storage.writing.units import Unit, fills_the_disk, grouped, kept, put, rolls_back, scratch, seen, traced


def test_a_unit_that_fails_harms_no_other_of_its_group(back: Desk) -> None:
    scratch(back)

    def half_done(tx: Tx) -> None:
        put(100)(tx)
        raise Problem("invalid_value", "after it had written")

    def taken(tx: Tx) -> None:
        put(101)(tx)
        put(1)(tx)

    statements = traced(back)
    outcomes = back.do(grouped(back.database, [put(1), half_done, put(2), taken, put(3)]))
    assert [type(outcome) for outcome in outcomes] == [int, Problem, int, sqlite3.IntegrityError, int]
    assert kept(back) == [1, 2, 3]
    assert statements.count("COMMIT") == 2  # that of the gate, and one for all five
    assert statements.count("ROLLBACK") == 1  # of the run without savepoints


def test_units_run_once_and_without_savepoints_where_none_fails_after_it_has_written(back: Desk) -> None:
    scratch(back)
    runs: list[str] = []

    def refused(tx: Tx) -> None:
        runs.append("refused")
        raise Problem("invalid_value", "before it writes")

    def taken(tx: Tx) -> None:
        runs.append("taken")
        put(1)(tx)

    statements = traced(back)
    outcomes = back.do(grouped(back.database, [put(1), refused, taken, put(2)]))
    assert [type(outcome) for outcome in outcomes] == [int, Problem, sqlite3.IntegrityError, int]
    assert kept(back) == [1, 2]
    assert runs == ["refused", "taken"]
    assert not any("SAVEPOINT" in sql or "ROLLBACK" in sql for sql in statements)


def test_a_unit_that_is_alone_and_fails_after_it_has_written_leaves_nothing(back: Desk) -> None:
    scratch(back)

    def half_done(tx: Tx) -> None:
        put(100)(tx)
        raise Problem("invalid_value", "after it had written")

    with pytest.raises(Problem):
        back.do(back.database.write(half_done))
    assert kept(back) == []


def test_groups_run_in_savepoints_for_a_while_after_one_had_to_run_again(back: Desk) -> None:
    scratch(back)

    def half_done(tx: Tx) -> None:
        put(100)(tx)
        raise Problem("invalid_value", "after it had written")

    statements = traced(back)
    for _ in range(2):
        back.do(grouped(back.database, [half_done, put(len(kept(back)))]))
    assert statements.count("ROLLBACK") == 1
    back.do(grouped(back.database, [half_done]))
    for _ in range(CAREFUL):
        back.do(back.database.write(lambda tx: None))
    statements.clear()
    back.do(grouped(back.database, [put(10), put(11)]))
    assert not any("SAVEPOINT" in sql for sql in statements)
    assert kept(back) == [0, 1, 10, 11]


def test_concurrent_writes_share_a_commit(back: Desk) -> None:
    scratch(back)
    statements = traced(back)
    outcomes = back.do(grouped(back.database, [put(n) for n in range(MOST_TOGETHER)]))
    assert outcomes == list(range(MOST_TOGETHER))
    assert statements.count("COMMIT") == 2
    more = [put(n) for n in range(MOST_TOGETHER, 2 * MOST_TOGETHER + 1)]
    back.do(grouped(back.database, more))  # one too many for a group
    assert statements.count("COMMIT") == 5
    assert kept(back) == list(range(2 * MOST_TOGETHER + 1))


def test_writes_that_nothing_holds_up_share_commits_as_well(back: Desk) -> None:
    scratch(back)
    statements = traced(back)

    async def at_once() -> None:
        await asyncio.gather(*(back.database.write(put(n)) for n in range(100)))

    back.do(at_once())
    assert statements.count("COMMIT") < 10
    assert kept(back) == list(range(100))


def test_nobody_is_answered_before_the_commit(back: Desk) -> None:
    scratch(back)
    events = traced(back)  # statements, and beside them the answers in the order in which they come
    file = back.database.folder / FILE
    missing: list[int] = []

    async def ask(n: int) -> None:
        await back.database.write(put(n))
        if n not in seen(file):
            missing.append(n)
        events.append(f"answered {n}")

    async def all_of_them() -> None:
        for start in range(0, 60, 20):
            await asyncio.gather(*(ask(n) for n in range(start, start + 20)))

    back.do(all_of_them())
    assert missing == []
    for n in range(60):
        inserted = events.index(f"INSERT INTO scratch VALUES ({n}, 'word {n}')")
        assert inserted < events.index("COMMIT", inserted) < events.index(f"answered {n}")


def test_clients_that_write_again_two_loop_turns_later_join_the_commit(back: Desk) -> None:
    statements, runs = traced(back), list[Tx]()
    rounds, clients = 10, MOST_TOGETHER // 2

    async def client(turns: int) -> None:
        for _ in range(rounds):
            await back.database.write(runs.append)
            for _ in range(turns):
                await asyncio.sleep(0)

    async def all_of_them() -> None:
        await asyncio.gather(*(client(TURNS * (number % 2)) for number in range(clients)))

    back.do(all_of_them())
    assert len(runs) == rounds * clients
    assert statements.count("COMMIT") <= rounds + 1


def test_a_single_writer_waits_for_no_others(back: Desk) -> None:
    statements = traced(back)

    async def alone() -> None:
        gate = Gate()
        gate.opened.set()
        for _ in range(3):
            await back.database.write(gate)

    back.do(alone())
    assert statements.count("COMMIT") == 3


STRACE = shutil.which("strace")


@pytest.mark.skipif(STRACE is None, reason="needs strace to see what reaches the disk")
def test_nobody_is_answered_before_the_disk_has_it(tmp_path: Path) -> None:
    script = """
import asyncio, os, sys
from pathlib import Path
from crmkit.clock import system_clock
from crmkit.storage.sqlite.engine.database import SqliteDatabase

async def main():
    async with SqliteDatabase(Path(sys.argv[1]), system_clock) as database:
        await database.write(lambda tx: tx.connection.execute("CREATE TABLE scratch (n)"))
        for n in range(20):
            await database.write(lambda tx: tx.connection.execute("INSERT INTO scratch VALUES (?)", (n,)))
            os.write(2, b"answered %d" % n)

asyncio.run(main())
"""
    log = tmp_path / "calls"
    line, env = command()
    calls = "trace=fsync,fdatasync,write,pwrite64"
    traced = [str(STRACE), "-f", "-y", "-e", calls, "-o", str(log), line[0], "-c", script, str(tmp_path / "data")]
    done = subprocess.run(traced, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    if "ptrace" in done.stderr and done.returncode:
        pytest.skip("this machine does not let a process be traced")
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r'(pwrite64|fdatasync|fsync)\(\d+<\S*crmkit\.db-wal>|write\(2<.*?>, "(answered \d+)"', log.read_text()
    )
    events = [call or answer for call, answer in found]
    for n in range(1, 20):
        between = events[events.index(f"answered {n - 1}") : events.index(f"answered {n}")]
        assert "pwrite64" in between, f"nothing was written for {n}"
        flushed = [place for place, call in enumerate(between) if call in ("fdatasync", "fsync")]
        assert flushed, f"write {n} was answered unflushed"
        last = max(place for place, call in enumerate(between) if call == "pwrite64")
        assert last < flushed[-1], f"something of {n} was written after the flush"


@pytest.mark.parametrize("bad", [fills_the_disk, rolls_back])
def test_a_unit_that_makes_sqlite_roll_back_harms_no_other_of_its_group(
    back: Desk, bad: Callable[[list[bool]], Unit]
) -> None:
    scratch(back)
    dropped: list[bool] = []

    def refused(tx: Tx) -> None:
        put(100)(tx)
        raise Problem("invalid_value", "no")

    outcomes = back.do(grouped(back.database, [put(1), refused, bad(dropped), put(2), put(3)]))
    assert dropped == [True, True]  # in the group and alone: else this test tests nothing
    assert isinstance(outcomes[1], Problem)
    if bad is fills_the_disk:
        assert outcomes[2].code == "not_ready"
        assert "disk is full" in outcomes[2].hint
        assert isinstance(outcomes[2].__cause__, sqlite3.Error)
    else:
        assert isinstance(outcomes[2], sqlite3.Error)
    assert [outcomes[0], *outcomes[3:]] == [1, 2, 3]
    assert kept(back) == [1, 2, 3]
    assert back.do(back.database.write(put(4))) == 4


@pytest.mark.parametrize("also", [[], [rolls_back([])]])
def test_a_unit_that_only_the_commit_refuses_harms_no_other_of_its_group(back: Desk, also: list[Unit]) -> None:
    scratch(back)
    later = "CREATE TABLE later (n INTEGER REFERENCES scratch (n) DEFERRABLE INITIALLY DEFERRED)"
    back.do(back.database.write(lambda tx: tx.connection.execute(later)))

    def dangling(tx: Tx) -> None:
        tx.connection.execute("INSERT INTO later VALUES (12345)")

    outcomes = back.do(grouped(back.database, [put(1), *also, dangling, put(2)]))
    assert [outcomes[0], outcomes[-1]] == [1, 2]
    assert all(isinstance(outcome, sqlite3.IntegrityError) for outcome in outcomes[1:-1])
    assert kept(back) == [1, 2]


def test_what_is_cancelled_before_its_turn_is_not_written(back: Desk) -> None:
    scratch(back)

    async def cancelled() -> list[Any]:
        gate = Gate()
        held = asyncio.create_task(back.database.write(gate))
        await asyncio.to_thread(gate.reached.wait, 30)
        tasks = [asyncio.create_task(back.database.write(put(n))) for n in range(4)]
        loop = asyncio.get_running_loop()
        loop.call_soon(tasks[1].cancel)
        loop.call_soon(tasks[3].cancel)
        loop.call_soon(gate.opened.set)
        await held
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = back.do(cancelled())
    assert [type(outcome) for outcome in outcomes] == [int, asyncio.CancelledError, int, asyncio.CancelledError]
    assert kept(back) == [0, 2]


def test_a_client_that_leaves_in_the_middle_of_its_write_does_not_stop_the_writer(back: Desk) -> None:
    scratch(back)

    async def cancelled() -> list[Any]:
        gate, middle = Gate(), Gate()

        def slow(tx: Tx) -> None:
            put(1)(tx)
            middle(tx)

        held = asyncio.create_task(back.database.write(gate))
        await asyncio.to_thread(gate.reached.wait, 30)
        tasks = [asyncio.create_task(back.database.write(unit)) for unit in (put(0), slow, put(2))]
        asyncio.get_running_loop().call_soon(gate.opened.set)
        await asyncio.to_thread(middle.reached.wait, 30)
        tasks[1].cancel()
        middle.opened.set()
        await held
        return await asyncio.gather(*tasks, return_exceptions=True)

    outcomes = back.do(cancelled())
    assert [type(outcome) for outcome in outcomes] == [int, asyncio.CancelledError, int]
    assert kept(back) == [0, 1, 2]  # whole, as after a connection that broke before the answer
    assert back.do(back.database.write(put(3))) == 3


def test_close_answers_all_who_wait(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    async def closed() -> tuple[list[Any], Any]:
        database = SqliteDatabase(folder, system_clock)
        await database.__aenter__()
        await database.write(lambda tx: tx.connection.execute("CREATE TABLE scratch (n INTEGER UNIQUE, word)"))
        gate = Gate()
        held = asyncio.create_task(database.write(gate))
        await asyncio.to_thread(gate.reached.wait, 30)
        waiting = [asyncio.create_task(database.write(put(n))) for n in range(300)]
        loop = asyncio.get_running_loop()
        leaving: list[asyncio.Task[None]] = []
        loop.call_soon(lambda: leaving.append(loop.create_task(database.__aexit__(None, None, None))))
        loop.call_soon(gate.opened.set)
        outcomes = await asyncio.gather(*waiting, held, return_exceptions=True)
        await leaving[0]
        (late,) = await asyncio.gather(database.write(put(1000)), return_exceptions=True)
        return outcomes, late

    outcomes, late = asyncio.run(closed())
    assert outcomes == [*range(300), None]
    assert isinstance(late, RuntimeError)
    assert seen(folder / FILE) == list(range(300))
