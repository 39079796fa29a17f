"""What is looked up for a batch at once, and that its items then meet whom they would meet alone."""

import random
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.many import batch
from crmkit.core.records import write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage.interface.tx import Tx
from tests.house import BOB
from tests.kinds import CONTACT
from tests.storage.desk import Desk
from tests.storage.writing.units import traced

NAMES = ("Jane Doe", "jane doe", "John Roe", "Zoë Poe")
EMAILS = ("jane@acme.com", "jane+news@acme.com", "Jane@Acme.com", "john@acme.com", "jane@other.com", "x+a@acme.com")
PHONES = ("+49 30 1234567", "030 1234567", "+49301234567", "112", "0049 30 7654321")


def drawn(choice: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {"name": choice.choice(NAMES)}
    for field, values in (("email", EMAILS), ("phone", PHONES), ("source_id", ("a", "A", "b")), ("city", ("Oslo",))):
        if choice.random() < 0.4:
            body[field] = choice.choice(values)
    if choice.random() < 0.2:
        body["country"] = choice.choice(("DE", "AT"))
    if choice.random() < 0.3:
        body["company"] = {"name": choice.choice(("Acme", "ACME")), "domain": choice.choice(("acme.com", "other.com"))}
    if choice.random() < 0.1:
        body["activities"] = [{"body": "met", "deal_id": "d_2222222c"}]  # no such deal: the item is refused
    return body


def told(back: Desk, actor: Actor, outcomes: list[batch.Outcome]) -> list[Any]:
    """Return of each outcome what it says, with records by their place in the workspace in place of their ids."""
    records = sorted(back.pages(actor), key=lambda record: (record.created_at, record.id))
    places = {record.handle: f"{record.email} {record.phone} {record.source_id} {record.name}" for record in records}

    def of(outcome: batch.Outcome) -> Any:
        if isinstance(outcome, Problem):
            return outcome.code, sorted(outcome.fields)
        found = outcome.created, outcome.potential_duplicate != "", len(outcome.notes)
        return (*found, places[outcome.record.handle])

    return [of(outcome) for outcome in outcomes]


def alone(back: Desk, actor: Actor, body: dict[str, Any]) -> batch.Outcome:
    try:
        return back.do(write.save(Call(back.crm, actor), CONTACT, body))  # type: ignore[no-any-return]
    except Problem as problem:
        return problem


@pytest.mark.parametrize("seed", range(12))
def test_a_batch_comes_to_what_its_items_come_to_one_after_another(back: Desk, seed: int) -> None:
    choice = random.Random(seed)
    alice, bob = back.person(), back.person(BOB)
    before, items = [drawn(choice) for _ in range(4)], [drawn(choice) for _ in range(40)]
    for actor in (alice, bob):
        for body in before:
            alone(back, actor, body)
    together = back.do(batch.save(Call(back.crm, alice), CONTACT, items))
    each = [alone(back, bob, body) for body in items]
    assert told(back, alice, together) == told(back, bob, each)


@pytest.mark.parametrize("count", [batch.LOOKED_AHEAD - 6, batch.LOOKED_AHEAD + 3])
def test_an_item_meets_an_earlier_one_by_the_code_that_was_given_to_it(back: Desk, count: int) -> None:
    alice = back.person()

    def numbered(tx: Tx) -> None:
        tx.connection.execute("UPDATE workspaces SET code_prefix = 'CRM-' WHERE id = ?", (alice.workspace_id,))

    back.do(back.database.write(numbered, lanes=[alice.workspace_id]))
    items = [*({"name": f"n{number}"} for number in range(1, count)), {"code": "CRM-2", "city": "Oslo"}]
    *made, last = back.do(batch.save(Call(back.crm, alice), CONTACT, items, atomic=True))
    assert [each.record.code for each in made] == [f"CRM-{number}" for number in range(1, count)]
    assert (last.created, last.record.id, last.record.city) == (False, made[1].record.id, "Oslo")


@pytest.mark.sqlite
def test_new_contacts_are_looked_up_together(back: Desk) -> None:
    alice = back.person()
    statements = traced(back)
    items = [
        {"name": f"n{number}", "email": f"n{number}@acme.com", "phone": f"+49 30 {10**6 + number}"}
        for number in range(90)
    ]
    back.do(batch.save(Call(back.crm, alice), CONTACT, items))
    asked = [sql for sql in statements if sql.startswith("SELECT") and '"contacts"' in sql and "max(seq)" not in sql]
    assert "UNION ALL SELECT r.id FROM deleted" in asked.pop()  # the ids that begin as the new ones do
    assert len(asked) == 3, asked  # emails, addresses near those, phones
