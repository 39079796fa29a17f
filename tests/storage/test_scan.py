"""Reads that may take long."""

from contextlib import closing
from pathlib import Path

import pytest

from crmkit.errors import Problem
from crmkit.storage.lists import budget
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_a_query_without_end_holds_up_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "SCAN_SECONDS", 0)
    with closing(connect(tmp_path / "x.db", True)) as connection:
        with pytest.raises(Problem) as caught:
            budget.snapshot(connection, budget.Patience(0), lambda reading: reading.execute(ENDLESS).fetchone())
        assert caught.value.code == "not_ready"
        assert not connection.in_transaction
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_way_that_is_tried_is_gone_to_its_end(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "x.db", True)) as connection:
        with pytest.raises(budget.GaveUp), budget.tried(connection):
            connection.execute(ENDLESS).fetchone()
        with budget.tried(connection):
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_way_that_is_tried_forgets_the_end_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "SCAN_SECONDS", 0)

    def work(reading: SqliteConnection) -> None:
        with pytest.raises(budget.sqlite3.OperationalError), budget.tried(reading):
            reading.execute(ENDLESS).fetchone()
        reading.execute(ENDLESS).fetchone()

    with closing(connect(tmp_path / "x.db", True)) as connection, pytest.raises(Problem):
        budget.snapshot(connection, budget.Patience(0), work)


def test_the_fault_that_ended_a_read_is_what_is_raised(tmp_path: Path) -> None:
    def failing(reading: SqliteConnection) -> None:
        reading.execute("ROLLBACK")  # as SQLite does by itself when the disk cannot be read
        raise budget.sqlite3.OperationalError("disk I/O error")

    with closing(connect(tmp_path / "x.db", True)) as connection:
        with pytest.raises(budget.sqlite3.OperationalError, match="disk I/O error"):
            budget.snapshot(connection, budget.Patience(), failing)
        assert connection.execute("SELECT 1").fetchone() == (1,)
