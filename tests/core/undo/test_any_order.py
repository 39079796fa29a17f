"""Random operations, taken back in any order that nothing stands against: the database is as it was."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from crmkit.core.call import Call
from crmkit.core.records import write
from crmkit.core.records.settled import checked
from crmkit.core.rules.rule import Write
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import REACHED
from crmkit.storage.interface.tx import Tx
from tests.core.records import log
from tests.core.records.log import derived_of, entries, live, logged, newest_operation, recomputed, replayed, undo
from tests.core.undo.acts import act
from tests.core.undo.contents import all_rows
from tests.kinds import REGISTRY
from tests.storage.desk import Desk, desk

Way = Callable[[Desk, int, int], None]

PEOPLE = (f"u{number}@example.com" for number in range(10**6))
SUMS = "kind, stage, currency, records, high, low"
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

    def read(sql: str) -> list[Any]:
        return list(
            back.do(
                back.database.read(None, lambda connection: connection.execute(sql, (actor.workspace_id,)).fetchall())
            )
        )

    return {
        **found,
        "pipelines": read("SELECT kind, stages, strict FROM pipelines WHERE workspace_id = ? ORDER BY kind"),
        "open_sums": read(f"SELECT {SUMS} FROM open_sums WHERE workspace_id = ? AND records > 0 ORDER BY {SUMS}"),
        "pairs": joined(read("SELECT a, b FROM likely_duplicates WHERE workspace_id = ?")),
    }


def joined(pairs: list[tuple[str, str]]) -> list[list[str]]:
    """Return the ids that pairs join, in groups: which of a group are paired depends on which was written last."""
    groups: list[set[str]] = []
    for pair in pairs:
        touched = [group for group in groups if group & set(pair)]
        groups = [group for group in groups if not group & set(pair)] + [set(pair).union(*touched)]
    return sorted(map(sorted, groups))


@dataclass
class History:
    """The operations that stand, each with the state before it."""

    back: Desk
    actor: Actor
    choice: random.Random
    stack: list[tuple[str, Any]] = field(default_factory=list)

    def act(self) -> None:
        self.back.clock.move(seconds=self.choice.choice([0, 1]))
        newest, before = newest_operation(self.back, self.actor), state(self.back, self.actor)
        try:
            act(self.back, self.actor, self.choice)
        except Problem as problem:
            assert problem.code in REFUSED, problem.hint
        operation = newest_operation(self.back, self.actor)
        if operation != newest:
            self.stack.append((operation, before))

    def undo(self, operation: str) -> bool:
        """Take an operation back, or see that something stands against it and that nothing changed."""
        before, every = state(self.back, self.actor), all_rows(self.back)
        try:
            undo(self.back, self.actor, operation)
        except Problem as problem:
            assert problem.code == "undo_conflict"
            assert all_rows(self.back) == every
            return False
        self.stack.append((newest_operation(self.back, self.actor), before))
        return True

    def undo_newest(self) -> None:
        """Take the newest back: everything is as it was before it."""
        operation, before = self.stack.pop()
        undo(self.back, self.actor, operation)
        assert state(self.back, self.actor) == before

    def check(self) -> None:
        """See that the log tells every record, and that what is derived is as it would be recomputed."""
        found = live(self.back, self.actor)
        assert replayed(entries(self.back, self.actor)) == {handle: logged(each) for handle, each in found.items()}
        assert derived_of(found) == recomputed(found, self.back.crm.now)
        for record in found.values():
            self.send_back(record)

    def send_back(self, record: Any) -> None:
        """See that a change to what a record holds already is none: its fields go together."""
        kind = REGISTRY.by_word[record.handle.partition("/")[0]]
        held = {name: value for name in kind.writable if (value := getattr(record, name, None)) is not None}
        if kind.composed and getattr(record, kind.composed.told_by) is None:
            del held[kind.composed.name]  # sent, a name is no more set apart that is like its parts by chance

        def unit(tx: Tx) -> Any:
            return checked(Write(tx, self.back.crm, kind, record), held)

        assert self.back.do(Call(self.back.crm, self.actor).write(unit)) == record


def begun(shared: Desk, seed: int, steps: int) -> History:
    """Return what somebody did in so many steps, in a workspace that declares a key."""
    actor = shared.person(next(PEOPLE))
    key = {"kind": "contact", "key": "n", "type": "number"}
    shared.do(write.save(Call(shared.crm, actor), REGISTRY.settings[0], key))
    history = History(shared, actor, random.Random(seed))
    for _ in range(steps):
        history.act()
    return history


def to_the_beginning(shared: Desk, seed: int, steps: int) -> None:
    history = begun(shared, seed, steps)
    while history.stack:
        history.undo_newest()
    history.check()
    assert live(shared, history.actor) == {}


def in_any_order_and_back(shared: Desk, seed: int, steps: int) -> None:
    history = begun(shared, seed, steps)
    acts = [operation for operation, _ in history.stack]
    history.stack.clear()
    left = history.choice.sample(acts, len(acts))
    while True:  # what stands against one may be undone by then
        refused = [operation for operation in left if not history.undo(operation)]
        if len(refused) == len(left):
            break
        left = refused
    history.check()
    while history.stack:
        history.undo_newest()
    history.check()


def to_and_fro(shared: Desk, seed: int, steps: int) -> None:
    history = begun(shared, seed, steps)
    for _ in range(steps):
        if history.stack:
            history.undo(history.choice.choice(history.stack)[0])
    history.check()


def with_acts_between(shared: Desk, seed: int, steps: int) -> None:
    history = begun(shared, seed, steps)
    for _ in range(2 * steps):
        if history.stack and history.choice.random() < 0.5:
            history.undo(history.choice.choice(history.stack)[0])
        else:
            history.act()
    history.check()


WAYS = (to_the_beginning, in_any_order_and_back, to_and_fro, with_acts_between)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_a_short_history_is_taken_back(shared: Desk, way: Way, seed: int) -> None:
    way(shared, seed, 10)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@pytest.mark.parametrize("seed", range(100, 106))
def test_a_history_is_taken_back(shared: Desk, way: Way, seed: int) -> None:
    """From the newest on, each brings back the state before it, to the very beginning. In any other order an operation
    is taken back unless something stands against it, and what was taken back is done again. Acts go on after undos."""
    way(shared, seed, 25)
