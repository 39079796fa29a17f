"""The migration of closings: deals that were closed before get the time at which the log says that they were."""

from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.migrations import m0025_pipelines
from tests.kinds import DEAL
from tests.storage.desk import Desk


def run(back: Desk, *statements: str) -> None:
    def unit(tx: Tx) -> None:
        for statement in statements:
            tx.connection.execute(statement)

    back.do(back.database.write(unit))


def test_a_deal_is_closed_when_it_last_got_its_status(back: Desk) -> None:
    alice = back.person()
    made = back.make(alice, DEAL, title="Made won", status="won")
    moved = back.make(alice, DEAL, title="Moved", status="lost")
    again = back.make(alice, DEAL, title="Again", status="won")
    unlogged = back.make(alice, DEAL, title="Unlogged", status="lost")
    still = back.make(alice, DEAL, title="Open")
    back.clock.move(days=1)
    moved = back.change(alice, moved, status="won")
    again = back.change(alice, back.change(alice, again, status="open"), status="won")
    back.clock.move(days=1)
    deals = [back.change(alice, deal, title=f"{deal.title}!") for deal in (made, moved, again, unlogged, still)]
    run(back, "UPDATE deals SET closed_at = NULL", f"DELETE FROM audit WHERE target = '{unlogged.handle}'")
    run(back, m0025_pipelines.MIGRATION.statements[-1])
    closed = [back.fetch(alice, deal).closed_at for deal in deals]
    assert closed == [made.created_at, moved.updated_at, again.updated_at, deals[3].updated_at, None]
    # entries of old had pairs where a new record is logged by its values now
    pairs = "json_object('title', json_array(NULL, 'x'), 'status', json_array(NULL, 'won'))"
    run(back, f"UPDATE audit SET changes = {pairs} WHERE target = '{made.handle}' AND action = 'deal.create'")
    run(back, "UPDATE deals SET closed_at = NULL", m0025_pipelines.MIGRATION.statements[-1])
    assert back.fetch(alice, made).closed_at == made.created_at
