"""The schema of a database: a new one gets the newest, an older one each step to it, in a transaction of its own.

Programs of the version before may serve meanwhile. So a step waits for a table only as long as requests may wait behind
it, then tries again. Indexes of tables that are there are built without a lock after it, and once more where a process
was killed while it built one, or somebody dropped it. Of processes that start together one does it, and the others
wait: a transaction of its own holds a lock meanwhile.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
from psycopg import errors

from crmkit.clock import stamp, system_clock
from crmkit.storage.interface.database import Newer, Unusable
from crmkit.storage.postgres.address import is_pooled
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect
from crmkit.storage.postgres.engine.faults import READ_ONLY, STANDBY, told, unreachable
from crmkit.storage.postgres.schema import Schema, Step, newest

LEAST_VERSION = 140000  # of the server
LOCK_SECONDS = 1  # that requests may wait behind a step, which waits for those before it
PAUSE_SECONDS = 0.3  # until a lock is tried again; requests pass meanwhile
PATIENCE_SECONDS = 600
_TABLE = (
    "CREATE TABLE IF NOT EXISTS migrations (number bigint PRIMARY KEY, name text NOT NULL, applied_at text NOT NULL, "
    "needs bigint NOT NULL)"
)
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
POOLED = (
    "what answers takes no settings, so it is a pooler: add pooler=transaction to the URL, behind ? or &, or name "
    "PostgreSQL itself"
)
_ANOTHERS = "another program has its tables in this database: name an empty one ({})"
_SETTINGS = (
    f"SET LOCAL lock_timeout = '{LOCK_SECONDS:d}s'",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL client_connection_check_interval = '2s'",  # a process that was killed ends at once
)
_HELD = (errors.LockNotAvailable, errors.DeadlockDetected)
_MADE_MEANWHILE = (errors.UniqueViolation, errors.DuplicateTable, errors.DuplicateObject)


def run(url: str, schema: Schema | None = None) -> list[str]:
    """Bring a database up to date and return the names of what was applied; raises Newer or Unusable."""
    schema = schema or newest()
    with _looked_at(url) as connection:
        if not _waiting(connection, schema):
            return []
        with suppress(*_MADE_MEANWHILE):
            connection.execute(_TABLE)
        done = []
        with _alone(url):
            for each in _waiting(connection, schema):
                if isinstance(each, Step):
                    _apply(connection, schema, each)
                    done.append(each.title)
            for name, sql in _missing(connection, schema).items():
                connection.execute(_EXTENSION)
                connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{name}"')
                connection.script(sql)
                done.append(f"index {name}")
        return done


def pending(url: str, schema: Schema | None = None) -> list[str]:
    """Return the names of what `run` would apply; nothing is changed. Raises as it does."""
    with _looked_at(url) as connection:
        return [_title(each) for each in _waiting(connection, schema or newest())]


def state(url: str) -> tuple[int, list[str]]:
    """Return the number of a database's schema, and what is pending; raises as `run` does."""
    with _looked_at(url) as connection:
        return version(connection)[0], [_title(each) for each in _waiting(connection, newest())]


def _title(each: Step | str) -> str:
    return each.title if isinstance(each, Step) else each


@contextmanager
def _looked_at(url: str) -> Iterator[PostgresConnection]:
    """Connect to a database that can be used; raises Unusable, also for what PostgreSQL refuses meanwhile."""
    try:
        connection = connect(url)
    except psycopg.Error as error:
        raise Unusable(POOLED if "startup parameter" in str(error) else unreachable(error)) from None
    with closing(connection):
        for why in faults(connection):
            raise Unusable(why)
        is_told = connection.execute("SELECT current_setting('crmkit.is_told', TRUE)").fetchone() == ("1",)
        if not is_told and not is_pooled(url):
            raise Unusable(POOLED)
        with told("the schema could not be made"):
            yield connection


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """Hold a lock that one process has at a time, until the block ends.

    Who waits for it waits in no transaction, which the building of an index would wait for in turn.
    """
    with closing(connect(url)) as connection:
        while True:
            connection.execute("BEGIN")
            try:
                connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                connection.execute("LOCK TABLE migrations IN SHARE UPDATE EXCLUSIVE MODE NOWAIT")
                break
            except errors.LockNotAvailable:
                connection.execute("ROLLBACK")
                time.sleep(PAUSE_SECONDS)
        yield
        connection.execute("COMMIT")


