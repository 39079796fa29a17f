"""The log is read by its indexes and by the numbers of its entries, never as a whole."""

from pathlib import Path
from typing import Any

import pytest

from crmkit.storage.log import entries
from tests.storage.desk import desk, workspace_of

BY_NUMBER = "SEARCH audit USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"
BY_TARGET = "SEARCH audit USING INDEX audit_by_target (workspace_id=? AND target=?"


class Explained:
    """A connection that notes how its statements are meant to be run."""

    def __init__(self, connection: Any) -> None:
        self.dialect = connection.dialect
        self.steps: list[str] = []
        self._connection = connection

    def execute(self, sql: str, args: Any = ()) -> Any:
        self.steps += [step for *_, step in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", args)]
        return self._connection.execute(sql, args)


@pytest.mark.sqlite
def test_every_read_of_the_log_is_a_search_in_the_order_of_an_index(tmp_path: Path) -> None:
    with desk(tmp_path / "data") as back:
        actor = back.person()
        workspace, target = workspace_of(actor), back.save(actor, name="Jane").handle
        reads = {
            lambda c: entries.newest(c, workspace): "SEARCH audit USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
            lambda c: entries.oldest(c, workspace): BY_NUMBER,
            lambda c: entries.newest_before(c, workspace, "2026"): (
                "SEARCH audit USING COVERING INDEX audit_by_at (workspace_id=? AND at<?)"
            ),
            lambda c: entries.targets(c, workspace.first, workspace.last, 9): BY_NUMBER,
            lambda c: entries.nouns_after(c, workspace, workspace.first): BY_NUMBER,
            lambda c: entries.of_others(c, workspace.first, workspace.last, "a@x.org", 9): BY_NUMBER,
            lambda c: entries.newest_of(c, workspace.id, target, workspace.last): BY_TARGET,
            lambda c: entries.of_target(c, workspace, target, workspace.first, workspace.last): BY_TARGET,
            lambda c: list(entries.newest_first(c, workspace, target)): BY_TARGET,
            lambda c: entries.first_of(c, workspace, target): BY_TARGET,
        }
        for read, step in reads.items():

            def explained(connection: Any, read: Any = read) -> list[str]:
                noted = Explained(connection)
                read(noted)
                return noted.steps

            steps = back.do(back.database.scan(actor, explained))
            assert all(
                found.replace("COVERING INDEX audit_by_target", "INDEX audit_by_target").startswith(step)
                for found in steps
            ), steps
