"""What records show of their activities is right at once; of activities dated ahead, once they have taken place."""

import asyncio
from typing import Any

import pytest

from crmkit.clock import after
from crmkit.core import followed, upkeep
from crmkit.core.call import Call
from crmkit.core.records import activities
from crmkit.model.actor import Actor
from crmkit.model.record import Kind
from crmkit.records.activity import CONTACTS
from crmkit.storage.derived import tallies
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.statement import Statement
from tests.house import ALICE, BOB, CHARLIE
from tests.kinds import ACTIVITY, COMPANY, CONTACT, DEAL, KINDS
from tests.storage.desk import HANGS, Desk, steps_of

LOGGED = [kind for kind in KINDS if kind.is_logged]


@pytest.fixture
def alice(back: Desk) -> Actor:
    return back.person()


def contacts_of(back: Desk, actor: Actor, record: Any) -> tuple[int, str | None]:
    now = back.fetch(actor, record)
    return now.contacts_made, now.last_contacted_at


def waiting(back: Desk) -> int:
    sql = "SELECT count(*) FROM ahead"
    found: int = back.do(back.database.read(None, lambda c: c.execute(sql).fetchone()[0]))
    return found


@pytest.mark.parametrize("kind", LOGGED, ids=lambda kind: kind.name)
def test_calls_emails_and_meetings_are_contacts_and_notes_and_tasks_are_not(
    back: Desk, alice: Actor, kind: Kind
) -> None:
    record = back.make(alice, kind, **{kind.title.name: "Jane"})
    assert contacts_of(back, alice, record) == (0, None)
    times = {"email": "2026-03-01T08:00:00Z", "call": "2026-05-01T08:00:00Z", "meeting": "2026-04-01T08:00:00Z"}
    made = {what: back.log(alice, record, body="x", kind=what, occurred_at=at) for what, at in times.items()}
    for what in ("note", "task"):
        made[what] = back.log(alice, record, body="x", kind=what)
    assert contacts_of(back, alice, record) == (3, times["call"])
    back.do(activities.remove(Call(back.crm, alice), made["call"].id))
    assert contacts_of(back, alice, record) == (2, times["meeting"])
    back.amend(alice, made["meeting"], kind="note")
    assert contacts_of(back, alice, record) == (1, times["email"])
    note = back.amend(alice, made["note"], kind="call", occurred_at="2026-05-05")
    assert contacts_of(back, alice, record) == (2, "2026-05-05T00:00:00Z")
    back.amend(alice, note, occurred_at="2026-01-01")
    assert contacts_of(back, alice, record) == (2, times["email"])
    assert back.fetch(alice, record).version == 1


@pytest.mark.parametrize("kind", LOGGED, ids=lambda kind: kind.name)
def test_a_record_names_all_for_whom_its_activities_were_done(back: Desk, alice: Actor, kind: Kind) -> None:
    record = back.make(alice, kind, **{kind.title.name: "Jane"})
    first, second, third = (back.log(alice, record, body="x", on_behalf_of=who) for who in (BOB, "me", BOB))
    assert back.fetch(alice, record).on_behalf_of == [ALICE, BOB]
    assert [found.id for found in back.find(alice, on_behalf_of="me", kind=kind).records] == [record.id]
    assert [found.id for found in back.find(alice, on_behalf_of=f"{BOB},me", kind=kind).records] == [record.id]
    assert back.find(alice, on_behalf_of=CHARLIE, kind=kind).records == ()
    back.do(activities.remove(Call(back.crm, alice), first.id))
    assert back.fetch(alice, record).on_behalf_of == [ALICE, BOB]
    back.amend(alice, third, on_behalf_of=CHARLIE)
    assert back.fetch(alice, record).on_behalf_of == [ALICE, CHARLIE]
    for activity in (second, third):
        back.amend(alice, activity, on_behalf_of=None)
    assert back.fetch(alice, record).on_behalf_of is None
    assert [found.id for found in back.find(alice, on_behalf_of="is:null", kind=kind).records] == [record.id]


