"""Any number of listeners learn of commits: each ends at the newest state, none sleeps through what it waits for."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage.interface.commits import Commits, Listener
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE, mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine.database import SqliteDatabase
from tests.house import ALICE, CHARLIE
from tests.storage.desk import HANGS, Desk, Gate
from tests.storage.writing.units import put, scratch

LISTENERS, WRITES = 200, 300


def newest(connection: Connection) -> int:
    found: int = connection.execute("SELECT coalesce(max(n), 0) FROM scratch").fetchone()[0]
    return found


async def follow(database: SqliteDatabase, name: str | None, seen: list[int], begun: asyncio.Event) -> None:
    """Read, then wait, until the last write was read."""
    with database.commits.listener(name) as listener:
        while True:
            seen.append(await database.read(None, newest))
            begun.set()
            if seen[-1] == WRITES:
                return
            await listener.wait()


@pytest.mark.parametrize("own", [True, False])
def test_many_listeners_end_at_the_newest_state_of_a_storm_of_writes(back: Desk, own: bool) -> None:
    scratch(back)
    alice = back.person()
    seen: list[list[int]] = [[] for _ in range(LISTENERS)]

    async def storm() -> None:
        async with asyncio.timeout(HANGS), asyncio.TaskGroup() as group:
            for numbers in seen:
                begun = asyncio.Event()
                name = alice.workspace_id if own else None
                group.create_task(follow(back.database, name, numbers, begun))
                await begun.wait()
            for n in range(1, WRITES + 1):
                group.create_task(back.database.write(put(n), alice))
                if n % 7 == 0:
                    await asyncio.sleep(0)

    back.do(storm())
    for numbers in seen:
        assert numbers[-1] == WRITES
        assert len(numbers) <= WRITES + 1  # woken at most once for each commit


def test_a_commit_between_the_read_and_the_wait_ends_the_wait_at_once(back: Desk) -> None:
    scratch(back)
    database = back.database

    async def raced() -> list[int]:
        found = []
        with database.commits.listener() as listener:
            for n in range(1, 50):
                found.append(await database.read(None, newest))
                await database.write(put(n))  # what comes before the wait is not lost
                async with asyncio.timeout(HANGS):
                    await listener.wait()
                assert not listener.is_behind
        return found

    assert back.do(raced()) == list(range(49))


def test_a_commit_whose_writer_left_before_it_was_answered_is_told(back: Desk) -> None:
    scratch(back)
    database, gate = back.database, Gate()

    async def left() -> int:
        with database.commits.listener() as listener:
            writing = asyncio.create_task(database.write(lambda tx: (put(1)(tx), gate(tx))))
            await asyncio.to_thread(gate.reached.wait, HANGS)
            writing.cancel()
            gate.opened.set()
            async with asyncio.timeout(HANGS):
                await listener.wait()
            return await database.read(None, newest)

    assert back.do(left()) == 1


def woken(back: Desk, name: str | None, write: Callable[[], Coroutine[Any, Any, Any]]) -> bool:
    async def tried() -> bool:
        with back.database.commits.listener(name) as listener:
            await write()
            return listener.is_behind

    return bool(back.do(tried()))


def test_the_listener_of_one_workspace_sleeps_through_the_writes_of_another(back: Desk) -> None:
    scratch(back)
    alice, charlie = back.person(), back.person(CHARLIE)
    write = back.database.write
    for n, (writer, listens, wakes) in enumerate(
        [(alice, alice, True), (charlie, alice, False), (alice, None, True), (None, alice, False), (None, None, True)]
    ):
        name = listens and listens.workspace_id
        assert woken(back, name, partial(write, put(n), writer, None if writer else ANYWHERE)) is wakes


def test_a_unit_wakes_the_listeners_of_a_workspace_that_it_entered(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)

    def entering(workspace: Actor) -> Callable[[Tx], None]:
        return lambda tx: tx.enter(workspace.workspace_id)

    assert woken(back, alice.workspace_id, partial(back.database.write, entering(alice), charlie))
    lanes = [mail_lane(ALICE)]
    assert woken(back, alice.workspace_id, partial(back.database.write, entering(alice), lanes=lanes))
    assert not woken(back, alice.workspace_id, partial(back.database.write, entering(charlie), lanes=lanes))


def test_silent_writes_and_writes_that_fail_wake_nobody(back: Desk) -> None:
    scratch(back)
    alice = back.person()

    def fails(tx: Tx) -> None:
        tx.tell("topic")
        raise ValueError

    async def failing() -> None:
        with pytest.raises(ValueError):
            await back.database.write(fails, alice)

    for name in (alice.workspace_id, None):
        assert not woken(back, name, partial(back.database.write, put(1 if name else 2), alice, silent=True))
        assert not woken(back, name, failing)
    assert not woken(back, "topic", failing)


@pytest.mark.parametrize("silent", [True, False])
def test_a_topic_is_told_by_the_units_that_name_it_alone(back: Desk, silent: bool) -> None:
    scratch(back)
    alice = back.person()
    write = partial(back.database.write, actor=alice, silent=silent)
    assert woken(back, "topic", partial(write, lambda tx: tx.tell("topic")))
    assert not woken(back, "topic", partial(write, put(1)))


def test_nothing_is_kept_of_a_listener_that_left() -> None:
    commits = Commits()
    with commits.listener("a"), commits.listener("a"), commits.listener():
        assert len(commits._listeners) == 2
    assert commits._listeners == {}
    commits.tell(["a", None])


def test_a_wait_that_is_cancelled_loses_no_commit() -> None:
    async def cancelled() -> None:
        listener = Listener()
        for _ in range(3):
            waiting = asyncio.create_task(listener.wait())
            await asyncio.sleep(0)
            listener.wake()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert listener.is_behind
        async with asyncio.timeout(HANGS):
            await listener.wait()

    asyncio.run(cancelled())
