"""Whoever follows the changes while others write ends with what there is, and is told nothing twice."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.history import changes, feed
from crmkit.core.records import write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from tests.core.records.log import live
from tests.house import ALICE, CHARLIE
from tests.kinds import COMPANY, CONTACT, DEAL
from tests.storage.desk import Confirming, Desk, desk, kind_of

WRITERS, WRITES = 4, 60


async def writes(back: Desk, actor: Actor, seed: int) -> None:
    """Create, change and delete records of one's own, and see which of them are left."""
    choice, own = random.Random(seed), list[Any]()
    for n in range(WRITES):
        what = choice.choice(("create", "change", "delete"))
        if what == "create" or not own:
            kind, field = choice.choice([(CONTACT, "name"), (COMPANY, "name"), (DEAL, "title")])
            own.append((await write.save(Call(back.crm, actor), kind, {field: "A"})).record)
            continue
        record = own.pop(choice.randrange(len(own)))
        kind = kind_of(record)
        if what == "change":
            own.append(
                (await write.change(Call(back.crm, actor), kind, record.id, {"owner": f"{n}@example.com"})).record
            )
            continue
        with pytest.raises(Problem) as asked:
            await write.remove(Call(back.crm, actor), kind, record.id)
        await write.remove(Confirming(back.crm, actor, asked.value.facts["confirm"]), kind, record.id)


async def follows(back: Desk, actor: Actor, since: str, limit: int, over: asyncio.Event) -> dict[str, str]:
    """Return the records that are there by what was told, each with the newest change of it."""
    known: dict[str, str] = {}
    while True:
        was_over = over.is_set()
        asked = {"since": since, "limit": str(limit), "wait": "0" if was_over else "1"}
        page = await feed.told(Call(back.crm, actor), asked)
        for handle, row in page.rows:
            if row["change"] == "created":
                assert handle not in known, "it was told twice"
                known[handle] = "created"
            elif row["change"] == "updated":
                assert handle in known, "its creation was skipped"
            else:
                del known[handle]  # its creation was told
        since = str(page.paging.next_cursor)
        if was_over and not page.rows:
            return known


@pytest.mark.slow
def test_followers_end_with_the_records_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "SLICE", 7)  # so that a page ends in the middle of the log, too
    with desk(tmp_path / "data") as back:
        actor, other = back.person(ALICE), back.person(CHARLIE)
        since = back.do(feed.told(Call(back.crm, actor), {})).paging.next_cursor

        async def storm() -> list[dict[str, str]]:
            over = asyncio.Event()
            followers = [asyncio.create_task(follows(back, actor, since, limit, over)) for limit in (1, 3, 50, 200)]
            await asyncio.gather(*(writes(back, actor, seed) for seed in range(WRITERS)), writes(back, other, WRITERS))
            over.set()
            return await asyncio.gather(*followers)

        found = back.do(storm())
        assert back.crm.waiting.calls == 0
        for known in found:
            assert known.keys() == live(back, actor).keys()
