"""PostgreSQL's schema is that of SQLite: same tables, columns, unique indexes; its files follow from that."""

import os
import re
from contextlib import closing
from pathlib import Path

import pytest

from crmkit.model.fold import fold
from crmkit.storage.sqlite.migrations import schema
from tests import postgres
from tests.storage.postgres import written

FOLDER = Path(schema.__file__).parents[2] / "postgres"
needs_server = pytest.mark.skipif(not postgres.SERVER, reason="`make test-postgres` starts a server")


@pytest.mark.golden
@pytest.mark.parametrize(("name", "text"), [("schema.sql", written.schema_sql()), ("fold.sql", written.fold_sql())])
def test_the_schema_follows_from_that_of_the_other_brand(name: str, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        (FOLDER / name).write_text(text, encoding="utf-8")
    assert (FOLDER / name).read_text(encoding="utf-8") == text, "`make golden` writes it"


@pytest.mark.parametrize("name", ["schema.sql", "fold.sql", "functions.sql"])
def test_no_text_of_the_schema_has_what_stands_for_an_argument(name: str) -> None:
    assert "?" not in (FOLDER / name).read_text(encoding="utf-8")


@needs_server
def test_a_new_database_has_the_tables_columns_and_unique_indexes_of_the_other_brand(tmp_path: Path) -> None:
    import sqlite3

    from crmkit.storage.postgres.engine.connection import connect

    with closing(sqlite3.connect(":memory:")) as made:
        for statement in schema.newest().statements:
            if "VIRTUAL TABLE" not in statement and "_search (" not in statement:
                made.execute(statement)
        names = [name for (name,) in made.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        known = {
            name: ([row[1] for row in made.execute(f"PRAGMA table_xinfo({name})")], _uniques(made, name))
            for name in names
            if not re.fullmatch(r"sqlite_.*|migrations|search_pieces|.*_(texts|unindexed)", name)
        }
    with closing(connect(postgres.url(tmp_path))) as connection:
        for name, (columns, uniques) in known.items():
            rows = connection.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' "
                "AND table_name = ? ORDER BY ordinal_position",
                (name,),
            )
            assert [column for (column,) in rows] == columns, name
            found = connection.execute(
                "SELECT array_to_json(ARRAY(SELECT a.attname FROM unnest(i.indkey) WITH ORDINALITY AS k (number, n) "
                "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number ORDER BY n))::text "
                "FROM pg_index AS i WHERE i.indisunique AND i.indrelid = ?::regclass",
                (f'"{name}"',),
            )
            assert {tuple(re.findall(r'"(\w+)"', columns)) for (columns,) in found} == uniques, name


def _uniques(made: object, name: str) -> set[tuple[str, ...]]:
    execute = made.execute  # type: ignore[attr-defined]
    found = {
        tuple(row[2] for row in execute(f'PRAGMA index_info("{index}")'))
        for _, index, is_unique, *_ in execute(f"PRAGMA index_list({name})").fetchall()
        if is_unique
    }
    key = sorted((row[5], row[1]) for row in execute(f"PRAGMA table_info({name})") if row[5])
    return found | ({tuple(column for _, column in key)} if key else set())


@needs_server
def test_texts_are_folded_as_everywhere(tmp_path: Path) -> None:
    from crmkit.storage.postgres.engine.connection import connect

    texts = [chr(code) + "x" for code in range(1, 0x1FBFF) if not 0xD800 <= code < 0xE000]
    with closing(connect(postgres.url(tmp_path))) as connection:
        for at in range(0, len(texts), 10_000):
            some = texts[at : at + 10_000]
            marks = ", ".join(f"({number}, ?)" for number in range(len(some)))
            sql = f"SELECT crm_fold(t) FROM (VALUES {marks}) AS v (n, t) ORDER BY n"
            assert [folded for (folded,) in connection.execute(sql, some)] == [fold(text) for text in some]
