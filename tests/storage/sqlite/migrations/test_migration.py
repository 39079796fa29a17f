"""The statements of a migration that are alike for every kind: what they are, and that they make what others have."""

import difflib
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.model.record import Kind
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import schema
from crmkit.storage.sqlite.migrations.migration import index, logged, searchable, table
from tests.kinds import NAMED

GOLDEN = Path(__file__).parents[3] / "golden" / "migrations.txt"
COLUMNS = ("title TEXT NOT NULL", "title_key TEXT NOT NULL", "contact_id TEXT", "contact_name TEXT")


def written() -> Iterator[str]:
    yield "table"
    yield table("tickets", COLUMNS, {"contact_id": "contacts"})
    yield "table of a kind without activities"
    yield table("tickets", COLUMNS, {}, is_logged=False)
    yield "index"
    yield index("tickets", "status", "updated_at")
    yield index("tickets", "contact_id", "updated_at", is_partial=True)
    yield index("tickets", "number", is_unique=True)
    yield "searchable"
    yield from searchable("tickets")
    yield "logged"
    yield from logged("ticket")


@pytest.mark.golden
def test_what_migrations_are_made_of_never_changes() -> None:
    found = "\n".join(written()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, encoding="utf-8")
    kept = GOLDEN.read_text(encoding="utf-8")
    difference = difflib.unified_diff(kept.splitlines(), found.splitlines(), "golden", "now", lineterm="", n=1)
    assert found == kept, "\n".join(["released migrations have these statements:", *difference])


@pytest.mark.golden
def test_a_new_database_has_the_schema_that_the_migrations_make_one_after_another(tmp_path: Path) -> None:
    def made(name: str, by_steps: bool) -> schema.Schema:
        prepare(tmp_path / name)
        migrate.run(tmp_path / name / FILE, connect, by_steps=by_steps)
        with closing(connect(tmp_path / name / FILE, False)) as connection:
            return schema.of(connection)

    found = made("by steps", True)
    if os.environ.get("UPDATE_GOLDEN"):
        Path(schema.__file__).with_name(schema.FILE).write_text(found.written(), encoding="utf-8")
    assert schema.newest() == found, "`make golden` writes schema.sql"
    assert made("at once", False) == found


@pytest.mark.parametrize("kind", NAMED, ids=lambda kind: kind.name)
def test_a_new_kind_is_searched_by_the_tables_that_every_kind_has(kind: Kind, tmp_path: Path) -> None:
    prepare(tmp_path)
    migrate.run(tmp_path / FILE, connect)
    with closing(connect(tmp_path / FILE, True)) as connection:
        for statement in searchable("lamps"):
            connection.execute(statement)

        def schema(plural: str) -> list[str]:
            """Return what search keeps of a kind, and how its index is set up."""
            made = "SELECT sql FROM sqlite_master WHERE name LIKE ? || '/_%' ESCAPE '/' AND type = 'table'"
            found = [sql.replace(plural, "KIND") for (sql,) in connection.execute(made, (plural,)) if sql]
            rows = connection.execute(f"SELECT k, v FROM {plural}_search_config ORDER BY k").fetchall()
            return sorted(found) + [str(row) for row in rows]

        assert schema("lamps") == schema(kind.plural)


def test_a_table_that_is_its_own_index_begins_with_the_columns_of_its_key(tmp_path: Path) -> None:
    """Else SQLite 3.40 finds a NULL, which is none, in the columns that stand before them: PRAGMA integrity_check."""
    prepare(tmp_path)
    migrate.run(tmp_path / FILE, connect)
    with closing(connect(tmp_path / FILE, False)) as connection:
        tables = connection.execute("SELECT name FROM pragma_table_list WHERE wr AND type = 'table'").fetchall()
        assert ("ahead",) in tables
        for (table,) in tables:
            places = connection.execute("SELECT pk FROM pragma_table_info(?) ORDER BY cid", (table,)).fetchall()
            keys = [pk for (pk,) in places if pk]
            assert [pk for (pk,) in places[: len(keys)]] == [*range(1, len(keys) + 1)], table
