"""A merge is taken back by an undo, and done again by undoing that, unless the record that stayed is not there then."""

import pytest

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from tests.core.records.log import newest_operation, undo
from tests.kinds import DEAL
from tests.storage.desk import Desk


def refused(back: Desk, alice: Actor, operation: str) -> dict[str, str]:
    with pytest.raises(Problem) as raised:
        undo(back, alice, operation)
    assert raised.value.code == "undo_conflict"
    return dict(raised.value.fields)


def test_it_is_not_done_again_into_a_record_that_was_deleted(back: Desk, alice: Actor) -> None:
    stays, goes = back.save(alice, name="One"), back.save(alice, name="Two")
    back.merge(alice, stays, goes)
    undo(back, alice, newest_operation(back, alice))
    undone = newest_operation(back, alice)
    back.remove(alice, stays)
    told = refused(back, alice, undone)
    assert told == {goes.handle: f"was merged into {stays.handle}, which is gone"}
    assert back.fetch(alice, goes).id == goes.id


def test_two_records_never_lead_to_each_other(back: Desk, alice: Actor) -> None:
    one, two = back.save(alice, name="One"), back.save(alice, name="Two")
    back.merge(alice, one, two)
    undo(back, alice, newest_operation(back, alice))
    undone = newest_operation(back, alice)
    back.merge(alice, two, one)
    told = refused(back, alice, undone)
    assert told == {two.handle: f"was merged into {one.handle}, which is gone"}
    assert {back.fetch(alice, each).id for each in (one, two)} == {two.id}


def test_what_was_linked_since_stands_against_neither_way_unless_it_leads_to_what_would_go(
    back: Desk, alice: Actor
) -> None:
    stays, goes = back.save(alice, name="One"), back.save(alice, name="Two")
    back.merge(alice, stays, goes)
    merge = newest_operation(back, alice)
    deal = back.make(alice, DEAL, title="Boat", contact_id=goes.id)
    assert deal.contact_id == stays.id
    undo(back, alice, merge)
    assert back.fetch(alice, deal).contact_id == stays.id
    undone = newest_operation(back, alice)
    other = back.make(alice, DEAL, title="Ship", contact_id=goes.id)
    assert refused(back, alice, undone) == {f"{other.handle}.contact_id": f"leads to {goes.handle}, which would go"}


def test_of_a_merge_only_what_changed_since_stands_against_its_undo(back: Desk, alice: Actor) -> None:
    """What the record that stays took of the other would be given back with the rest."""
    stays = back.save(alice, name="One")
    goes = back.save(alice, name="Two", code="K1", email="two@acme.com", notes="n")
    back.merge(alice, stays, goes)
    merge = newest_operation(back, alice)
    back.change(alice, back.fetch(alice, stays), notes="other")
    assert [*refused(back, alice, merge)] == [f"{stays.handle}.notes"]
    back.change(alice, back.fetch(alice, stays), notes="n")
    undo(back, alice, merge)
    assert (back.fetch(alice, goes).code, back.fetch(alice, stays).code) == ("K1", None)


def test_a_unique_value_that_somebody_took_since_stands_against_the_undo_of_a_merge(back: Desk, alice: Actor) -> None:
    stays, goes = back.save(alice, name="One"), back.save(alice, name="Two", code="K1", notes="n")
    back.merge(alice, stays, goes)
    merge = newest_operation(back, alice)
    back.change(alice, back.fetch(alice, stays), notes="other", code=None)
    third = back.save(alice, name="Three", code="K1")
    told = refused(back, alice, merge)
    assert told[f"{goes.handle}.code"] == f"belongs to {third.handle} now"
    assert {*told} == {f"{stays.handle}.notes", f"{stays.handle}.code", f"{goes.handle}.code"}
