"""What open deals add up to is kept with each write, and equals what a look at all of them finds."""

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pytest

from crmkit.core import derived
from crmkit.core.call import Call
from crmkit.core.configuration import pipelines
from crmkit.model.actor import Actor
from crmkit.model.fields import MAX_EXACT
from crmkit.model.fold import fold
from crmkit.storage import records
from crmkit.storage.derived import open_sums
from crmkit.storage.derived.open_sums import OpenSum
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.migrations import m0030_briefs
from tests.kinds import COMPANY, DEAL, REGISTRY
from tests.storage.desk import ENDLESS, Desk

AMOUNTS = (None, 0, 1, -1, 100_000, -(2**30), 2**30 + 7, MAX_EXACT, -MAX_EXACT)
STAGES = (None, "lead", "Lead", "LEAD", "proposal", "Ärger", "ärger")
COLUMNS = "workspace_id, kind, stage, currency, records, high, low"


def shown(back: Desk, actor: Actor, most: int = ENDLESS) -> list[OpenSum]:
    found: list[OpenSum] = back.do(Call(back.crm, actor).read(open_sums.largest, DEAL, actor.workspace_id, most))
    return found


def kept(back: Desk) -> list[Any]:
    """Return the rows of the table."""
    sql = f"SELECT {COLUMNS} FROM open_sums ORDER BY 1, 2, 3, 4"
    return list(back.do(back.database.read(None, lambda connection: connection.execute(sql).fetchall())))


def looked_up(deals: Sequence[Any]) -> dict[tuple[str, str], tuple[int, int]]:
    """Return how many of these deals are open, and their amounts, by stage without case and by currency."""
    found: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for deal in deals:
        if deal.status == "open":
            place = fold(deal.stage or ""), deal.currency
            found[place] = found[place][0] + 1, found[place][1] + (deal.amount_cents or 0)
    return dict(found)


@pytest.mark.parametrize("seed", range(3))
def test_sums_equal_a_look_at_all_deals_whatever_was_written(back: Desk, seed: int) -> None:
    choice, alice = random.Random(seed), back.person()
    company = back.make(alice, COMPANY, name="Acme")
    gone: list[Any] = []
    for step in range(120):
        live = [*back.find(alice, kind=DEAL, limit="200").records]
        body: dict[str, Any] = {
            "stage": choice.choice(STAGES),
            "amount_cents": choice.choice(AMOUNTS),
            "currency": choice.choice(("USD", "EUR")),
        }
        act = choice.random()
        if act < 0.4 or not live:
            back.make(alice, DEAL, title=f"{step}", company_id=company.id, **body)
        elif act < 0.7:
            some = {name: body[name] for name in choice.sample(sorted(body), choice.randint(1, 3))}
            back.change(alice, choice.choice(live), **some)
        elif act < 0.8:
            back.change(alice, choice.choice(live), status=choice.choice(("open", "won", "lost")))
        elif act < 0.9 or not gone:
            gone.append(choice.choice(live))
            back.remove(alice, gone[-1])
        else:
            restored = gone.pop()

            def unit(tx: Tx, record: Any = restored) -> None:
                derived.put_and_follow(tx, REGISTRY, DEAL, None, record)

            back.do(Call(back.crm, alice).write(unit))
    back.remove(alice, company)
    everything = back.find(alice, kind=DEAL, limit="200").records
    assert len(everything) < 200
    told = {(fold(each.stage or ""), each.currency): (each.records, each.amount) for each in shown(back, alice)}
    assert told == looked_up(everything)
    assert all(each.stage in {deal.stage for deal in everything} for each in shown(back, alice))

    before = kept(back)

    def filled_anew(tx: Tx) -> None:
        tx.connection.execute("DELETE FROM open_sums")
        (statement,) = (each for each in m0030_briefs.MIGRATION.statements if "INSERT INTO open_sums" in each)
        tx.connection.execute(statement)

    back.do(back.database.write(filled_anew))
    assert kept(back) == before


def test_a_sum_may_be_larger_than_a_column_holds(back: Desk) -> None:
    alice = back.person()
    bodies = [{"title": f"{number}", "amount_cents": MAX_EXACT} for number in range(1100)]
    back.save_all(alice, bodies, DEAL)
    (told,) = shown(back, alice)
    assert (told.records, told.amount) == (1100, 1100 * MAX_EXACT)
    assert told.amount > 2**63


def test_the_largest_come_first_then_by_stage(back: Desk) -> None:
    alice = back.person()
    for stage in ("b", "a", "c", "c", None):
        back.make(alice, DEAL, title="Deal", stage=stage)
    assert [each.stage for each in shown(back, alice)] == ["c", None, "a", "b"]
    assert [each.stage for each in shown(back, alice, 2)] == ["c", None]


def test_a_stage_is_spelled_as_the_pipeline_has_it_else_as_its_oldest_record_has_it(back: Desk) -> None:
    alice = back.person()
    back.make(alice, DEAL, title="First", stage="LEAD")
    back.clock.move(seconds=1)
    back.make(alice, DEAL, title="Second", stage="Lead")
    assert [each.stage for each in shown(back, alice)] == ["LEAD"]
    back.do(pipelines.put(Call(back.crm, alice), DEAL, {"stages": [{"name": "lead"}]}))
    assert [(each.stage, each.records) for each in shown(back, alice)] == [("lead", 2)]


def test_what_failed_adds_nothing(back: Desk) -> None:
    alice = back.person()

    def unit(tx: Tx) -> None:
        records.put(tx, DEAL, None, DEAL.new({"title": "Never", "amount_cents": 5}))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        back.do(Call(back.crm, alice).write(unit))
    assert kept(back) == []
