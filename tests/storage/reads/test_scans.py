"""Lists and searches take turns by workspace; what waits in vain is dropped, and what must wait longer is told so."""

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crmkit.errors import Problem
from crmkit.storage.interface.connection import Connection
from crmkit.storage.lists import deadline
from crmkit.storage.lists.deadline import asker
from crmkit.storage.reads import scans
from crmkit.storage.reads.scans import Scans
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.database import SCANNERS
from crmkit.storage.sqlite.engine.progress import reading

HANGS = 60  # seconds after which a test is not slow but stuck
ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


class Held:
    """A read that goes on until it is let go, on the connection's thread."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.ended = threading.Event()

    def __call__(self, connection: Connection) -> str:
        self.begun.set()
        assert self.ended.wait(HANGS)
        return "held"

    async def has_begun(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, HANGS)


@asynccontextmanager
async def scanning(folder: Path) -> AsyncIterator[Scans]:
    file = folder / "x.db"
    with closing(connect(file, True)) as writer:
        writer.execute("CREATE TABLE IF NOT EXISTS numbers (n INTEGER)")
    opened = Scans(reading(partial(connect, file, False)), SCANNERS)
    try:
        yield opened
    finally:
        await opened.close()


def run(folder: Path, test: Callable[[Scans], Coroutine[Any, Any, Any]]) -> Any:
    async def whole() -> Any:
        async with asyncio.timeout(HANGS), scanning(folder) as opened:
            return await test(opened)

    return asyncio.run(whole())


def noted(order: list[str], name: str) -> Callable[[Connection], None]:
    return lambda connection: order.append(name)


def test_a_read_waits_for_no_read_of_another_workspace(tmp_path: Path) -> None:
    async def test(lists: Scans) -> None:
        dear = [Held() for _ in range(50)]
        asked = [asyncio.create_task(lists.run("greedy", "greedy", held)) for held in dear]
        await dear[0].has_begun()
        assert await lists.run("modest", "modest", lambda connection: "at once") == "at once"
        assert [held.begun.is_set() for held in dear] == [True, *[False] * 49]
        for held in dear:
            held.ended.set()
        assert await asyncio.gather(*asked) == ["held"] * 50

    run(tmp_path, test)


def test_workspaces_take_turns_whatever_each_has_waiting(tmp_path: Path) -> None:
    order: list[str] = []

    async def test(lists: Scans) -> None:
        holding = [Held() for _ in range(SCANNERS)]
        held = [asyncio.create_task(lists.run(f"holds {n}", f"holds {n}", one)) for n, one in enumerate(holding)]
        for one in holding:
            await one.has_begun()
        names = ["a"] * 4 + ["b"] * 3 + ["c"]
        waiting = [asyncio.create_task(lists.run(name, name, noted(order, name))) for name in names]
        await asyncio.sleep(0)  # each of them asks
        holding[0].ended.set()
        await asyncio.gather(*waiting)
        holding[1].ended.set()
        await asyncio.gather(*held)

    run(tmp_path, test)
    assert order == ["a", "b", "c", "a", "b", "a", "b", "a"]


def test_a_workspace_has_one_connection_at_a_time(tmp_path: Path) -> None:
    inside, most, count = set(), [0], itertools.count()

    def work(connection: Connection) -> None:
        number = next(count)
        inside.add(number)
        most[0] = max(most[0], len(inside))
        connection.execute("SELECT 1").fetchone()
        inside.discard(number)

    async def test(lists: Scans) -> None:
        await asyncio.gather(*(lists.run("one", "one", work) for _ in range(100)))

    run(tmp_path, test)
    assert (most[0], next(count)) == (1, 100)


def test_a_user_has_one_connection_at_a_time_whatever_workspaces_they_open(tmp_path: Path) -> None:
    async def test(lists: Scans) -> None:
        dear = [Held() for _ in range(10)]
        asked = [asyncio.create_task(lists.run(f"ws {n}", "greedy", held)) for n, held in enumerate(dear)]
        await dear[0].has_begun()
        assert await lists.run("ws", "modest", lambda connection: "at once") == "at once"
        assert [held.begun.is_set() for held in dear] == [True, *[False] * 9]
        for held in dear:
            held.ended.set()
        assert await asyncio.gather(*asked) == ["held"] * 10

    run(tmp_path, test)


def test_one_read_more_than_may_wait_is_told_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "MOST_WAITING", 3)

    async def test(lists: Scans) -> list[Any]:
        held = Held()
        running = asyncio.create_task(lists.run("one", "one", held))
        await held.has_begun()
        waiting = [asyncio.create_task(lists.run("one", "one", lambda connection: "done")) for _ in range(5)]
        await asyncio.sleep(0)
        held.ended.set()
        await running
        return await asyncio.gather(*waiting, return_exceptions=True)

    outcomes = run(tmp_path, test)
    assert outcomes[:3] == ["done"] * 3
    for outcome in outcomes[3:]:
        assert isinstance(outcome, Problem)
        assert (outcome.code, outcome.status, outcome.headers) == ("busy", 503, {"Retry-After": "2"})


def test_the_time_a_read_waits_counts_as_time_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    async def test(lists: Scans) -> Any:
        held = Held()
        running = asyncio.create_task(lists.run("one", "one", held))
        await held.has_begun()
        monkeypatch.setattr(deadline, "SCAN_SECONDS", 0.05)
        late = asyncio.create_task(lists.run("one", "one", noted(order, "late")))
        await asyncio.sleep(0)
        over = time.monotonic() + 0.05
        while time.monotonic() <= over:
            await asyncio.sleep(0.01)
        held.ended.set()
        return await asyncio.gather(running, late, return_exceptions=True)

    held, late = run(tmp_path, test)
    assert held == "held"
    assert isinstance(late, Problem)
    assert late.code == "busy"
    assert order == []  # the database was not asked


def test_a_read_whose_client_has_gone_is_dropped(tmp_path: Path) -> None:
    order: list[str] = []
    gone = threading.Event()

    async def test(lists: Scans) -> Any:
        held = Held()
        running = asyncio.create_task(lists.run("one", "one", held))
        await held.has_begun()
        asker.set(gone.is_set)
        waiting = asyncio.create_task(lists.run("one", "one", noted(order, "waiting")))
        asker.set(None)
        stays = asyncio.create_task(lists.run("one", "one", noted(order, "stays")))
        await asyncio.sleep(0)
        gone.set()
        held.ended.set()
        return await asyncio.gather(running, waiting, stays, return_exceptions=True)

    outcomes = run(tmp_path, test)
    assert isinstance(outcomes[1], Problem)
    assert order == ["stays"]


def test_a_read_ends_when_its_client_goes(tmp_path: Path) -> None:
    gone, begun = threading.Event(), threading.Event()

    def endless(connection: Connection) -> None:
        begun.set()
        connection.execute(ENDLESS).fetchone()

    async def test(lists: Scans) -> None:
        asker.set(gone.is_set)
        running = asyncio.create_task(lists.run("one", "one", endless))
        assert await asyncio.to_thread(begun.wait, HANGS)
        gone.set()
        with pytest.raises(Problem):
            await running

    run(tmp_path, test)


def test_a_read_that_a_pause_stops_is_run_again_after_it(tmp_path: Path) -> None:
    begun = threading.Event()
    tries: list[int] = []

    def work(connection: Connection) -> str:
        tries.append(1)
        begun.set()
        if len(tries) == 1:
            connection.execute(ENDLESS).fetchone()
        return "whole"

    async def test(lists: Scans) -> None:
        running = asyncio.create_task(lists.run("one", "one", work))
        assert await asyncio.to_thread(begun.wait, HANGS)
        await lists.pause(0.01)
        during = asyncio.create_task(lists.run("two", "two", lambda connection: "after"))
        await asyncio.sleep(0)
        assert (len(tries), running.done(), during.done()) == (1, False, False)
        lists.resume()
        assert await asyncio.gather(running, during) == ["whole", "after"]
        assert len(tries) == 2

    run(tmp_path, test)


def test_a_pause_lets_a_short_read_end(tmp_path: Path) -> None:
    async def test(lists: Scans) -> None:
        held = Held()
        running = asyncio.create_task(lists.run("one", "one", held))
        await held.has_begun()
        pausing = asyncio.create_task(lists.pause(HANGS))
        await asyncio.sleep(0)
        held.ended.set()
        await pausing
        lists.resume()
        assert await running == "held"

    run(tmp_path, test)
