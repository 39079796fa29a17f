"""An attempt within a unit of work: what fails is taken back by itself, and the unit goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from crmkit import ids
from crmkit.core.call import Call
from crmkit.core.records import write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Record
from crmkit.storage import records as rows
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.engine.driver import sqlite3
from tests.kinds import CONTACT
from tests.storage.desk import Desk
from tests.storage.writing.units import Unit, fills_the_disk, grouped, kept, put, rolls_back, scratch, traced


def created(name: str) -> Callable[[Tx], Any]:
    return lambda tx: rows.put(tx, CONTACT, None, CONTACT.new({"name": name}))


def refused(unit: Callable[[Tx], Any]) -> Callable[[Tx], Any]:
    """Return a unit that does what `unit` does, and is refused after all."""

    def in_vain(tx: Tx) -> None:
        unit(tx)
        raise Problem("invalid_value", "after all")

    return in_vain


def attempted(tx: Tx, *units: Callable[[Tx], Any]) -> list[Any]:
    found: list[Any] = []
    for unit in units:
        try:
            found.append(tx.attempt(unit))
        except Problem as problem:
            found.append(problem)
    return found


def written(back: Desk, actor: Actor, *units: Callable[[Tx], Any]) -> list[Any]:
    found: list[Any] = back.do(Call(back.crm, actor).write(lambda tx: attempted(tx, *units)))
    return found


def entries(back: Desk, actor: Actor) -> list[tuple[int, int | None]]:
    """Return number and operation of each audit entry of contacts, as the first of them has them."""
    sql = "SELECT seq, op FROM audit WHERE workspace_id = ? AND target LIKE 'contact/%' ORDER BY seq"
    found = back.do(back.database.read(None, lambda c: c.execute(sql, (actor.workspace_id,)).fetchall()))
    first = found[0][0]
    return [(seq - first, None if op is None else op - first) for seq, op in found]


def test_what_fails_is_taken_back_and_what_was_done_before_and_after_it_stays(back: Desk) -> None:
    alice = back.person()
    one, failed, two = written(back, alice, created("One"), refused(created("Never")), created("Two"))
    assert isinstance(failed, Problem)
    assert {record.name for record in back.find(alice).records} == {"One", "Two"}
    assert back.find(alice, count="exact").paging.total == 2
    assert back.find(alice, search="never").records == ()
    assert (one.name, two.name) == ("One", "Two")


def test_an_operation_begins_with_the_first_entry_that_stays(back: Desk) -> None:
    alice = back.person()
    written(back, alice, refused(created("Never")), created("One"), refused(created("Nor this")), created("Two"))
    assert entries(back, alice) == [(0, None), (1, 0)]


def test_effects_topics_lanes_and_actor_are_as_before_the_attempt_that_failed(back: Desk) -> None:
    alice = back.person()

    async def effect() -> None:
        raise AssertionError

    def busy(tx: Tx) -> None:
        tx.enter("elsewhere")
        tx.after(effect)
        tx.tell("topic")
        tx.actor = None

    def unit(tx: Tx) -> tuple[Any, ...]:
        tx.enter("here")
        tx.tell("news")
        attempted(tx, refused(busy))
        return {*tx.lanes}, {*tx.topics}, [*tx.effects], tx.by

    lanes, topics, effects, actor = back.do(Call(back.crm, alice).write(unit))
    assert (lanes, topics, effects) == ({alice.workspace_id, "here"}, {"news"}, [])
    assert actor.email == alice.email


def test_effects_and_topics_of_an_attempt_that_succeeds_stay(back: Desk) -> None:
    done: list[str] = []

    async def effect() -> None:
        done.append("sent")

    def unit(tx: Tx) -> set[str]:
        attempted(tx, lambda tx: tx.after(effect), lambda tx: tx.tell("news"))
        return {*tx.topics}

    assert back.do(Call(back.crm, back.person()).write(unit)) == {"news"}
    assert done == ["sent"]


def test_what_an_attempt_found_out_is_forgotten_with_it(back: Desk) -> None:
    alice = back.person()

    def unit(tx: Tx) -> bool:
        attempted(tx, refused(created("Never")))
        return any((tx.known.actors, tx.known.last, tx.known.pipelines, tx.known.declared))

    assert back.do(Call(back.crm, alice).write(unit)) is False


def test_an_attempt_within_one_that_fails_is_taken_back_with_it(back: Desk) -> None:
    alice = back.person()

    def outer(tx: Tx) -> None:
        assert len(attempted(tx, created("Inner"), refused(created("Never")))) == 2
        raise Problem("invalid_value", "after all")

    written(back, alice, created("One"), outer)
    assert [record.name for record in back.find(alice).records] == ["One"]


def test_an_error_that_is_no_problem_ends_the_unit(back: Desk) -> None:
    alice = back.person()

    def bug(tx: Tx) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        written(back, alice, created("Never"), bug)
    assert back.find(alice).records == ()


@pytest.mark.sqlite
@pytest.mark.parametrize("bad", [fills_the_disk, rolls_back])
def test_an_attempt_that_loses_the_transaction_takes_no_other_unit_with_it(
    back: Desk, bad: Callable[[list[bool]], Unit]
) -> None:
    scratch(back)
    dropped: list[bool] = []

    def unit(tx: Tx) -> None:
        tx.attempt(put(2))
        tx.attempt(bad(dropped))

    one, lost, three = back.do(grouped(back.database, [put(1), unit, put(3)]))
    assert dropped == [True, True]  # in the group and alone
    assert (one, three) == (1, 3)
    assert isinstance(lost, Problem if bad is fills_the_disk else sqlite3.Error)
    assert kept(back) == [1, 3]


def test_a_group_goes_on_after_a_unit_whose_attempt_failed(back: Desk) -> None:
    alice = back.person()
    written(back, alice, created("One"), refused(created("Never")))
    saved = back.do(write.save(Call(back.crm, alice), CONTACT, {"name": "Two"}))
    assert saved.created
    assert entries(back, alice) == [(0, None), (1, None)]


def gathered(*units: Callable[[Tx], Any]) -> Callable[[Tx], Any]:
    """Return a unit that does what these units do, and writes at its end what may wait for that."""

    def unit(tx: Tx) -> list[Any]:
        with tx.gathering():
            return attempted(tx, *units)

    return unit


def test_what_is_gathered_is_written_once_and_in_order_around_attempts_that_fail(back: Desk) -> None:
    alice = back.person()
    units = created("One"), refused(created("Never")), created("Two")
    written(back, alice, created("Zero"), gathered(*units), created("Three"))
    assert entries(back, alice) == [(0, None), (1, 0), (2, 0), (3, 0)]
    assert {record.name for record in back.find(alice).records} == {"Zero", "One", "Two", "Three"}
    assert back.find(alice, count="exact").paging.total == 4
    assert [record.name for record in back.find(alice, search="two").records] == ["Two"]


def test_nothing_that_was_gathered_stays_of_an_attempt_that_fails(back: Desk) -> None:
    alice = back.person()
    written(back, alice, created("One"), refused(gathered(created("Never"))), gathered(refused(created("Nor this"))))
    assert entries(back, alice) == [(0, None)]
    assert back.find(alice, count="exact").paging.total == 1


@pytest.mark.sqlite
def test_what_is_gathered_is_read_by_whoever_reads_its_kind_and_waits_for_all_others(back: Desk) -> None:
    alice = back.person()
    statements = traced(back)

    def unit(tx: Tx) -> tuple[Any, ...]:
        with tx.gathering():
            one = created("One")(tx)
            tx.reading("companies").execute("SELECT 'companies'")
            found = rows.fetch(tx.reading("contacts"), CONTACT, alice.workspace_id, one.id)
            two = created("Two")(tx)
            return one, found, two, rows.fetch(tx.connection, CONTACT, alice.workspace_id, two.id)

    one, found, two, other = back.do(Call(back.crm, alice).write(unit))
    assert (found, other) == (one, two)
    inserts = [index for index, sql in enumerate(statements) if sql.startswith('INSERT INTO "contacts"')]
    assert len(inserts) == 2
    assert statements.index("SELECT 'companies'") < inserts[0]


@pytest.mark.sqlite
def test_an_attempt_that_gathers_has_a_savepoint_once_it_needs_the_database(back: Desk) -> None:
    alice = back.person()
    statements = traced(back)

    def counted(tx: Tx) -> Record:
        made: Record = created("Two")(tx)
        tx.connection.execute("SELECT 'needed'")
        return made

    units = refused(created("Never")), created("One"), counted, refused(counted), created("Six")
    back.do(Call(back.crm, alice).write(gathered(*units)))
    assert statements.count("SAVEPOINT attempt") == 2
    assert {record.name for record in back.find(alice).records} == {"One", "Two", "Six"}
    assert [op for _, op in entries(back, alice)] == [None, 0, 0]


def test_no_new_record_gets_the_id_of_one_that_is_gone(back: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = back.person()
    minted: list[str] = []
    mint = ids.mint

    def twice(prefix: str, start: str = "") -> str:
        """Return each id a second time, as chance may."""
        minted.append(minted[-1] if len(minted) % 2 else mint(prefix, start))
        return minted[-1]

    def replaced(tx: Tx) -> tuple[str, str]:
        gone = created("One")(tx)
        rows.put(tx, CONTACT, gone, None)
        return gone.id, created("Two")(tx).id

    monkeypatch.setattr(ids, "mint", twice)
    ((gone, new),) = written(back, alice, replaced)
    assert gone != new
    assert minted[:2] == [gone, gone]
