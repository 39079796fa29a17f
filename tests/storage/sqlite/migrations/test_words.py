"""Words of closed sets, which had no places before the migration that gives them some."""

from contextlib import closing
from pathlib import Path
from typing import Any

from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.migrations import MIGRATIONS
from tests.storage.sqlite.migrations.released import fresh


def test_words_of_closed_sets_that_are_there_get_their_places(tmp_path: Path) -> None:
    file = fresh(tmp_path / "data")
    before = next(number for number, migration in enumerate(MIGRATIONS) if migration.name == "fields")
    migrate.run(file, connect, MIGRATIONS[:before])
    at = "2026-06-10T09:00:00Z"
    statuses, sorts = ("open", "won", "lost"), ("call", "email", "meeting", "note", "task")
    with closing(connect(file, True)) as connection:
        for number, status in enumerate(statuses * 2, start=1):
            insert(connection, "deals", seq=number, id=f"d_{number}", title="Boat", title_key="boat", status=status)
        for number, sort in enumerate(sorts, start=1):
            insert(connection, "activities", seq=number, id=f"a_{number}", kind=sort, occurred_at=at, body="hello")
        insert(connection, "contacts", seq=1, id="c_1", name="Jane", name_key="jane", email="jane@acme.com")
    migrate.run(file, connect)
    with closing(connect(file, False)) as connection:
        found = connection.execute("SELECT status, status_key FROM deals ORDER BY seq").fetchall()
        assert found == [*enumerated(statuses), *enumerated(statuses)]
        found = connection.execute("SELECT kind, kind_key FROM activities ORDER BY seq").fetchall()
        assert found == enumerated(sorts)
        found = connection.execute("SELECT name, first_name, code, priority_key, score FROM contacts").fetchall()
        assert found == [("Jane", None, None, None, 0.0)]


def enumerated(words: tuple[str, ...]) -> list[tuple[str, int]]:
    return [(word, place) for place, word in enumerate(words)]


def insert(connection: Connection, table: str, **values: Any) -> None:
    """Write a row with these values, and something in every other column that may not be empty."""
    for _, name, type_, not_null, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall():
        if not_null:
            values.setdefault(name, {"INTEGER": 1, "REAL": 0.0}.get(type_, "2026-06-10T09:00:00Z"))
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))
