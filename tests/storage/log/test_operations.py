"""The entries of an operation are found by an index, however long the log is."""

from collections.abc import Callable
from typing import Any

import pytest

from crmkit.model.actor import Actor
from crmkit.storage import jobs
from crmkit.storage.log import audit, operations
from tests.storage.desk import Desk, workspace_of


@pytest.fixture
def alice(back: Desk) -> Actor:
    return back.person()


class Watched:
    """A connection that tells how SQLite finds the rows of each statement."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.dialect = connection.dialect
        self.steps: list[str] = []

    def execute(self, sql: str, args: Any = ()) -> Any:
        self.steps += [step for *_, step in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", args).fetchall()]
        return self._connection.execute(sql, args)


ASKED: list[tuple[Callable[[Any, str, int], Any], list[str]]] = [
    (
        lambda c, place, first: operations.newest_first(c, place, first, 1_000),
        [
            "SEARCH audit USING INDEX audit_by_op (workspace_id=? AND op=?)",
            "SEARCH audit USING INTEGER PRIMARY KEY (rowid=?)",
        ],
    ),
    (
        lambda c, place, first: operations.newest_first(c, place, first, 1, first + 2),
        ["SEARCH audit USING INDEX audit_by_op (workspace_id=? AND op=? AND seq<?)"],
    ),
    (
        operations.size,
        ["SEARCH audit USING COVERING INDEX audit_by_op (workspace_id=? AND op=?)"],
    ),
    (
        lambda c, place, first: operations.writes(c, place, first, "contact/c_k7m2q9xa"),
        ["SEARCH audit USING INDEX audit_by_target (workspace_id=? AND target=? AND seq>?)"],
    ),
    (
        lambda c, place, first: operations.newest_of(c, place, "contact/c_k7m2q9xa"),
        ["SEARCH audit USING INDEX audit_by_target (workspace_id=? AND target=?)"],
    ),
    (
        jobs.writes,
        ["SEARCH jobs USING INDEX jobs_turns (workspace_id=? AND due_at>?)"],
    ),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("ask", "steps"), ASKED)
def test_entries_are_found_by_an_index(
    back: Desk, alice: Actor, ask: Callable[[Any, str, int], Any], steps: list[str]
) -> None:
    back.save_all(alice, [{"name": "Jane"}, {"name": "Joe"}, {"name": "Jill"}])

    def read(connection: Any) -> list[str]:
        (first,) = connection.execute("SELECT op FROM audit WHERE op IS NOT NULL ORDER BY seq DESC LIMIT 1").fetchone()
        watched = Watched(connection)
        ask(watched, alice.workspace_id, first)
        return watched.steps

    assert back.do(back.database.read(None, read)) == steps


def test_an_operation_has_its_entries_in_pages_from_the_newest_on(back: Desk, alice: Actor) -> None:
    made = back.save_all(alice, [{"name": f"Jane {n}"} for n in range(7)])
    other = back.save(alice, name="Other")

    def read(connection: Any) -> list[list[str]]:
        (newest,) = connection.execute("SELECT max(seq) FROM audit").fetchone()
        first = newest - 7
        found, before = [], None
        while page := operations.newest_first(connection, alice.workspace_id, first, 3, before):
            found.append([entry.target for entry in page])
            before = page[-1].seq
        assert operations.size(connection, alice.workspace_id, first) == 7
        assert operations.first(connection, workspace_of(alice), audit.operation_id(alice.workspace_id, first)) == first
        assert (
            operations.first(connection, workspace_of(alice), audit.operation_id(alice.workspace_id, first + 1)) is None
        )
        return found

    handles = [each.handle for each in reversed(made)]
    assert back.do(back.database.read(None, read)) == [handles[:3], handles[3:6], handles[6:]]
    assert other.handle not in handles