def test_of_many_addresses_a_record_shows_the_first(back: Desk, alice: Actor) -> None:
    jane = back.save(alice, name="Jane")
    most = CONTACT.by_name["on_behalf_of"].type.most  # type: ignore[attr-defined]
    made = [back.log(alice, jane, body="x", on_behalf_of=f"p{number}@example.com") for number in range(most + 3)]
    every = sorted(f"p{number}@example.com" for number in range(most + 3))
    assert back.fetch(alice, jane).on_behalf_of == every[:most]
    gone = next(activity for activity in made if activity.on_behalf_of == every[0])
    back.do(activities.remove(Call(back.crm, alice), gone.id))
    assert back.fetch(alice, jane).on_behalf_of == every[1 : most + 1]


def test_a_meeting_that_is_dated_ahead_counts_once_it_has_taken_place(back: Desk, alice: Actor) -> None:
    company = back.make(alice, COMPANY, name="Acme")
    deal = back.make(alice, DEAL, title="Boat", company_id=company.id)
    at = after(back.crm.now, minutes=10)
    back.log(alice, deal, body="x", kind="meeting", occurred_at=at)
    back.pass_time(minutes=9, seconds=59)
    for record in (deal, company):
        assert contacts_of(back, alice, record) == (0, None)
        assert back.fetch(alice, record).last_activity_at == at
    back.pass_time(seconds=1)
    for record in (deal, company):
        assert contacts_of(back, alice, record) == (1, at)
    assert waiting(back) == 0


def test_one_that_waits_and_is_changed_or_deleted_counts_as_it_is_then(back: Desk, alice: Actor) -> None:
    jane, now = back.save(alice, name="Jane"), back.crm.now
    ahead = after(now, minutes=10)
    note, past, gone, later = (back.log(alice, jane, body="x", kind="call", occurred_at=ahead) for _ in range(4))
    back.amend(alice, note, kind="note")
    back.amend(alice, past, occurred_at=now)
    back.do(activities.remove(Call(back.crm, alice), gone.id))
    assert contacts_of(back, alice, jane) == (1, now)
    later = back.amend(alice, later, occurred_at=after(now, minutes=20))
    back.pass_time(minutes=15)
    assert (contacts_of(back, alice, jane), waiting(back)) == ((1, now), 1)
    back.amend(alice, past, occurred_at=after(now, minutes=30))
    assert contacts_of(back, alice, jane) == (0, None)
    back.pass_time(minutes=15)
    assert contacts_of(back, alice, jane) == (2, after(now, minutes=30))
    assert waiting(back) == 0


def test_what_is_counted_stays_counted_when_the_clock_is_set_back(back: Desk, alice: Actor) -> None:
    jane, now = back.save(alice, name="Jane"), back.crm.now
    call = back.log(alice, jane, body="x", kind="call")
    back.clock.move(hours=-1)
    assert contacts_of(back, alice, jane) == (1, now)
    other = back.log(alice, jane, body="x", kind="call", occurred_at="2026-01-01")
    back.do(activities.remove(Call(back.crm, alice), other.id))
    assert contacts_of(back, alice, jane) == (1, now)
    back.do(activities.remove(Call(back.crm, alice), call.id))
    assert contacts_of(back, alice, jane) == (0, None)


def test_as_many_as_one_transaction_should_are_counted_in_one(
    back: Desk, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followed, "AT_ONCE", 2)
    jane, ahead = back.save(alice, name="Jane"), after(back.crm.now, minutes=1)
    for _ in range(5):
        back.log(alice, jane, body="x", kind="call", occurred_at=ahead)
    back.pass_time(minutes=1)
    assert contacts_of(back, alice, jane) == (5, ahead)


