"""The schema: a new database gets the newest, in one transaction.

Processes that start together do it one after another: the table of migrations is locked meanwhile.
"""

from contextlib import closing, suppress
from importlib.resources import files

import psycopg
from psycopg import errors

from crmkit.clock import stamp, system_clock
from crmkit.storage.interface.database import Newer, Unusable
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect

BASELINE = "baseline"  # the only step there is
LEAST_VERSION = 140000  # of the server
_TABLE = (
    "CREATE TABLE IF NOT EXISTS migrations (number bigint PRIMARY KEY, name text NOT NULL, applied_at text NOT NULL)"
)
_END = ";\n"


def newest() -> tuple[int, tuple[str, ...]]:
    """Return the number of the newest schema, and its statements."""
    first, *statements = _text("schema.sql").split(_END)[:-1]
    return int(first.removeprefix("-- ")), tuple(statements)


def run(url: str) -> list[str]:
    """Give an empty database its schema and return the names of what was applied; raises Newer or Unusable."""
    try:
        connection = connect(url)
    except psycopg.Error as error:
        raise Unusable(f"the database cannot be reached: {' '.join(str(error).split())}") from None
    with closing(connection):
        for why in faults(connection):
            raise Unusable(why)
        if version(connection) == newest()[0]:
            return []
        try:
            return _begin(connection)
        except psycopg.Error as error:
            raise Unusable(f"the schema could not be made: {' '.join(str(error).split())}") from None


def pending(url: str) -> list[str]:
    """Return the names of what `run` would apply; nothing is changed. Raises as it does."""
    try:
        connection = connect(url)
    except psycopg.Error as error:
        raise Unusable(f"the database cannot be reached: {' '.join(str(error).split())}") from None
    with closing(connection):
        for why in faults(connection):
            raise Unusable(why)
        return [BASELINE] if _is_new(version(connection)) else []


def _is_new(done: int) -> bool:
    """Tell whether a database has no schema; raises Newer or Unusable if it has another than this."""
    number = newest()[0]
    if done > number:
        raise Newer(f"the database is at version {done}, this crmkit knows {number}: install the newer crmkit again")
    if 0 < done < number:
        raise Unusable(
            f"the database is at version {done}, this crmkit begins at {number}: move each workspace by "
            "`crmkit workspace export` of the older crmkit and `crmkit workspace import` into a new database"
        )
    return not done


def faults(connection: PostgresConnection) -> list[str]:
    """Return why this database cannot be used, a sentence each."""
    found = []
    if connection.driver.info.server_version < LEAST_VERSION:
        found.append("PostgreSQL 14 or later is needed")
    encoding, collation = connection.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    if encoding != "UTF8" or collation not in ("C", "POSIX"):
        found.append(
            f"the database has encoding {encoding} and collation {collation}; make one by: CREATE DATABASE crmkit "
            "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
        )
    return found


def version(connection: PostgresConnection) -> int:
    """Return the number of the schema that the database has, 0 for none."""
    if connection.execute("SELECT to_regclass('migrations')").fetchone()[0] is None:
        return 0
    number: int = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()[0]
    return number


def _begin(connection: PostgresConnection) -> list[str]:
    number, statements = newest()
    with suppress(errors.UniqueViolation, errors.DuplicateTable):  # another process made it in this moment
        connection.execute(_TABLE)
    connection.execute("BEGIN")
    try:
        connection.execute("LOCK TABLE migrations IN ACCESS EXCLUSIVE MODE")
        if not _is_new(version(connection)):
            connection.execute("COMMIT")
            return []
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        connection.script(_text("fold.sql"))
        connection.script(_text("functions.sql"))
        for statement in statements:
            if not statement.startswith("CREATE TABLE migrations "):
                connection.execute(statement)
        connection.execute(
            "INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)",
            (number, BASELINE, stamp(system_clock())),
        )
        connection.execute("COMMIT")
    except BaseException:
        with suppress(psycopg.Error):
            connection.execute("ROLLBACK")
        raise
    return [BASELINE]


def _text(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")
