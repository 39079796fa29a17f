"""What SQLite's errors say."""

import sqlite3 as of_the_interpreter
from collections.abc import Iterator
from contextlib import closing
from types import ModuleType
from typing import Any

import pytest

from crmkit.storage.sqlite.engine import driver, faults

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.fixture(params=[driver.sqlite3, of_the_interpreter], ids=["shipped", "interpreter"])
def connection(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A connection of either library, with one row in a table."""
    library: ModuleType = request.param
    monkeypatch.setattr(faults, "sqlite3", library)
    with closing(library.connect(":memory:", isolation_level=None)) as opened:
        opened.execute("CREATE TABLE t (id TEXT PRIMARY KEY, a INTEGER, email TEXT NOT NULL CHECK (email <> 'UNIQUE'))")
        opened.execute("CREATE UNIQUE INDEX t_by_email ON t (a, email)")
        opened.execute("INSERT INTO t VALUES ('1', 1, 'x')")
        yield opened


def raised_by(connection: Any, statement: str) -> Exception:
    with pytest.raises(Exception) as caught:
        connection.execute(statement).fetchone()
    return caught.value


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ("'1', 2, 'x'", "id"),
        ("'2', 1, 'x'", "email"),
        ("'2', 1, 'UNIQUE'", None),
        ("'2', 1, NULL", None),
    ],
)
def test_a_column_is_taken_when_another_row_has_its_value(connection: Any, values: str, column: str | None) -> None:
    assert faults.taken(raised_by(connection, f"INSERT INTO t VALUES ({values})")) == column


def test_other_errors_take_no_column(connection: Any) -> None:
    assert faults.taken(raised_by(connection, "SELECT 'UNIQUE constraint failed: t.id' FROM nowhere")) is None
    assert faults.taken(ValueError("UNIQUE constraint failed: t.id")) is None


def test_an_interrupt_is_told_by_its_code(connection: Any) -> None:
    connection.set_progress_handler(lambda: True, 1_000)
    assert faults.is_interrupt(raised_by(connection, ENDLESS))
    connection.set_progress_handler(None, 0)
    assert not faults.is_interrupt(raised_by(connection, "SELECT interrupted"))
