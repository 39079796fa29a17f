"""Reads that may take long."""

from contextlib import closing
from pathlib import Path

import pytest

from crmkit.errors import Problem
from crmkit.storage.lists import deadline
from crmkit.storage.sqlite.engine import progress
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect
from crmkit.storage.sqlite.engine.driver import sqlite3

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_a_query_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline, "SCAN_SECONDS", 0)
    with closing(connect(tmp_path / "x.db", True)) as connection:
        with pytest.raises(Problem) as caught:
            progress.snapshot(connection, deadline.Deadline(0), lambda reading: reading.execute(ENDLESS).fetchone())
        assert caught.value.code == "not_ready"
        assert not connection.in_transaction
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_trial_is_given_up_after_a_number_of_steps(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "x.db", True)) as connection:
        with pytest.raises(deadline.GaveUp), connection.trial():
            connection.execute(ENDLESS).fetchone()
        with connection.trial():
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_trial_also_ends_when_the_time_of_the_whole_read_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "SCAN_SECONDS", 0)

    def work(reading: SqliteConnection) -> None:
        with pytest.raises(sqlite3.OperationalError), reading.trial():
            reading.execute(ENDLESS).fetchone()
        reading.execute(ENDLESS).fetchone()

    with closing(connect(tmp_path / "x.db", True)) as connection, pytest.raises(Problem):
        progress.snapshot(connection, deadline.Deadline(0), work)


def test_the_fault_that_ended_a_read_is_what_is_raised(tmp_path: Path) -> None:
    def failing(reading: SqliteConnection) -> None:
        reading.execute("ROLLBACK")  # as SQLite does by itself when the disk cannot be read
        raise sqlite3.OperationalError("disk I/O error")

    with closing(connect(tmp_path / "x.db", True)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error"):
            progress.snapshot(connection, deadline.Deadline(), failing)
        assert connection.execute("SELECT 1").fetchone() == (1,)
