"""When a deal was won or lost, and a ticket solved, whichever way its status changes."""

from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.many import batch
from crmkit.model.actor import Actor
from tests.core.records.log import newest_operation, undo
from tests.core.undo.acts_of_many import change_all
from tests.kinds import DEAL, REGISTRY
from tests.storage.desk import Desk

TICKET = REGISTRY.by_word["ticket"]
KINDS = pytest.mark.parametrize(("kind", "end"), [(DEAL, "won"), (TICKET, "solved")], ids=("deal", "ticket"))


def sent(kind: Any, **more: Any) -> dict[str, Any]:
    return {kind.title.name: "Boat", **more}


def closed(back: Desk, actor: Actor, *records: Any) -> list[str | None]:
    """Return when these were closed, a minute later."""
    back.clock.move(minutes=1)
    return [back.fetch(actor, record).closed_at for record in records]


@KINDS
def test_an_undo_brings_back_when_it_was_closed(back: Desk, alice: Actor, kind: Any, end: str) -> None:
    record = back.make(alice, kind, **sent(kind, status=end))
    (at,) = closed(back, alice, record)
    assert at is not None
    back.change(alice, record, status="open")
    assert closed(back, alice, record) == [None]
    undo(back, alice, newest_operation(back, alice))
    assert closed(back, alice, record) == [at]
    undo(back, alice, newest_operation(back, alice))
    assert closed(back, alice, record) == [None]


@KINDS
def test_a_post_that_merges_closes_and_opens(back: Desk, alice: Actor, kind: Any, end: str) -> None:
    record, at = back.make(alice, kind, **sent(kind, source_id="x-1")), back.crm.now
    for status, then in ((end, at), (end, at), ("open", None)):
        assert back.make(alice, kind, source_id="x-1", status=status).id == record.id
        assert closed(back, alice, record) == [then]


@KINDS
def test_an_item_of_a_batch_closes_and_opens(back: Desk, alice: Actor, kind: Any, end: str) -> None:
    there = back.make(alice, kind, **sent(kind, source_id="x-1"))
    items = [{"source_id": "x-1", "status": end}, sent(kind, status=end), sent(kind)]
    at = back.crm.now
    done = [each.record for each in back.do(batch.save(Call(back.crm, alice), kind, items))]
    assert done[0].id == there.id
    assert closed(back, alice, *done) == [at, at, None]
    back.do(batch.save(Call(back.crm, alice), kind, [{"source_id": "x-1", "status": "open"}]))
    assert closed(back, alice, there) == [None]


@KINDS
@pytest.mark.parametrize("by_job", [False, True])
def test_a_change_by_filter_closes_those_that_are_open(
    back: Desk, alice: Actor, kind: Any, end: str, by_job: bool
) -> None:
    before = back.make(alice, kind, **sent(kind, status=end))
    made = [before, *(back.make(alice, kind, **sent(kind)) for _ in range(3))]
    (first,) = closed(back, alice, before)
    at = back.crm.now
    change_all(back, alice, made, kind, {"status": end}, by_job)
    assert closed(back, alice, *made) == [first, at, at, at]
    change_all(back, alice, made, kind, {"status": "open"}, by_job)
    assert closed(back, alice, *made) == [None] * 4
    undo(back, alice, newest_operation(back, alice))
    assert closed(back, alice, *made) == [first, at, at, at]
