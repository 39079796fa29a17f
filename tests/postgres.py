"""A PostgreSQL for the tests: started on a socket of its own by `python -m tests.postgres [--pooler] COMMAND…`.

While `CRMKIT_TEST_POSTGRES` names a server, every server that a test starts has its data there: a database for each
folder, made from a template, and dropped when the test has ended. With `--walls` before the command, servers in the
process of a test see the rows of one workspace at a time (see walls).
"""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from crmkit.settings import Settings
from crmkit.storage.interface.brand import Brand, ReadNext
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE
from tests.pooler import pooling

VARIABLE = "CRMKIT_TEST_POSTGRES"  # a connection string without dbname
SERVER = os.environ.get(VARIABLE, "")
POOLER_VARIABLE = "CRMKIT_TEST_POOLER"  # likewise, of a pooler of transactions through which servers reach it
POOLER = os.environ.get(POOLER_VARIABLE, "")
WALLS = "CRMKIT_TEST_WALLS"
HAS_WALLS = bool(SERVER and os.environ.get(WALLS))
OPTIONS = {
    "listen_addresses": "''",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
    "shared_buffers": "256MB",
}
_BY_FOLDER: dict[Path, str] = {}  # the names of the databases of this process


def _admin(sql: str) -> None:
    import psycopg

    with psycopg.connect(f"{SERVER} dbname=postgres", autocommit=True) as connection:
        connection.execute(sql)  # type: ignore[call-overload]


