"""Random operations, taken back in any order that nothing stands against: the database is as it was."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.core.call import Call
from crmkit.core.records import write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import REACHED
from tests.core.records import log
from tests.core.records.log import derived_of, entries, live, logged, newest_operation, recomputed, replayed, undo
from tests.core.undo.acts import act
from tests.core.undo.contents import all_rows
from tests.kinds import REGISTRY
from tests.storage.desk import Desk, desk

PEOPLE = (f"u{number}@example.com" for number in range(10**6))
REFUSED = ("already_exists", "missing_field", "invalid_value")  # acts that may not be: a task that repeats needs due_at


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("shared") / "data") as opened:
        yield opened


def state(back: Desk, actor: Actor) -> dict[str, Any]:
    """Return what an undo brings back: all but versions, times of writing, which ids were ever used, and the log."""
    found: dict[str, Any] = log.tables(back, actor)
    found["counts"] = {kind: row["live"] for kind, row in found["counts"].items() if row["live"]}
    del found["deleted"]
    for table in (kind.plural for kind in REGISTRY.all if kind.plural in found):
        for row in found[table].values():
            row.pop("version", None)
            row.pop(REACHED, None)

    def read(connection: Any) -> list[Any]:
        sql = "SELECT kind, stages, strict FROM pipelines WHERE workspace_id = ? ORDER BY kind"
        return list(connection.execute(sql, (actor.workspace_id,)).fetchall())

    return {**found, "pipelines": back.do(back.database.read(None, read))}


@dataclass
class History:
    """A stack of operations, each with the state before it; `takes_back` is the place of the one that it undid."""

    back: Desk
    actor: Actor
    choice: random.Random
    ids: list[str] = field(default_factory=list)
    before: list[Any] = field(default_factory=list)
    takes_back: list[int | None] = field(default_factory=list)

    def act(self) -> None:
        self.back.clock.move(seconds=self.choice.choice([0, 1]))
        newest, before = newest_operation(self.back, self.actor), state(self.back, self.actor)
        try:
            act(self.back, self.actor, self.choice)
        except Problem as problem:
            assert problem.code in REFUSED, problem.hint
        operation = newest_operation(self.back, self.actor)
        if operation != newest:
            self._push(operation, before, None)

    def undo_any(self) -> None:
        """Take back one that was not; if something stands against it, nothing changed."""
        done = {place for place in self.takes_back if place is not None}
        place = self.choice.choice([place for place in range(len(self.ids)) if place not in done])
        before, every = state(self.back, self.actor), all_rows(self.back)
        try:
            undo(self.back, self.actor, self.ids[place])
        except Problem as problem:
            assert problem.code == "undo_conflict"
            assert problem.fields
            assert all_rows(self.back) == every
            return
        self._push(newest_operation(self.back, self.actor), before, place)

    def undo_newest(self) -> None:
        """Take the newest back: everything is as it was before it."""
        operation, before, place = self.ids.pop(), self.before.pop(), self.takes_back.pop()
        undo(self.back, self.actor, operation)
        assert state(self.back, self.actor) == before
        if place is not None:  # what that took back stands again, by the undo of the undo
            self.ids[place] = newest_operation(self.back, self.actor)

    def _push(self, operation: str, before: Any, place: int | None) -> None:
        self.ids.append(operation)
        self.before.append(before)
        self.takes_back.append(place)

    def check(self) -> None:
        """See that the log tells every record, and that what is derived is as it would be recomputed."""
        found = live(self.back, self.actor)
        assert replayed(entries(self.back, self.actor)) == {handle: logged(each) for handle, each in found.items()}
        assert derived_of(found) == recomputed(found, self.back.crm.now)


def tried(shared: Desk, seed: int, steps: int) -> None:
    actor, choice = shared.person(next(PEOPLE)), random.Random(seed)
    key = {"kind": "contact", "key": "n", "type": "number"}
    shared.do(write.save(Call(shared.crm, actor), REGISTRY.settings[0], key))
    history = History(shared, actor, choice)
    for _ in range(steps):
        history.act()
    for _ in range(steps):
        if history.ids:
            history.undo_any()
    history.check()
    while history.ids:
        history.undo_newest()
    history.check()
    assert live(shared, actor) == {}


@pytest.mark.parametrize("seed", range(4))
def test_a_short_history_is_taken_back_in_any_order(shared: Desk, seed: int) -> None:
    tried(shared, seed, 12)


@pytest.mark.slow
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 40))
def test_a_history_is_taken_back_in_any_order(shared: Desk, seed: int, steps: int) -> None:
    """Any operation is taken back unless something stands against it; from the newest on, each brings back the state
    before it, to the very beginning."""
    tried(shared, seed, steps)
