"""What one unit of a group found out serves the next, and is never believed past what makes it wrong."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from crmkit import ids
from crmkit.core.call import Call
from crmkit.core.people import sessions
from crmkit.core.records import write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import records as rows
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import tokens
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from tests.house import CHARLIE
from tests.kinds import CONTACT
from tests.storage.desk import Desk, queued
from tests.storage.writing.units import Unit, fills_the_disk, rolls_back, scratch, traced

BESIDE = "PRAGMA wal_checkpoint"  # the writer copies the log back when it comes to it


def outcomes(back: Desk, *calls: Callable[[], Any]) -> list[Any]:
    """Return what calls came to that were written in one group."""
    return back.do(queued(back.database, list(calls)))


def create(back: Desk, actor: Actor, **body: Any) -> Callable[[], Any]:
    return partial(write.save, Call(back.crm, actor), CONTACT, {"name": "Jane", **body})


def role(back: Desk, actor: Actor) -> Callable[[], Any]:
    return partial(Call(back.crm, actor).write, lambda tx: tx.by.role)


def system(back: Desk, unit: Unit) -> Callable[[], Any]:
    return partial(back.database.write, unit)


def numbers(back: Desk, table: str, actor: Actor) -> list[int]:
    """Return the numbers that the workspace's rows have, counted from its first."""
    sql = f"SELECT seq FROM {table} WHERE workspace_id = ? ORDER BY seq"
    rows = back.do(back.database.read(None, lambda c: c.execute(sql, (actor.workspace_id,)).fetchall()))
    return [seq - (actor.workspace_number << 32) for (seq,) in rows]


def live(back: Desk, actor: Actor) -> int:
    """Return the count that is kept of the workspace's contacts."""
    return back.find(actor, count="exact").paging.total or 0


def demoted(tx: Tx) -> None:
    tx.connection.execute("UPDATE memberships SET role = 'member'")


@pytest.mark.sqlite
def test_a_token_that_a_group_revokes_works_for_no_later_unit_of_it(back: Desk) -> None:
    owner, agent = back.person(), back.person()
    first, revoked, second, third = outcomes(
        back,
        create(back, agent),
        partial(sessions.revoke, Call(back.crm, owner), agent.token_id),
        create(back, agent),
        create(back, owner),
    )
    assert (first.created, revoked.id, third.created) == (True, agent.token_id, True)
    assert isinstance(second, Problem)
    assert second.code == "invalid_token"
    assert live(back, owner) == 2


@pytest.mark.sqlite
def test_a_role_that_a_group_takes_is_gone_for_its_later_units(back: Desk) -> None:
    agent = back.person()
    assert outcomes(back, role(back, agent), system(back, demoted), role(back, agent), role(back, agent)) == [
        "admin",
        None,
        "member",
        "member",
    ]


def test_a_role_that_a_failed_unit_took_is_still_there_for_the_next(back: Desk) -> None:
    agent = back.person()

    def in_vain(tx: Tx) -> None:
        demoted(tx)
        now = tokens.current(tx.connection, agent.token_id)
        assert now is not None
        assert now.role == "member"
        raise Problem("invalid_value", "after all")

    before, failed, after = outcomes(
        back, role(back, agent), partial(Call(back.crm, agent).write, in_vain), role(back, agent)
    )
    assert isinstance(failed, Problem)
    assert (before, after) == ("admin", "admin")


@pytest.mark.sqlite
def test_each_group_of_writes_reads_the_actor_from_the_database_again(back: Desk) -> None:
    """Another program ends the token between two writes; nothing in this process notices it."""
    agent = back.person()
    back.save(agent, name="Jane")
    with closing(sqlite3.connect(back.database.folder / FILE)) as stranger, stranger:
        stranger.execute("DELETE FROM tokens WHERE id = ?", (agent.token_id,))
    with pytest.raises(Problem) as refused:
        back.save(agent, name="Bob")
    assert refused.value.code == "invalid_token"


@pytest.mark.sqlite
def test_the_second_unit_of_a_group_reads_nothing_that_the_first_has_read(back: Desk) -> None:
    agent = back.person()
    statements = traced(back)
    between = system(back, lambda tx: tx.connection.execute("SELECT 'between'"))
    outcomes(back, create(back, agent), between, create(back, agent, email="jane@acme.com"))
    place = statements.index("SELECT 'between'")
    first, second = statements[:place], statements[place + 1 :]
    assert any("FROM tokens" in line for line in first)
    assert sum("max(seq)" in line for line in first) == 2
    steps = [line.split(" (")[0].split(" WHERE")[0] for line in second if line and not line.startswith(("--", BESIDE))]
    assert [step.partition(" FROM ")[2] or step for step in steps] == [
        '"contacts" AS r',  # who has this email
        'INSERT INTO "contacts"',
        "INSERT INTO contacts_unindexed",
        "INSERT INTO audit",
        "INSERT INTO counts",
        "SELECT q.id FROM",  # whose email is the same but for a tag
        "COMMIT",
    ]


