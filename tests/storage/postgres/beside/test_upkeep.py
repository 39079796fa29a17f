"""Upkeep, which writes in several workspaces, waits for a request that writes in one of them."""

import asyncio
import time

import pytest

from crmkit.core import followed
from crmkit.core.call import Call
from crmkit.core.records import write
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE
from crmkit.storage.interface.tx import Tx
from tests import postgres
from tests.kinds import ACTIVITY
from tests.storage.desk import HANGS, Desk

pytestmark = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")


def is_waited_for(connection: Connection) -> bool:
    sql = "SELECT 1 FROM pg_locks WHERE NOT granted LIMIT 1"
    return connection.execute(sql).fetchone() is not None


def test_a_meeting_that_is_put_off_while_it_falls_due_is_counted_when_it_takes_place(back: Desk) -> None:
    alice = back.person()
    jane = back.save(alice, name="Jane")
    meeting = back.log(alice, jane, kind="meeting", body="at noon", occurred_at="2026-06-11T12:00:00Z")
    later = "2026-06-18T12:00:00Z"
    put_off = write.changing(back.crm, ACTIVITY, meeting.id, {"occurred_at": later}, alice.asker(back.crm.now))
    back.clock.move(days=2)

    def unit(tx: Tx) -> None:
        put_off(tx)
        ends = time.monotonic() + HANGS
        while not is_waited_for(tx.connection) and time.monotonic() < ends:
            pass

    async def both() -> None:
        putting_off = asyncio.create_task(Call(back.crm, alice).write(unit))
        await asyncio.sleep(0.05)
        counting = asyncio.create_task(
            back.database.write(lambda tx: followed.count_due(tx, back.crm.kinds), lanes=ANYWHERE)
        )
        await asyncio.gather(putting_off, counting)

    back.do(both())
    assert back.fetch(alice, jane).last_contacted_at is None
    back.clock.move(days=7)
    back.do(back.database.write(lambda tx: followed.count_due(tx, back.crm.kinds), lanes=ANYWHERE))
    assert back.fetch(alice, jane).last_contacted_at == later