def _waiting(connection: PostgresConnection, schema: Schema) -> list[Step | str]:
    """Return the steps, or else the names of indexes, that a database lacks; raises Newer or Unusable."""
    done, needs = version(connection)
    if needs > schema.number:
        raise Newer(
            f"the database is at version {done}, this crmkit knows {schema.number}: install the newer crmkit again"
        )
    if not done:
        names = f"{{{','.join(schema.tables)}}}"
        sql = (
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace "
            "AND relname = ANY (CAST(? AS text[])) ORDER BY relname LIMIT 1"
        )
        found = connection.execute(sql, (names,)).fetchone()
        if found is None:
            return [schema.first]
        if not version(connection)[0]:  # nor has another process made it meanwhile
            raise Unusable(_ANOTHERS.format(f"{found[0]} is there already"))
        return _waiting(connection, schema)
    steps = schema.after(done)
    if done < schema.number and not steps:
        raise Unusable(
            f"the database is at version {done}, from which this crmkit has no steps to its {schema.number}: move each "
            "workspace by `crmkit workspace export` of the older one and `crmkit workspace import` into a new database"
        )
    return [*steps] or [f"index {name}" for name in _missing(connection, schema) if done == schema.number]


def _missing(connection: PostgresConnection, schema: Schema) -> dict[str, str]:
    """Return the indexes that are not there, or not built to their end."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid "
        "WHERE i.indisvalid AND c.relnamespace = current_schema()::regnamespace"
    )
    there = {name for (name,) in rows.fetchall()}
    return {name: sql for name, sql in schema.indexes.items() if name not in there}


def _apply(connection: PostgresConnection, schema: Schema, step: Step) -> None:
    """Do one step in a transaction; again while others hold its tables."""
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        try:
            for statement in (*_SETTINGS, _EXTENSION, schema.functions, *step.statements):
                connection.script(statement)  # as it stands: a ? is none of a value
            connection.execute(
                "INSERT INTO migrations (number, name, applied_at, needs) VALUES (?, ?, ?, ?)",
                (step.number, step.name, stamp(system_clock()), step.needs),
            )
            connection.execute("COMMIT")
        except _HELD:
            connection.execute("ROLLBACK")
            if time.monotonic() > ends:
                raise
            time.sleep(PAUSE_SECONDS)
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise
        else:
            return


def faults(connection: PostgresConnection) -> list[str]:
    """Return why this database cannot be used, a sentence each."""
    found = []
    if connection.driver.info.server_version < LEAST_VERSION:
        found.append("PostgreSQL 14 or later is needed")
    encoding, collation, is_of_code_points = connection.execute(
        "SELECT pg_encoding_to_char(encoding), datcollate, 'a' > 'B' FROM pg_database "
        "WHERE datname = current_database()"
    ).fetchone()
    if encoding != "UTF8" or collation not in ("C", "POSIX") or not is_of_code_points:  # as by ICU, whatever its name
        found.append(
            f"the database has encoding {encoding} and collation {collation}; make one by: CREATE DATABASE crmkit "
            "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' (and LOCALE_PROVIDER libc where that "
            "of the server is ICU)"
        )
    (digits,) = connection.execute("SHOW extra_float_digits").fetchone()
    if int(digits) < 1:  # behind a pooler, where a session is not ours to set
        found.append(
            f"extra_float_digits is {digits}, so numbers would lose digits: run ALTER DATABASE, or ROLE where that has "
            "it, with SET extra_float_digits = 1, and have the pooler connect again"
        )
    return found


def unwritable(connection: PostgresConnection) -> str:
    """Return why this database takes no writes, and what to do; empty where it does."""
    sql = "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only')::boolean"
    is_standby, is_read_only = connection.execute(sql).fetchone()
    return STANDBY if is_standby else READ_ONLY if is_read_only else ""


def check_writes(connection: PostgresConnection) -> None:
    """Raise Unusable where this database takes no writes."""
    if why := unwritable(connection):
        raise Unusable(why)


def version(connection: PostgresConnection) -> tuple[int, int]:
    """Return the number of the schema that the database has, 0 for none, and which one a program has to know."""
    if connection.execute("SELECT to_regclass('migrations')").fetchone()[0] is None:
        return 0, 0
    sql = "SELECT coalesce(max(number), 0), coalesce(max(needs), 0) FROM migrations"
    try:
        number, needs = connection.execute(sql).fetchone()
    except (errors.UndefinedColumn, errors.DatatypeMismatch):
        raise Unusable(_ANOTHERS.format("migrations is not as crmkit makes it")) from None
    return number, needs
