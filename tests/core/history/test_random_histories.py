"""Random writes: history, blame, as_of and changes are what a plain model says that replays the log."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.clock import after
from crmkit.core.call import Call
from crmkit.core.history import feed, past
from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.model.record import Kind
from tests.core.records.log import BY_NAME, Entry, entries, replayed
from tests.core.records.test_log_alone import PEOPLE, step
from tests.kinds import ACTIVITY, KINDS
from tests.storage.desk import Desk, desk

STAMPS = ("created_at", "created_by", "version")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with desk(tmp_path_factory.mktemp("shared") / "data") as opened:
        yield opened


def written(back: Desk, actor: Actor, choice: random.Random, steps: int) -> None:
    for _ in range(steps):
        back.clock.move(seconds=choice.choice([0, 1, 90]))
        step(back, actor, choice)


def with_paths(log: list[Entry]) -> list[str]:
    """Return the handles of all records of the log that have paths."""
    return list(dict.fromkeys(entry.target for entry in log if entry.kind in (*KINDS, ACTIVITY)))


@pytest.mark.slow
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 40))
def test_history_blame_and_as_of_are_what_a_replay_of_the_log_says(shared: Desk, seed: int, steps: int) -> None:
    actor, choice = shared.person(next(PEOPLE)), random.Random(seed)
    shared.clock.move(minutes=1)
    begun = shared.crm.now
    written(shared, actor, choice, steps)
    log = entries(shared, actor)
    call = Call(shared.crm, actor)
    for handle in with_paths(log):
        kind, id = BY_NAME[handle.partition("/")[0]], handle.partition("/")[2]
        own = [entry for entry in log if entry.target == handle]
        if own[-1].action.endswith(".merge"):
            continue  # its id has the history of the record that it was merged into
        assert history_of(shared, call, kind, id, choice) == [
            (entry.at, entry.by, entry.action, handle) for entry in reversed(own)
        ]
        found = shared.do(past.blame(call, kind, id))
        assert {row["field"]: (row["since"], row["by"], row["token_name"]) for _, row in found.rows} == blamed(own)
        for at in {begun, own[0].at, own[-1].at, after(choice.choice(own).at, seconds=choice.choice([-1, 0, 1]))}:
            assert shown_at(shared, call, kind, id, at) == then(log, handle, at)


def history_of(back: Desk, call: Call, kind: Kind, id: str, choice: random.Random) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    limit, cursor = str(choice.choice([1, 2, 50])), ""
    while True:
        page = back.do(past.history(call, kind, id, [("limit", limit), ("cursor", cursor)]))
        names = ["id", *page.fields]
        rows = [dict(zip(names, row, strict=True)) for row in page.rows]
        found += [(row["at"], row["by"], row["action"], row["target"]) for row in rows]
        if page.paging.next_cursor is None:
            return found
        cursor = page.paging.next_cursor


def blamed(own: list[Entry]) -> dict[str, tuple[str, str, str]]:
    """Return, of each field that an entry gave a value or took it from, who did that last, and when."""
    found = {}
    for entry in own:
        if entry.action.endswith(("create", "update")):
            names = entry.changes if isinstance(entry.changes, dict) else entry.changes[1]
            found |= dict.fromkeys(names, (entry.at, entry.by, "test"))
    return found


def shown_at(back: Desk, call: Call, kind: Kind, id: str, at: str) -> dict[str, Any] | None:
    try:
        found = back.do(past.as_of(call, kind, id, at))
    except Problem as problem:
        assert problem.code == "not_found"
        return None
    assert not any(kind.by_name[name].derived for name in found.names)
    shown = {name: getattr(found.record, name) for name in found.names if name not in ("id", "updated_at")}
    return {name: value for name, value in shown.items() if value is not None}


def then(log: list[Entry], handle: str, at: str) -> dict[str, Any] | None:
    return replayed([entry for entry in log if entry.at <= at]).get(handle)


@pytest.mark.slow
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), rounds=st.integers(1, 5))
def test_changes_are_the_net_of_what_a_replay_of_the_log_says(shared: Desk, seed: int, rounds: int) -> None:
    """Records are written between any two pages, and a round tells nothing of what came after its first page."""
    actor, choice = shared.person(next(PEOPLE)), random.Random(seed)
    kinds = choice.choice([(), (), *((kind.plural,) for kind in KINDS), ("contact", "activities")])
    names = {kind.name for kind in (*KINDS, ACTIVITY) if not kinds or {kind.name, kind.plural} & {*kinds}}
    written(shared, actor, choice, choice.randrange(20))
    cursor = page_of(shared, actor)[1]
    start = len(entries(shared, actor))
    for _ in range(rounds):
        written(shared, actor, choice, choice.randrange(12))
        log = entries(shared, actor)
        expected = net(log[:start], log, names)
        told = []
        limit = choice.choice([1, 2, 3, 50])
        while len(told) < len(expected):
            rows, cursor = page_of(shared, actor, since=cursor, kinds=",".join(kinds), limit=str(limit))
            assert 0 < len(rows) <= limit
            told += rows
            written(shared, actor, choice, choice.randrange(3))
        assert told == expected
        start = len(log)
        if not expected:
            assert page_of(shared, actor, since=cursor, kinds=",".join(kinds))[0] == []
            start = len(entries(shared, actor))
            cursor = page_of(shared, actor)[1]


def page_of(back: Desk, actor: Actor, **parameters: str) -> tuple[list[Any], str]:
    found = back.do(feed.told(Call(back.crm, actor), parameters))
    assert found.paging.next_cursor is not None
    rows = [(handle, row["change"], row["at"], row["by"], {*row["fields"]}) for handle, row in found.rows]
    return rows, found.paging.next_cursor


def net(before: list[Entry], log: list[Entry], names: set[str]) -> list[Any]:
    """Return what became of the records of these kinds, in the order of their last entries."""
    was, is_ = replayed(before), replayed(log)
    last = {entry.target: entry for entry in log[len(before) :] if entry.kind and entry.kind.name in names}
    found = []
    for handle, entry in sorted(last.items(), key=lambda pair: pair[1].seq):
        old, new = was.get(handle), is_.get(handle)
        fields = {name for name in {**(old or {}), **(new or {})} if (old or {}).get(name) != (new or {}).get(name)}
        fields -= {*STAMPS}
        gone = "merged" if entry.action.endswith(".merge") else "deleted"
        change = "updated" if old and new else "created" if new else gone if old else ""
        if change == "updated" and not fields:
            continue
        if change:
            found.append((handle, change, entry.at, entry.by, fields if change == "updated" else set()))
    return found
