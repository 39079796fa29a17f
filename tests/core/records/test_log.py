"""The audit log holds all that is needed to restore records, and to know each as it is."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.reading import audit as reading
from crmkit.core.records import memberships, write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from tests.core.records.log import (
    Entry,
    entries,
    live,
    newest_operation,
    tables,
    undo,
)
from tests.house import BOB, CHARLIE
from tests.kinds import CAMPAIGN, COMPANY, CONTACT, CONVERSION, DEAL, KINDS, REGISTRY, TASK, TICKET
from tests.storage.desk import Desk, queued


@pytest.fixture
def alice(back: Desk) -> Actor:
    return back.person()


def filled(back: Desk, alice: Actor) -> dict[str, Any]:
    """Return a company, a contact and a deal that are linked, and have activities; and a task of the deal.

    A key of custom is declared, and activities are done for somebody and dated ahead.
    """
    key = {"kind": "contact", "key": "n", "type": "number"}
    back.do(write.save(Call(back.crm, alice), REGISTRY.settings[0], key))
    company = back.make(alice, COMPANY, name="Kelason", domain="kelason.example", tags=["Big"], custom={"a": [1, None]})
    contact = back.save(
        alice,
        **{
            "name": "Jane Doe",
            "email": "jane@kelason.example",
            "phone": "1",
            "company_id": company.id,
            "stage": "Lead",
        },
        **{"tags": ["VIP", "a"], "notes": "Likes wool.\nA lot.", "custom": {"n": 9_007_199_254_740_993, "x": 1.5}},
        **{"follow_up_at": "2026-07-01T09:00:00Z", "follow_up_note": "Call"},
    )
    contact = back.change(alice, contact, stage="Customer", custom={"x": None})
    deal = back.make(alice, DEAL, title="Boat", amount_cents=-5, contact_id=contact.id, company_id=company.id)
    for record in (company, contact, deal):
        for day in (3, 1):
            back.log(
                alice, record, body=f"on {record.handle}", occurred_at=f"2026-05-0{day}T08:00:00Z", on_behalf_of=BOB
            )
    task = back.make(alice, TASK, title="Paint", due_at="2026-06-01", done=True, deal_id=deal.id)
    ticket = back.make(alice, TICKET, subject="Leak", contact_id=contact.id, company_id=company.id, status="solved")
    back.log(alice, ticket, kind="call", body="mended", occurred_at=after(back.crm.now, minutes=100_000))
    campaign = back.make(alice, CAMPAIGN, name="Spring", description="All of wool", starts_on="2026-03-01")
    for member in (company, contact):
        back.do(memberships.add(Call(back.crm, alice), campaign.id, {"id": member.id, "reason": "wool"}))
    conversion = back.make(alice, CONVERSION, contact_id=contact.id, platform="meta", value_cents=-1)
    return {
        **{"company": company, "contact": contact, "deal": deal},
        **{"ticket": ticket, "campaign": campaign, "conversion": conversion, "task": task},
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_delete_is_taken_back_from_the_log_alone(back: Desk, alice: Actor, kind: Kind) -> None:
    made = filled(back, alice)
    record = back.fetch(alice, made[kind.name])
    before = tables(back, alice)
    back.clock.move(hours=1)
    back.remove(alice, record)
    assert record.id not in tables(back, alice)[kind.plural]
    back.clock.move(hours=1)
    undo(back, alice, newest_operation(back, alice))
    after = tables(back, alice)
    changed = {
        (table, id)
        for table, rows in before.items()
        for id, row in rows.items()
        if {**row, "version": 0} != {**after[table][id], "version": 0}
    }
    assert changed == set()
    assert {table: rows.keys() for table, rows in after.items()} == {
        table: rows.keys() for table, rows in before.items()
    }
    now = back.fetch(alice, record)
    assert now.version == record.version + 1  # no other record ever had it
    assert now.updated_at > record.updated_at
    for _ in range(2 if kind.is_searched else 0):
        assert back.pages(alice, ("search", getattr(record, kind.title.name)), kind=kind) == [now]
        back.index()
    free = next(name for name in ("notes", "description", "failure") if name in kind.by_name)
    with pytest.raises(Problem) as raised:
        back.do(write.change(Call(back.crm, alice), kind, record.id, {free: "stale"}, record.version))
    assert raised.value.code == "version_conflict"


def test_what_was_taken_back_is_done_again_by_taking_that_back(back: Desk, alice: Actor) -> None:
    contact = filled(back, alice)["contact"]
    back.remove(alice, contact)
    gone = tables(back, alice)
    undo(back, alice, newest_operation(back, alice))
    undo(back, alice, newest_operation(back, alice))
    again = tables(back, alice)
    assert again["contacts"] == gone["contacts"] == {}
    assert again["deleted"].keys() == gone["deleted"].keys()
    undo(back, alice, newest_operation(back, alice))
    versions = [(e.action, e.version) for e in entries(back, alice) if e.target == contact.handle]
    assert versions == [
        ("contact.create", 1),
        ("contact.update", 2),
        ("contact.delete", 2),
        ("contact.restore", 3),
        ("contact.delete", 3),
        ("contact.restore", 4),
    ]
    restored = back.fetch(alice, contact)
    assert (restored.created_at, restored.created_by) == (contact.created_at, contact.created_by)


def test_only_an_id_that_was_deleted_is_restored(back: Desk, alice: Actor) -> None:
    jane, charlie = back.save(alice, name="Jane"), back.person(CHARLIE)
    gone = back.save(charlie, name="Gone")
    back.remove(charlie, gone)
    for record in (jane, gone, CONTACT.new({"name": "Nobody"}, "c_k7m2q9xa")):
        with pytest.raises(LookupError, match="was not deleted here"):
            back.do(Call(back.crm, alice).write(lambda tx, record=record: records.put(tx, CONTACT, None, record)))
    assert live(back, alice) == {jane.handle: jane}


def test_a_restored_value_that_somebody_has_by_now_is_refused(back: Desk, alice: Actor) -> None:
    back.remove(alice, back.save(alice, name="Jane", email="jane@acme.com"))
    operation = newest_operation(back, alice)
    other = back.save(alice, name="Other", email="jane@acme.com")
    with pytest.raises(Problem) as raised:
        undo(back, alice, operation)
    assert raised.value.code == "undo_conflict"
    assert live(back, alice) == {other.handle: other}


def stored(back: Desk, actor: Actor, *actions: str) -> list[Entry]:
    return [entry for entry in entries(back, actor) if entry.action in actions]


def test_a_new_record_is_logged_by_its_bare_values_and_nothing_that_the_entry_says(back: Desk, alice: Actor) -> None:
    company = back.make(alice, COMPANY, name="Acme")
    deal = back.make(alice, DEAL, title="Boat", company_id=company.id)
    back.log(alice, deal, body="Called", occurred_at="2026-05-01")
    values = [entry.changes for entry in stored(back, alice, "company.create", "deal.create", "activity.create")]
    assert values == [
        [None, {"name": "Acme"}],
        [None, {"title": "Boat", "currency": "USD", "status": "open", "company_id": company.id}],
        [
            None,
            {
                **{"kind": "note", "occurred_at": "2026-05-01T00:00:00Z"},
                **{"company_id": company.id, "deal_id": deal.id, "body": "Called"},
            },
        ],
    ]


def test_the_entry_of_a_new_contact_takes_the_bytes_of_its_fields_and_no_more(back: Desk, alice: Actor) -> None:
    fields = {
        "name": "Jane Doe",
        "email": "jane.doe@kelason.example",
        "phone": "+49 30 1234567",
        "stage": "customer",
        "tags": ["vip", "newsletter"],
        "notes": "Met at the fair in May, wants a quote for 40.",
        "custom": {"source": "fair"},
    }
    back.save(alice, **fields)
    sql = "SELECT length(changes) FROM audit WHERE action = 'contact.create'"
    ((size,),) = back.do(back.database.read(None, lambda c: c.execute(sql).fetchall()))
    assert size == len(msgspec.json.encode([None, fields]))


def test_a_deleted_record_is_logged_by_its_bare_values_with_what_restores_it(back: Desk, alice: Actor) -> None:
    made = filled(back, alice)
    back.remove(alice, made["deal"])
    (entry,) = stored(back, alice, "deal.delete")
    assert entry.version == 1
    assert entry.changes == [
        {
            **{"title": "Boat", "amount_cents": -5, "currency": "USD", "status": "open"},
            **{"contact_id": made["contact"].id, "company_id": made["company"].id},
            **{"created_at": made["deal"].created_at, "created_by": alice.email},
        },
        None,
    ]


def test_a_rename_is_one_entry_however_many_records_repeat_the_name(back: Desk, alice: Actor) -> None:
    made = filled(back, alice)
    log = len(entries(back, alice))
    back.change(alice, made["company"], name="Kelason & Co")
    (entry,) = entries(back, alice)[log:]
    assert (entry.target, entry.changes) == (made["company"].handle, {"name": ["Kelason", "Kelason & Co"]})
    assert back.fetch(alice, made["deal"]).company_name == "Kelason & Co"
    assert back.fetch(alice, made["contact"]).version == made["contact"].version


def test_an_activity_that_a_delete_unlinks_is_logged_as_changed(back: Desk, alice: Actor) -> None:
    made = filled(back, alice)
    log = len(entries(back, alice))
    back.remove(alice, made["contact"])
    first, *others = entries(back, alice)[log:]
    assert [entry.op for entry in (first, *others)] == [None, *[first.seq] * len(others)]
    assert [(entry.action, entry.version) for entry in (first, *others)] == [
        ("activity.delete", 1),
        ("activity.delete", 1),
        ("activity.update", 2),
        ("activity.update", 2),
        ("activity.update", 2),
        ("deal.update", 2),
        ("ticket.update", 2),
        ("conversion.delete", 1),
        ("membership.delete", 1),
        ("contact.delete", 2),
    ]
    assert [entry.changes for entry in others[1:6]] == [{"contact_id": [made["contact"].id, None]}] * 5
    shown = back.do(reading.entries(Call(back.crm, alice), [("action", "activity.update")], details=True))
    place = 1 + shown.fields.index("changes")
    assert [row[place] for row in shown.rows] == [{"contact_id": [made["contact"].id, None]}] * 3


def test_every_form_of_an_entry_is_read_as_old_and_new_values(back: Desk, alice: Actor) -> None:
    back.remove(alice, back.make(alice, COMPANY, name="Acme", tags=["a"]))
    older = {"name": [None, "Acme"], "created_by": [None, alice.email], "activities": [None, 0]}
    back.do(Call(back.crm, alice).write(lambda tx: audit.append(tx, "company.create", "company/co_k7m2q9xa", older)))
    page = back.do(reading.entries(Call(back.crm, alice), [], details=True))
    place = 1 + page.fields.index("changes")
    found = [row[place] for row in page.rows]
    assert found[0] == older
    assert found[1]["name"] == ["Acme", None]
    assert found[1].keys() == {"name", "tags", "created_at", "created_by"}
    assert found[2] == {"name": [None, "Acme"], "tags": [None, ["a"]]}
    assert found[3:] == [{"name": [None, "test"]}, {"name": [None, alice.email]}]  # token and workspace


def test_units_of_one_commit_are_operations_of_their_own(back: Desk, alice: Actor) -> None:
    filled(back, alice)
    log = len(entries(back, alice))
    unlinked = [back.save(alice, name=name, company_id=back.make(alice, COMPANY, name="A").id) for name in "ab"]
    calls = [lambda r=record: write.save(Call(back.crm, alice), CONTACT, {"name": r.name}) for record in unlinked]
    back.do(queued(back.database, calls))
    assert [entry.op for entry in entries(back, alice)[log:]] == [None] * 6


def test_a_unit_in_two_workspaces_is_an_operation_in_each(back: Desk, alice: Actor) -> None:
    charlie = back.person(CHARLIE)
    logs = {actor.email: len(entries(back, actor)) for actor in (alice, charlie)}

    def unit(tx: Tx) -> None:
        for actor in (alice, charlie, charlie, alice, alice):
            tx.enter(actor.workspace_id)
            tx.actor = replace(actor, token_name="both")
            audit.append(tx, "token.create", "token/tok_k7m2q9xa", {})

    back.do(Call(back.crm, alice).write(unit))
    for actor, times in ((alice, 3), (charlie, 2)):
        first, *others = entries(back, actor)[logs[actor.email] :]
        assert first.op is None
        assert [entry.op for entry in others] == [first.seq] * (times - 1)
