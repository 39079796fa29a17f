"""Databases at older schemas, and programs with a step that this one has not."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import crmkit
from crmkit.storage.postgres import schema
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect
from crmkit.storage.postgres.schema import Schema, Step, step_of
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect as connect_sqlite
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS
from crmkit.storage.sqlite.migrations import schema as of_sqlite
from tests import postgres
from tests.storage.postgres import written

# what a schema is, as rows: columns, indexes, what else a table refuses, triggers
_CATALOGUE = (
    "SELECT format('%s.%s %s %s %s %s %s', c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), "
    "a.attnotnull, a.attcollation::regcollation, pg_get_expr(d.adbin, d.adrelid)) FROM pg_attribute AS a "
    "JOIN pg_class AS c ON c.oid = a.attrelid LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum "
    "WHERE c.relkind = 'r' AND a.attnum > 0 AND c.relnamespace = 'public'::regnamespace "
    "UNION ALL SELECT format('%s valid %s', indexdef, (SELECT indisvalid FROM pg_index WHERE indexrelid = "
    "quote_ident(indexname)::regclass)) FROM pg_indexes WHERE schemaname = 'public' "
    "UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint "
    "WHERE connamespace = 'public'::regnamespace "
    "UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal "
    "UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname LIKE 'crm%' ORDER BY 1"
)


@contextmanager
def database(name: str) -> Iterator[str]:
    """The URL of an empty database, which is dropped once the block ends."""
    name = f"test_{os.getpid()}_{name}"
    postgres._admin(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
    try:
        yield postgres.url_of(name)
    finally:
        postgres._admin(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def connected(url: str) -> Iterator[PostgresConnection]:
    with closing(connect(url)) as connection:
        yield connection


def catalogue(url: str) -> list[str]:
    """Return all that a database has of a schema, a line each."""
    with connected(url) as connection:
        return [line for (line,) in connection.driver.execute(_CATALOGUE).fetchall()]


def as_of(number: int, folder: Path) -> Schema:
    """Return the schema as a program would have had it whose newest migration was this one; `folder` is for a file."""
    prepare(folder)
    migrate.run(folder / FILE, connect_sqlite, MIGRATIONS[:number], by_steps=True)
    with closing(connect_sqlite(folder / FILE, False)) as made:
        found = step_of(written.schema_sql(of_sqlite.of(made)))
    return Schema(found.number, found.statements, schema.newest().functions)


def steps_from(number: int) -> tuple[Step, ...]:
    """Return the steps from this schema to the newest, those without a file as `make golden` would write them."""
    known = {step.number: step for step in schema.newest().steps}
    return tuple(
        known.get(each) or step_of(written.step_sql(each, MIGRATIONS[each - 1]))
        for each in range(number + 1, len(MIGRATIONS) + 1)
    )


def with_steps(*more: Step) -> Schema:
    """Return this program's schema with more steps; what they make is no part of what an empty database gets."""
    now = schema.newest()
    indexes = tuple(sql.replace(" CONCURRENTLY", "") for step in more for sql in step.indexes)
    return Schema(now.number + len(more), (*now.statements, *indexes), now.functions, (*now.steps, *more))


def program(folder: Path, text: str) -> dict[str, str]:
    """Make a copy of this program that has one more step, and return the environment that runs it."""
    shutil.copytree(Path(crmkit.__file__).parent, folder / "crmkit", ignore=shutil.ignore_patterns("__pycache__"))
    there, step = folder / "crmkit" / "storage" / "postgres", step_of(text)
    (there / "steps" / f"{step.number:04d}.sql").write_text(text, encoding="utf-8")
    made = (there / "schema.sql").read_text(encoding="utf-8").replace(f"-- {step.number - 1}\n", f"-- {step.number}\n")
    made += "".join(f"{sql.replace(' CONCURRENTLY', '')};\n" for sql in (*step.statements, *step.indexes))
    (there / "schema.sql").write_text(made, encoding="utf-8")
    return {"PYTHONPATH": str(folder)}
