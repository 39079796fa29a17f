"""What `crmkit doctor` finds in a PostgreSQL database."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from crmkit.storage import secret
from crmkit.storage.interface.database import Finding, Newer, Unusable
from crmkit.storage.postgres import key, migrate
from crmkit.storage.postgres.engine import faults
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect
from crmkit.storage.postgres.engine.serving import NAME as SERVING
from crmkit.storage.postgres.schema import newest

USED = 30  # connections that one process opens at most, with a stream each for some
MOST_APART = 5  # seconds between two clocks
_OWN = "(usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend')"  # NULL for others' eyes
_LIMITS = (
    "WITH role AS (SELECT * FROM pg_roles WHERE rolname = current_user), "
    f"held AS (SELECT usename, datname FROM pg_stat_activity WHERE {_OWN}) "
    "SELECT 'max_connections', current_setting('max_connections')::int8 - CASE WHEN rolsuper THEN 0 ELSE "
    "current_setting('superuser_reserved_connections')::int8 + "
    "coalesce(current_setting('reserved_connections', TRUE)::int8, 0) END, (SELECT count(*) FROM held) FROM role "
    "UNION ALL SELECT 'the role', CASE WHEN rolsuper THEN -1 ELSE rolconnlimit END, "
    "(SELECT count(*) FROM held WHERE usename = current_user) FROM role "
    "UNION ALL SELECT 'the database', CASE WHEN rolsuper THEN -1 ELSE datconnlimit END, "
    "(SELECT count(*) FROM held WHERE datname = current_database()) FROM role, pg_database "
    "WHERE datname = current_database()"
)


def examine(url: str, folder: Path) -> Iterator[Finding]:
    """Yield what was found; nothing is changed."""
    try:
        connection = connect(url)
    except psycopg.Error as error:
        yield Finding("database", False, faults.unreachable(error))
        return
    except Unusable as error:
        yield Finding("database", False, str(error))
        return
    with closing(connection):
        try:
            yield from _looks(url, folder, connection)
        except psycopg.Error as error:
            yield Finding("database", False, faults.line(error, "it cannot be read"))


def _looks(url: str, folder: Path, connection: PostgresConnection) -> Iterator[Finding]:
    version = connection.driver.info.server_version
    told = f"{version // 10000}.{version % 10000}, 14 or later is needed"
    yield Finding("PostgreSQL", version >= migrate.LEAST_VERSION, told)
    why = migrate.faults(connection)
    yield Finding("database", not why, "; ".join(why) or "UTF-8, ordered by code points")
    why_not = migrate.unwritable(connection)
    yield Finding("writes", not why_not, why_not or "taken")
    yield _letters(connection)
    schema = _schema(url)
    yield schema
    if schema.good:
        yield _servers(connection)
    wrong = key.fault(connection, folder)
    yield Finding(secret.FILE, not wrong, wrong or f"the database names no other than {secret.place(folder)}")
    yield _connections(connection)
    yield _clocks(connection)
    yield _durability(connection)


def _letters(connection: PostgresConnection) -> Finding:
    (is_known,) = connection.execute("SELECT 'ä' ~ '[[:alpha:]]' COLLATE \"default\"").fetchone()
    slow = "LC_CTYPE knows no letters but a to z, so a search for others reads all texts: copy into one with C.UTF-8"
    return Finding("letters", is_known, "known to the index of texts" if is_known else slow)


def _schema(url: str) -> Finding:
    try:
        done, waiting = migrate.state(url)
    except (Newer, Unusable) as error:
        return Finding("schema", False, str(error))
    newer = f", of a newer crmkit; this one knows {newest().number} and may use it" if done > newest().number else ""
    if not waiting:
        return Finding("schema", True, f"version {done}{newer}")
    return Finding(
        "schema", False, f"{f'version {done}' if done else 'none yet'}: `crmkit migrate` applies {', '.join(waiting)}"
    )


def _connections(connection: PostgresConnection) -> Finding:
    """Return how many are free of the limit that is reached first."""
    limits = connection.execute(_LIMITS).fetchall()
    name, allowed, held = min((limit for limit in limits if limit[1] >= 0), key=lambda limit: limit[1] - limit[2])
    told = f"{held} of {allowed} held that {name} allows; a process opens up to {USED}"
    good = allowed - held >= USED
    return Finding("connections", good, told if good else f"{told}: raise it, or take a pooler of transactions")


def _servers(connection: PostgresConnection) -> Finding:
    """Return which processes serve, and which of them does the work beside requests."""
    rows = connection.execute("SELECT name, holder FROM leases WHERE until > now() AND isfinite(until)").fetchall()
    serving = sorted({holder for name, holder in rows if name.startswith(SERVING)})
    working = {holder for name, holder in rows if not name.startswith(SERVING)}
    told = [f"{holder}{' (does the work beside requests)' if holder in working else ''}" for holder in serving]
    return Finding("server", True, f"these serve: {', '.join(told)}" if told else "none runs on this database")


def _clocks(connection: PostgresConnection) -> Finding:
    (there,) = connection.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()
    apart = abs(there - time.time())
    told = f"{apart:,.0f} seconds from that of the database"
    return Finding("clocks", apart < MOST_APART, told if apart < MOST_APART else f"{told}: set one of them right")


def _durability(connection: PostgresConnection) -> Finding:
    settings = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit")}
    good = settings["fsync"] == "on" and settings["synchronous_commit"] != "off"
    told = ", ".join(f"{name} {value}" for name, value in settings.items())
    return Finding("durability", good, told if good else f"{told}: an answered write may be lost when the power fails")
