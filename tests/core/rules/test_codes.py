"""Where a workspace has a prefix for codes, a contact that is made without one gets the next number, once."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.records import write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from tests.kinds import COMPANY, CONTACT
from tests.storage.desk import Desk, queued

Prefer = Callable[..., None]


@pytest.fixture
def numbered(back: Desk, alice: Actor, prefer: Prefer) -> Actor:
    """Alice, whose workspace numbers its contacts."""
    prefer(alice, code_prefix="CRM-")
    return alice


def codes(back: Desk, actor: Actor, times: int) -> list[str]:
    return [back.save(actor, name=f"Jane {number}").code for number in range(times)]


def test_contacts_are_numbered_from_one_on(back: Desk, numbered: Actor) -> None:
    assert codes(back, numbered, 3) == ["CRM-1", "CRM-2", "CRM-3"]


def test_nothing_is_numbered_without_a_prefix(back: Desk, alice: Actor) -> None:
    assert back.save(alice, name="Jane").code is None


def test_companies_are_not_numbered(back: Desk, numbered: Actor) -> None:
    assert back.make(numbered, COMPANY, name="Acme").code is None


def test_a_contact_that_has_a_code_uses_no_number(back: Desk, numbered: Actor) -> None:
    assert back.save(numbered, name="Jane", code="J-7").code == "J-7"
    assert codes(back, numbered, 1) == ["CRM-1"]


def test_a_merge_and_a_change_use_no_number(back: Desk, numbered: Actor) -> None:
    first = back.save(numbered, name="Jane", email="jane@example.com")
    assert back.save(numbered, email="jane@example.com", stage="lead").code == "CRM-1"
    assert back.change(numbered, first, code=None).code is None
    assert back.save(numbered, email="jane@example.com", stage="won").code is None
    assert codes(back, numbered, 1) == ["CRM-2"]


def test_a_create_that_fails_uses_no_number(back: Desk, numbered: Actor) -> None:
    for body in ({}, {"name": "Jane", "company_id": "co_k7m2q9xa"}):
        with pytest.raises(Problem):
            back.save(numbered, **body)
    assert codes(back, numbered, 1) == ["CRM-1"]


def test_a_number_that_somebody_took_by_hand_is_passed_over(back: Desk, numbered: Actor) -> None:
    for code in ("CRM-1", "CRM-2", "CRM-4", "crm-5"):
        back.save(numbered, name="By hand", code=code)
    assert codes(back, numbered, 3) == ["CRM-3", "CRM-5", "CRM-6"]  # the case of codes counts


def test_the_number_of_a_deleted_contact_is_not_given_again(back: Desk, numbered: Actor) -> None:
    back.remove(numbered, back.save(numbered, name="Jane"))
    assert codes(back, numbered, 1) == ["CRM-2"]


def test_each_workspace_counts_for_itself(back: Desk, numbered: Actor, prefer: Prefer) -> None:
    codes(back, numbered, 2)
    bob = back.person("bob.of.the.other.place@example.com")
    prefer(bob, code_prefix="B/")
    assert codes(back, bob, 1) == ["B/1"]


def test_a_new_prefix_goes_on_where_the_old_one_was(back: Desk, numbered: Actor, prefer: Prefer) -> None:
    codes(back, numbered, 2)
    prefer(numbered, code_prefix="X")
    assert codes(back, numbered, 1) == ["X3"]


def test_contacts_that_are_made_in_the_same_moment_get_a_number_each(back: Desk, numbered: Actor) -> None:
    """Every third create fails after it took its number."""
    bodies: list[dict[str, Any]] = [
        {"name": f"Jane {number}"} if number % 3 else {"email": f"p{number}@example.com"} for number in range(60)
    ]
    calls = [partial(write.save, Call(back.crm, numbered), CONTACT, body) for body in bodies]
    outcomes = back.do(queued(back.database, calls))
    found = [outcome.record.code for outcome in outcomes if not isinstance(outcome, Problem)]
    assert found == [f"CRM-{number}" for number in range(1, 41)]