def test_upkeep_counts_what_has_taken_place_though_nobody_writes(
    back: Desk, alice: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CLOCK_SECONDS", 0.01)
    jane, ahead = back.save(alice, name="Jane"), after(back.crm.now, minutes=1)
    back.log(alice, jane, body="x", kind="call", occurred_at=ahead)
    count = "SELECT count(*) FROM ahead"

    def waits(connection: Connection) -> bool:
        return bool(connection.execute(count).fetchone()[0])

    async def kept_up() -> None:
        work = asyncio.create_task(upkeep.keep_up(Call(back.crm)))
        try:
            async with asyncio.timeout(HANGS):
                await asyncio.sleep(0.1)
                assert await back.database.read(None, waits)
                back.clock.move(minutes=1)
                while await back.database.read(None, waits):
                    await asyncio.sleep(0.02)
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    back.do(kept_up())
    assert contacts_of(back, alice, jane) == (1, ahead)


def test_every_post_that_reaches_a_contact_is_its_last_interaction_and_no_change(back: Desk, alice: Actor) -> None:
    jane = back.save(alice, name="Jane", email="jane@acme.com")
    assert jane.last_interaction_at == back.crm.now
    back.clock.move(minutes=1)
    merged = back.save(alice, email="jane@acme.com")
    assert merged == back.fetch(alice, jane)
    assert (merged.last_interaction_at, merged.version) == (back.crm.now, 1)
    assert merged.updated_at == jane.updated_at
    back.clock.move(minutes=1)
    activity = back.log(alice, jane, body="x", source_id="1")
    assert back.fetch(alice, jane).last_interaction_at == back.crm.now
    reached = back.crm.now
    back.clock.move(minutes=1)
    back.amend(alice, activity, body="y")
    changed = back.change(alice, jane, notes="x")
    assert (back.fetch(alice, jane).last_interaction_at, changed.version) == (reached, 2)
    back.log(alice, jane, source_id="1")
    assert back.fetch(alice, jane).last_interaction_at == back.crm.now
    back.clock.move(minutes=1)
    deal = back.make(alice, DEAL, title="Boat", contact_id=jane.id)
    back.log(alice, deal, body="x")
    assert back.fetch(alice, jane).last_interaction_at == back.crm.now
    reached = back.crm.now
    back.clock.move(hours=-1)
    assert back.save(alice, email="jane@acme.com").last_interaction_at == reached


@pytest.mark.sqlite
def test_the_newest_contact_is_found_in_the_index_of_the_link(back: Desk, alice: Actor) -> None:
    for kind in LOGGED:
        link = f'"{kind.activity_link}"'
        also = f" AND a.kind IN (?, ?, ?) AND {tallies.TAKEN_PLACE}"
        sql = tallies._NEWEST.format(link=link, also=also)
        statement = Statement(sql, (alice.workspace_id, "x", *CONTACTS))
        newest, *others = back.do(back.database.read(None, steps_of, statement))
        assert newest.startswith(f"SEARCH a USING COVERING INDEX activities_by_{kind.name} (workspace_id=? AND ")
        assert not [step for step in others if step.startswith("SCAN") or "TEMP B-TREE" in step]


@pytest.mark.sqlite
def test_an_activity_writes_one_statement_on_each_record_that_it_links_to(back: Desk, alice: Actor) -> None:
    company = back.make(alice, COMPANY, name="Acme")
    jane = back.save(alice, name="Jane", company_id=company.id)
    deal = back.make(alice, DEAL, title="Boat", contact_id=jane.id, company_id=company.id)
    run: list[str] = []

    def traced(connection: Any) -> None:
        connection.set_trace_callback(run.append)

    back.do(back.database.write(lambda tx: traced(tx.connection)))
    back.log(alice, deal, body="x", kind="call")
    back.do(back.database.write(lambda tx: tx.connection.set_trace_callback(None)))
    updates = [sql.split()[1] for sql in run if sql.startswith("UPDATE")]
    assert sorted(updates) == sorted(f'"{kind.plural}"' for kind in (CONTACT, COMPANY, DEAL))
    assert not [sql for sql in run if "ahead" in sql or "activity_addresses" in sql]
    assert ACTIVITY.is_searched
    assert [sql for sql in run if sql.startswith("INSERT INTO activities_unindexed")]
