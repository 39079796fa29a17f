"""Reads that may take long."""

from contextlib import closing
from pathlib import Path

import pytest

from crmkit.errors import Problem
from crmkit.storage import database

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


def test_a_query_without_end_holds_up_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SCAN_SECONDS", 0)
    with closing(database.connect(tmp_path / "x.db", True)) as connection:
        with pytest.raises(Problem) as caught:
            database.snapshot(connection, lambda reading: reading.execute(ENDLESS).fetchone())
        assert caught.value.code == "not_ready"
        assert not connection.in_transaction
        assert connection.execute("SELECT 1").fetchone() == (1,)
