"""Pairs of likely duplicates, and what was said of them, follow a merge and a delete of what records link to."""

from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.duplicates import dismissing, listing
from crmkit.model.actor import Actor
from crmkit.model.record import Kind
from tests.core.records.log import newest_operation, undo
from tests.kinds import COMPANY, CONTACT, DEAL, TASK
from tests.storage.desk import Desk


def pairs(back: Desk, actor: Actor, kind: Kind = CONTACT) -> list[set[str]]:
    """Return the ids of each pair of a kind; the page has as many as are counted."""
    page = back.do(listing.find_all(Call(back.crm, actor), {"kind": kind.plural}))
    assert page.paging.total == len(page.rows)
    return [{row["a"].partition("/")[2], row["b"].partition("/")[2]} for _, row in page.rows]


def dismissed(back: Desk, actor: Actor, one: Any, other: Any) -> None:
    back.do(dismissing.dismiss(Call(back.crm, actor), {"a": one.id, "b": other.id}))


def test_the_pairs_of_the_record_that_goes_end_and_those_of_the_other_are_found_anew(back: Desk, alice: Actor) -> None:
    jane, oslo, lima = (back.save(alice, name="Jane", city=city) for city in (None, "Oslo", "Lima"))
    also_oslo, also_lima = (back.save(alice, name="Jane", city=city) for city in ("Oslo", "Lima"))
    found = pairs(back, alice)
    assert len(found) == 2
    assert {lima.id, also_lima.id} in found
    assert {oslo.id, also_oslo.id} in found
    back.merge(alice, lima, oslo)  # which keeps its own city
    assert pairs(back, alice) == [{lima.id, also_lima.id}]
    back.merge(alice, jane, lima)  # which has none
    assert pairs(back, alice) == [{jane.id, also_lima.id}]
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice) == [{lima.id, also_lima.id}]


def test_a_merge_of_a_pair_ends_it_and_its_undo_brings_it_back(back: Desk, alice: Actor) -> None:
    one, other = (back.save(alice, name="Jane", city="Oslo") for _ in range(2))
    back.merge(alice, one, other)
    assert pairs(back, alice) == []
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice) == [{one.id, other.id}]
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice) == []


@pytest.mark.parametrize("kind", [DEAL, TASK], ids=lambda kind: kind.name)
def test_what_was_linked_to_both_is_paired_once_it_is_linked_to_one(back: Desk, alice: Actor, kind: Kind) -> None:
    one, other = (back.save(alice, name=name) for name in ("Jane", "Joan"))
    mine, theirs = (back.make(alice, kind, title="Renewal", contact_id=each.id) for each in (one, other))
    assert pairs(back, alice, kind) == []
    back.merge(alice, one, other)
    assert pairs(back, alice, kind) == [{mine.id, theirs.id}]
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice, kind) == []


def test_contacts_of_two_companies_that_become_one_are_paired(back: Desk, alice: Actor) -> None:
    one, other = (back.make(alice, COMPANY, name=name) for name in ("Acme", "Acme Inc"))
    here, there = (back.save(alice, name="Jane", company_id=each.id) for each in (one, other))
    back.merge(alice, one, other)
    assert pairs(back, alice) == [{here.id, there.id}]
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice) == []


def test_a_pair_ends_with_the_company_that_both_had(back: Desk, alice: Actor) -> None:
    acme = back.make(alice, COMPANY, name="Acme")
    one, other = (back.save(alice, name="Jane", company_id=acme.id) for _ in range(2))
    also, same = (back.save(alice, name="Joe", company_id=acme.id, city="Oslo") for _ in range(2))
    both = {frozenset((also.id, same.id)), frozenset((one.id, other.id))}
    assert {frozenset(pair) for pair in pairs(back, alice)} == both
    back.remove(alice, acme)
    assert pairs(back, alice) == [{also.id, same.id}]
    undo(back, alice, newest_operation(back, alice))
    assert {frozenset(pair) for pair in pairs(back, alice)} == both


def test_who_was_said_to_be_another_than_the_record_that_goes_is_another_than_that_which_stays(
    back: Desk, alice: Actor
) -> None:
    stays = back.save(alice, name="Jane")
    goes, other = (back.save(alice, name="Jane", city="Oslo") for _ in range(2))
    dismissed(back, alice, goes, other)
    dismissed(back, alice, goes, stays)
    back.merge(alice, stays, goes)
    assert pairs(back, alice) == []
    back.change(alice, other, city="Bergen")
    back.change(alice, other, city="Oslo")  # looked for anew
    assert pairs(back, alice) == []


def test_the_undo_of_a_merge_takes_what_was_carried_over_back(back: Desk, alice: Actor) -> None:
    stays = back.save(alice, name="Jane")
    goes, other = (back.save(alice, name="Jane", city="Oslo") for _ in range(2))
    dismissed(back, alice, goes, other)
    back.merge(alice, stays, goes)
    undo(back, alice, newest_operation(back, alice))
    assert pairs(back, alice) == []
    back.change(alice, stays, city="Oslo")
    found = {frozenset(pair) for pair in pairs(back, alice)}
    assert frozenset((goes.id, other.id)) not in found
    assert any(stays.id in pair for pair in found)