def test_a_failed_unit_leaves_no_gap_in_the_row_numbers(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    logged = len(numbers(back, "audit", alice))

    def in_vain(tx: Tx) -> None:
        kept = rows.put(tx, CONTACT, None, CONTACT.new({"name": "Never"}))
        raise Problem("invalid_value", kept.handle)

    one, failed, two, other = outcomes(
        back,
        create(back, alice),
        partial(Call(back.crm, alice).write, in_vain),
        create(back, alice),
        create(back, charlie),
    )
    assert isinstance(failed, Problem)
    assert [saved.created for saved in (one, two, other)] == [True, True, True]
    assert numbers(back, "contacts", alice) == [1, 2]
    assert numbers(back, "contacts", charlie) == [1]
    assert numbers(back, "audit", alice) == list(range(1, logged + 3))
    assert (live(back, alice), live(back, charlie)) == (2, 1)


@pytest.mark.sqlite
@pytest.mark.parametrize("bad", [fills_the_disk, rolls_back])
def test_units_that_run_again_after_a_lost_transaction_ask_the_database_anew(
    back: Desk, bad: Callable[[list[bool]], Unit]
) -> None:
    scratch(back)
    owner, agent = back.person(), back.person()
    logged = len(numbers(back, "audit", owner))
    dropped: list[bool] = []
    one, revoked, lost, two, refused = outcomes(
        back,
        create(back, owner, email="one@acme.com"),
        partial(sessions.revoke, Call(back.crm, owner), agent.token_id),
        system(back, bad(dropped)),
        create(back, owner, email="two@acme.com"),
        create(back, agent, email="three@acme.com"),
    )
    assert dropped == [True, True]  # in the group and alone: else this test tests nothing
    assert isinstance(lost, Problem if bad is fills_the_disk else sqlite3.Error)
    assert (one.created, revoked.id, two.created) == (True, agent.token_id, True)
    assert isinstance(refused, Problem)
    assert refused.code == "invalid_token"
    assert numbers(back, "contacts", owner) == [1, 2]
    assert numbers(back, "audit", owner) == list(range(1, logged + 4))
    assert live(back, owner) == 2
    assert back.save(owner, name="Three").name == "Three"


def test_an_id_that_a_record_has_or_had_is_not_given_out_again(back: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    jane, gone = back.save(alice, name="Jane"), back.save(alice, name="Gone")
    back.remove(alice, gone)
    fresh = ids.mint("c")
    drawn = iter([jane.id, gone.id, jane.id, fresh, gone.id])
    monkeypatch.setattr(ids, "mint", lambda prefix, start: next(drawn))
    monkeypatch.setattr(ids, "start", lambda: "")

    def new(actor: Actor, name: str) -> str:
        def unit(tx: Tx) -> str:
            tx.known.start = ""
            return rows.put(tx, CONTACT, None, CONTACT.new({"name": name})).id

        return back.do(Call(back.crm, actor).write(unit))

    assert new(alice, "Bob") == fresh
    assert new(charlie, "Gone") == gone.id  # which in another workspace nobody had
    assert back.fetch(alice, jane) == jane
    assert [contact.name for contact in back.find(alice, sort="name").records] == ["Bob", "Jane"]
    assert live(back, alice) == 2


@pytest.mark.sqlite
def test_ids_made_in_one_transaction_share_a_prefix(back: Desk) -> None:
    alice, charlie = back.person(), back.person(CHARLIE)
    together = outcomes(back, *[create(back, person) for person in (alice, charlie) for _ in range(8)])
    starts = {saved.record.id[:5] for saved in together}
    assert len(starts) == 1
    assert len({saved.record.id for saved in together}) == 16
    alone = [back.save(alice, name="Jane").id[:5] for _ in range(8)]
    assert len({*starts, *alone}) > 4


def test_when_all_ids_with_a_prefix_are_taken_another_prefix_is_drawn(back: Desk) -> None:
    alice = back.person()
    full = ids.mint("c")[2:9]  # with a start as long as the body there is one id

    def two(tx: Tx) -> list[str]:
        tx.known.start = full
        return [rows.put(tx, CONTACT, None, CONTACT.new({"name": "Jane"})).id for _ in range(2)]

    first, second = back.do(Call(back.crm, alice).write(two))
    assert first.startswith(f"c_{full}")
    assert not second.startswith(f"c_{full}")
