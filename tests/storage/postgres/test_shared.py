"""Who asks at the same moment who may do what shares one read; none is older than the question."""

import asyncio
from typing import Any

import pytest

from tests import postgres
from tests.storage.desk import Desk

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")


def test_those_who_ask_while_a_read_runs_share_the_next_which_is_newer(back: Desk) -> None:
    begun: list[int] = []

    def looked_up(connection: Any, key: str) -> int:
        found: int = connection.execute("SELECT ?::bigint", (len(key),)).fetchone()[0]
        begun.append(found)
        return len(begun)

    async def ask() -> list[int]:
        first = asyncio.create_task(back.database.read_cached(looked_up, "one"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # it runs
        others = [asyncio.create_task(back.database.read_cached(looked_up, "one")) for _ in range(20)]
        other = asyncio.create_task(back.database.read_cached(looked_up, "other"))
        await other
        return [await first, *[await each for each in others]]

    numbers = back.do(ask())
    assert len({*numbers[1:]}) == 1
    assert numbers[1] > numbers[0]
    assert len(begun) == 3


def test_what_fails_is_told_to_all_who_share_it_and_the_next_is_asked_anew(back: Desk) -> None:
    def failing(connection: Any) -> None:
        connection.execute("SELECT no_such_column").fetchone()

    async def ask() -> list[Any]:
        return await asyncio.gather(*(back.database.read_cached(failing) for _ in range(5)), return_exceptions=True)

    for _ in range(2):
        assert {type(found).__name__ for found in back.do(ask())} == {"UndefinedColumn"}
