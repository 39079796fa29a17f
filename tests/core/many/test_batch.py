"""A batch at the desk: one transaction, one operation, and other requests have their turn while it is checked."""

import asyncio
from typing import Any

import pytest

from crmkit import ids
from crmkit.core.call import Call
from crmkit.core.many import batch
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from tests.kinds import COMPANY, CONTACT
from tests.storage.desk import Desk
from tests.storage.writing.units import traced


def saved(back: Desk, actor: Actor, items: list[Any], atomic: bool = False) -> list[batch.Outcome]:
    return back.do(batch.save(Call(back.crm, actor), CONTACT, items, atomic))


def operations(back: Desk, actor: Actor) -> list[int]:
    """Return the number of the operation of each entry of the log, the newest last."""
    sql = "SELECT coalesce(op, seq) FROM audit WHERE workspace_id = ? ORDER BY seq"
    found = back.do(back.database.read(None, lambda c: c.execute(sql, (actor.workspace_id,)).fetchall()))
    return [operation for (operation,) in found]


@pytest.mark.sqlite
def test_a_batch_is_one_commit_and_one_operation(back: Desk) -> None:
    alice = back.person()
    before = len(operations(back, alice))
    statements = traced(back)
    items = [{"name": f"n{number}"} if number % 7 else {"nonsense": 1} for number in range(100)]
    outcomes = saved(back, alice, [*items, {"name": "n", "company": {"name": "Acme"}}])
    assert statements.count("COMMIT") == 1
    assert sum(isinstance(outcome, Problem) for outcome in outcomes) == 15
    told = operations(back, alice)[before:]
    assert len(told) == 87
    assert len(set(told)) == 1


@pytest.mark.parametrize("wrong", range(0, 2 * batch.TOGETHER + 3, 7))
def test_an_item_that_the_write_refuses_takes_back_itself_alone_wherever_it_stands(back: Desk, wrong: int) -> None:
    """Its activity names a deal that is not there, which is found after its company and itself were written."""
    alice = back.person()
    items: list[Any] = [{"name": f"n{number}"} for number in range(2 * batch.TOGETHER + 3)]
    lost = {"body": "met", "deal_id": ids.mint("d")}
    items[wrong] = {"name": "Never", "company": {"name": "Never"}, "activities": [lost]}
    before = len(operations(back, alice))
    outcomes = saved(back, alice, items)
    assert len(set(operations(back, alice)[before:])) == 1
    refused = [outcome for outcome in outcomes if isinstance(outcome, Problem)]
    assert [*map(outcomes.index, refused)] == [wrong]
    assert [*refused[0].fields] == ["activities.0.deal_id"]
    names = sorted(record.name for record in back.pages(alice))
    assert names == sorted(item["name"] for item in items if item["name"] != "Never")
    assert back.find(alice, kind=COMPANY).records == ()


@pytest.mark.sqlite
@pytest.mark.parametrize("atomic", [True, False])
def test_a_batch_of_new_records_needs_no_savepoints(back: Desk, atomic: bool) -> None:
    alice = back.person()
    statements = traced(back)
    items = [{"name": f"n{number}"} for number in range(2 * batch.TOGETHER)]
    assert len(saved(back, alice, items, atomic)) == len(back.pages(alice)) == len(items)
    assert "SAVEPOINT attempt" not in statements


def test_other_requests_have_their_turn_while_items_are_checked(back: Desk) -> None:
    alice = back.person()
    turns: list[int] = []

    async def both() -> None:
        async def other() -> None:
            while True:
                turns.append(1)
                await asyncio.sleep(0)

        beside = asyncio.create_task(other())
        await batch.save(Call(back.crm, alice), CONTACT, [{"nonsense": 1}] * 1_000)
        beside.cancel()

    back.do(both())
    assert len(turns) >= 1_000 // batch.AT_ONCE


def test_a_batch_of_someone_whose_token_ended_is_refused_as_a_whole(back: Desk) -> None:
    alice = back.person()
    back.do(back.database.write(lambda tx: tx.connection.execute("DELETE FROM tokens WHERE id = ?", (alice.token_id,))))
    with pytest.raises(Problem) as refused:
        saved(back, alice, [{"name": "Never"}])
    assert refused.value.code == "invalid_token"
