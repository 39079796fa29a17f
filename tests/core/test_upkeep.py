"""In a quiet moment the search index is merged to few segments; nothing is lost by it, and nobody waits for it."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crmkit.core import upkeep
from crmkit.core.call import Call
from crmkit.model.actor import Actor
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.search import indexing
from tests.kinds import CONTACT
from tests.storage.desk import HANGS, Desk, desk

BATCHES = 7  # each is a segment of its own, until FTS5 merges eight
MERGED = 4  # three in a level, and what became of four


def segments(connection: Connection) -> int:
    """Return in how many segments the index is."""
    found: int = connection.execute("SELECT count(DISTINCT segid) FROM contacts_search_idx").fetchone()[0]
    return found


def merge(back: Desk, is_behind: bool = False) -> None:
    """Merge the index, after somebody else wrote or in a quiet moment."""
    with back.database.commits.listener() as listener:
        if is_behind:
            listener.wake()
        back.do(upkeep.merge_all(Call(back.crm), listener))


@pytest.fixture
def written(tmp_path: Path) -> Iterator[tuple[Desk, Actor]]:
    """What Alice wrote, one batch after another."""
    with desk(tmp_path / "data") as back:
        alice = back.person()
        for batch in range(BATCHES):
            back.save_all(alice, [{"name": f"Canary Bird {batch} {number}"} for number in range(20)])
            back.index()
        yield back, alice


@pytest.mark.sqlite
@pytest.mark.parametrize(("scattered", "most"), [(10**6, MERGED), (0, 1)])
def test_a_quiet_index_is_merged_to_few_segments(
    written: tuple[Desk, Actor], scattered: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    back, alice = written
    monkeypatch.setattr(indexing, "MERGED", 1)
    monkeypatch.setattr(indexing, "SCATTERED", scattered)
    names = [contact.name for contact in back.pages(alice, ("search", "canary"), ("limit", "50"))]
    assert len(names) == 20 * BATCHES
    assert back.do(back.database.read(None, segments)) == BATCHES
    merge(back)
    assert back.do(back.database.read(None, segments)) <= most
    assert [contact.name for contact in back.pages(alice, ("search", "canary"), ("limit", "50"))] == names

    def checked(tx: Any) -> None:
        tx.connection.execute("INSERT INTO contacts_search (contacts_search, rank) VALUES ('integrity-check', 1)")

    back.do(back.database.write(checked))
    assert not back.do(back.database.write(partial(indexing.merge, kind=CONTACT, is_whole=scattered == 0)))
    assert not back.do(back.database.read(None, indexing.is_scattered, CONTACT))


@pytest.mark.sqlite
def test_the_whole_index_is_not_merged_for_the_little_that_is_new(
    written: tuple[Desk, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    back, alice = written
    monkeypatch.setattr(indexing, "SCATTERED", 1)

    def is_scattered() -> bool:
        return bool(back.do(back.database.read(None, indexing.is_scattered, CONTACT)))

    assert is_scattered()
    merge(back)
    assert not is_scattered()
    back.save(alice, name="Canary Alone")
    back.index()
    assert not is_scattered()
    back.save_all(alice, [{"name": f"Sparrow {number}"} for number in range(60)])
    back.index()
    assert is_scattered()


@pytest.mark.sqlite
def test_nothing_is_merged_while_somebody_writes(written: tuple[Desk, Actor]) -> None:
    back, _ = written
    merge(back, is_behind=True)
    assert back.do(back.database.read(None, segments)) == BATCHES


@pytest.mark.sqlite
def test_upkeep_indexes_every_text_and_merges_the_index(written: tuple[Desk, Actor]) -> None:
    back, alice = written
    back.save_all(alice, [{"name": "Canary Who Waits"}])
    read = back.database.read

    async def kept_up() -> None:
        work = asyncio.create_task(upkeep.keep_up(Call(back.crm)))
        try:
            async with asyncio.timeout(HANGS):
                while await read(None, indexing.waits, CONTACT) or await read(None, segments) > MERGED:
                    await asyncio.sleep(0.02)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    back.do(kept_up())
    assert len(back.pages(alice, ("search", "canary"), ("limit", "50"))) == 20 * BATCHES + 1
