"""What `crmkit doctor` finds in a PostgreSQL database."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg

from crmkit.storage import secret
from crmkit.storage.interface.database import Finding, Newer, Unusable
from crmkit.storage.postgres import key, migrate
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect
from crmkit.storage.postgres.schema import newest

USED = 29  # connections that one process opens at most, with a stream each for some


def examine(url: str, folder: Path) -> Iterator[Finding]:
    """Yield what was found; nothing is changed."""
    try:
        connection = connect(url)
    except psycopg.Error as error:
        yield Finding("database", False, f"it cannot be reached: {' '.join(str(error).split())}")
        return
    with closing(connection):
        version = connection.driver.info.server_version
        yield Finding(
            "PostgreSQL",
            version >= migrate.LEAST_VERSION,
            f"{version // 10000}.{version % 10000}, 14 or later is needed",
        )
        why = migrate.faults(connection)
        yield Finding("database", not why, "; ".join(why) or "UTF-8, ordered by code points")
        yield _writes(connection)
        yield _schema(url)
        wrong = key.fault(connection, folder)
        yield Finding(secret.FILE, not wrong, wrong or f"{secret.place(folder)} is that of the database")
        yield _connections(connection)
        yield _durability(connection)


def _writes(connection: PostgresConnection) -> Finding:
    why = migrate.unwritable(connection)
    return Finding("writes", not why, why or "taken")


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
    allowed = int(connection.execute("SHOW max_connections").fetchone()[0])
    (held,) = connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    ).fetchone()
    return Finding("connections", allowed - held >= USED, f"{held} of {allowed} held; a process opens up to {USED}")


def _durability(connection: PostgresConnection) -> Finding:
    settings = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in ("fsync", "synchronous_commit")}
    good = settings["fsync"] == "on" and settings["synchronous_commit"] != "off"
    told = ", ".join(f"{name} {value}" for name, value in settings.items())
    return Finding("durability", good, told if good else f"{told}: an answered write may be lost when the power fails")