def _template() -> str:
    """Return the name of a database with the schema as it is now; made by whoever comes first."""
    import psycopg

    from crmkit.storage.postgres import migrate

    texts = repr(migrate.newest())
    name = f"template_{hashlib.sha256(texts.encode()).hexdigest()[:12]}{'_walls' if HAS_WALLS else ''}"
    with psycopg.connect(f"{SERVER} dbname=postgres", autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # of the workers of one run
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
        if found is None:
            _admin(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
            migrate.run(url_of(name, ""))
            if HAS_WALLS:
                from tests import walls

                _admin(f"CREATE ROLE {walls.ROLE} LOGIN")
                with psycopg.connect(url_of(name, ""), autocommit=True) as made:
                    walls.build(made)
    return name


def url_of(name: str, pooler: str = POOLER) -> str:
    """Return the URL of a database, by way of a pooler if there is one."""
    parts: dict[str, Any] = dict(part.split("=", 1) for part in (pooler or SERVER).split())
    more = f"&port={parts['port']}&pooler=transaction" if pooler else ""
    return f"postgresql://{parts['user']}@/{name}?host={parts['host']}{more}"


def url(folder: Path) -> str:
    """Return the URL of the database of this folder, which is made if there is none yet."""
    folder = folder.absolute()
    if folder not in _BY_FOLDER:
        name = f"test_{os.getpid()}_{len(_BY_FOLDER)}_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        _admin(f"CREATE DATABASE {name} TEMPLATE {_template()}")
        _BY_FOLDER[folder] = name
    return url_of(_BY_FOLDER[folder])


def brand(folder: Path) -> Brand:
    from crmkit.storage.postgres.brand import postgres

    return postgres(url(folder))


def behind_walls(settings: Settings) -> Brand | None:
    """Return the brand with walls where the tests have them and the data is not in a folder."""
    if not HAS_WALLS or not settings.server.is_remote:
        return None
    from tests import walls

    return walls.walled(settings.server.data)


def brand_of(folder: Path) -> Brand:
    """Return the brand of what a server of this folder holds."""
    return brand(folder) if SERVER else SQLITE


@contextmanager
def reading(folder: Path) -> Iterator[ReadNext]:
    """Read as a stranger to the server does."""
    if SERVER:
        with brand(folder).reads(folder) as read:
            yield read
    else:
        with closing(connect(folder / FILE, False)) as connection:
            yield lambda work: work(connection)


def rows(folder: Path, sql: str, *args: Any) -> list[Any]:
    """Return the rows that a stranger to the server finds."""
    with reading(folder) as read:
        found: list[Any] = read(lambda connection: connection.execute(sql, args).fetchall())
    return found


def environ(folder: Path) -> dict[str, str]:
    """Return the settings of a server whose data is that of the folder."""
    if not SERVER:
        return {"CRMKIT_SERVER_DATA": str(folder)}
    return {"CRMKIT_SERVER_DATA": url(folder), "CRMKIT_SERVER_FILES": str(folder)}


@contextmanager
def by_hand(folder: Path) -> Iterator[Any]:
    """Open the database of a folder, of either brand, as whoever holds it may; each statement is kept at once."""
    connection: Any
    if SERVER:
        from crmkit.storage.postgres.engine.connection import connect

        connection = connect(url(folder))
    else:
        from crmkit.storage.sqlite.engine import connection as sqlite
        from crmkit.storage.sqlite.engine.folder import FILE

        connection = sqlite.connect(folder / FILE, True)
    with closing(connection):
        yield connection


def tables(connection: Any) -> list[str]:
    """Return the names of all tables of a database of either brand."""
    if SERVER:
        own = "'lanes', 'leases', 'notices', 'windows'"  # of processes, which no other brand has
        sql = f"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT IN ({own}) ORDER BY 1"
    else:
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    return [name for (name,) in connection.execute(sql).fetchall()]


def columns(connection: Any, table: str) -> list[tuple[str, bool]]:
    """Return the columns of a table of either brand, and whether each holds text."""
    if isinstance(connection, sqlite3.Connection):
        return [(row[1], row[2] == "TEXT") for row in connection.execute(f"PRAGMA table_info({table})").fetchall()]
    sql = "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' "
    found = connection.execute(
        f"{sql} AND table_name = ? AND is_generated = 'NEVER' ORDER BY ordinal_position", (table,)
    )
    return [(name, type == "text") for name, type in found.fetchall()]


def rows_of(connection: Any, table: str, where: str = "TRUE", *args: Any) -> list[dict[str, Any]]:
    """Return the rows of a table of either brand by the names of its columns."""
    names = [name for name, _ in columns(connection, table)]
    listed = ", ".join(f'"{name}"' for name in names)
    found = connection.execute(f'SELECT {listed} FROM "{table}" WHERE {where}', args).fetchall()
    return [dict(zip(names, row, strict=True)) for row in found]


def drop_unused() -> None:
    """Drop the databases that this process made and that no server uses any more."""
    import psycopg

    for folder, name in [*_BY_FOLDER.items()]:
        try:
            _admin(f"DROP DATABASE IF EXISTS {name}{' WITH (FORCE)' if POOLER else ''}")  # which keeps connections
        except psycopg.errors.ObjectInUse:
            continue
        del _BY_FOLDER[folder]


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs; raises SystemExit with what lacks."""
    if importlib.util.find_spec("psycopg") is None:
        raise SystemExit("these tests need psycopg: pip install 'psycopg[binary]'")
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders:
        raise SystemExit("these tests need a PostgreSQL: no initdb is in PATH or in /usr/lib/postgresql")
    return folders[-1]


@contextmanager
def running(options: Mapping[str, str] = OPTIONS, kept: Path | None = None) -> Iterator[str]:
    """Run a server until the block ends; yields its connection string. What it holds stays in a folder that is `kept`.

    Raises SystemExit with what lacks.
    """
    programs = _programs()
    home = kept or Path(tempfile.mkdtemp(prefix="crmkit-postgres-"))
    home.mkdir(exist_ok=True)
    as_user: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL refuses root
        shutil.chown(home, "postgres", "postgres")
        as_user = {"user": "postgres", "group": "postgres", "extra_groups": []}
    data = home / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run([programs / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd=home, **as_user)

    try:
        if not data.exists():
            how = ("-E", "UTF8", "--locale=C", "--lc-ctype=C.UTF-8", "-A", "trust", "-U", "postgres")
            run("initdb", "-D", str(data), *how)
        settings = " ".join(f"-c {name}={value}" for name, value in options.items())
        run("pg_ctl", "-D", str(data), "-w", "-l", str(home / "log"), "-o", f"{settings} -k {home}", "start")
        try:
            yield f"host={home} user=postgres"
        finally:
            run("pg_ctl", "-D", str(data), "-w", "-m", "fast" if kept else "immediate", "stop")
    finally:
        if kept is None:
            shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is stopped
    with ExitStack() as stack:
        server, words = stack.enter_context(running()), sys.argv[1:]
        named = {VARIABLE: server}
        if words[0] == "--pooler":
            named[POOLER_VARIABLE] = stack.enter_context(pooling(server))
            del words[0]
        if words[0] == "--walls":
            named[WALLS] = "1"
            del words[0]
        sys.exit(subprocess.run(words, env={**os.environ, **named}, check=False).returncode)
