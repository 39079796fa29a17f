"""A data set in PostgreSQL: copied once from the file of SQLite, then a template of the database of each run."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bench.data.dataset import Dataset
from crmkit.clock import stamp, system_clock
from crmkit.storage.postgres import migrate
from crmkit.storage.postgres.engine.connection import PostgresConnection, connect
from crmkit.storage.postgres.schema import newest
from crmkit.storage.search.words import words_of
from crmkit.storage.sqlite.engine import connection as sqlite
from crmkit.storage.sqlite.engine.folder import FILE

_TABLES = (
    "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
    "AND tablename NOT IN ('lanes', 'migrations', 'leases', 'windows', 'notices')"
)
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = ? "
    "AND is_generated = 'NEVER' ORDER BY ordinal_position"
)
_INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "AND indexname NOT IN (SELECT conname FROM pg_constraint)"
)
# upkeep finds nothing to do: what it makes up for of two years would disturb what is measured for hours
_SETTLED = (
    "INSERT INTO audit_seals (number, after_seq, last_seq, entries, root, digest) SELECT row_number() OVER (), "
    "number << 32, (SELECT max(seq) FROM audit AS a WHERE a.seq BETWEEN number << 32 AND (number + 1) << 32), 0, "
    "'', '' FROM workspaces WHERE id IN (SELECT workspace_id FROM counts)",
    "DELETE FROM ahead",
)
# of workspaces of which the data set tells no token
_TOKENS = (
    "INSERT INTO tokens (id, hash, user_id, workspace_id, name, created_at, last_used_at) "
    "SELECT 'tok_bench' || n, sha256(convert_to('ck_bench_' || n, 'UTF8')), user_id, workspace_id, 'bench', at, at "
    "FROM (SELECT row_number() OVER (ORDER BY workspace_id) - 1 AS n, m.* FROM memberships AS m) AS q, "
    "(SELECT max(last_used_at) AS at FROM tokens) AS t WHERE n < ?"
)
WORKSPACES = 64  # that have a token which is known here
TOKENS = tuple(f"ck_bench_{number}" for number in range(WORKSPACES))

_NUMBERED = (
    "SELECT table_name, column_name FROM information_schema.columns "
    "WHERE table_schema = 'public' AND is_identity = 'YES'"
)


def template(server: str, made: Dataset) -> str:
    """Return the name of a database that holds the data, made now unless it is there."""
    schema = hashlib.sha256("".join((*newest().statements, newest().functions)).encode())
    name = f"made_{made.contacts}_{hashlib.sha256(made.token.encode()).hexdigest()[:8]}_{schema.hexdigest()[:8]}"
    with closing(connect(url(server, "postgres"))) as admin:
        if admin.execute("SELECT 1 FROM pg_database WHERE datname = ?", (name,)).fetchone() is None:
            part = f"{name}_part"
            admin.execute(f"DROP DATABASE IF EXISTS {part}")
            admin.execute(f"CREATE DATABASE {part}")
            _fill(url(server, part), Path(made.folder) / FILE)
            admin.execute(f"ALTER DATABASE {part} RENAME TO {name}")
    return name


def fresh(server: str, made: Dataset, name: str) -> str:
    """Return the URL of a new database of this name that holds the data."""
    source = template(server, made)
    with closing(connect(url(server, "postgres"))) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY")
    with closing(connect(url(server, name))) as own:
        own.execute("UPDATE tokens SET last_used_at = ?", (stamp(system_clock()),))
    return url(server, name)


def drop(server: str, name: str) -> None:
    with closing(connect(url(server, "postgres"))) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def url(server: str, name: str) -> str:
    host = dict(part.split("=", 1) for part in server.split())["host"]
    return f"postgresql://postgres@/{name}?host={host}"


def _fill(url: str, file: Path) -> None:
    migrate.run(url)
    with closing(connect(url)) as target, closing(sqlite.connect(file, False)) as source:
        indexes = target.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            target.execute(f'DROP INDEX "{name}"')
        target.execute("SET session_replication_role = replica")  # rows come in any order
        target.execute("SET maintenance_work_mem = '1GB'")
        for (table,) in target.execute(_TABLES).fetchall():
            _copy(source, target, table)
        for table, column in target.execute(_NUMBERED).fetchall():
            sql = f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}"
            target.execute(sql).fetchone()
        for _, made in indexes:
            target.execute(made)
        for statement in _SETTLED:
            target.execute(statement)
        target.execute(_TOKENS, (WORKSPACES,))
        target.execute("VACUUM ANALYZE")


def _copy(source: Any, target: PostgresConnection, table: str) -> None:
    columns = [name for (name,) in target.execute(_COLUMNS, (table,)).fetchall()]
    if table.endswith("_texts"):
        rows = _texts(source, table)
    else:
        named = ", ".join(f'"{name}"' for name in columns)
        rows = iter(source.execute(f'SELECT {named} FROM "{table}"'))
    at = columns.index("value") if table == "custom_values" else None
    names = ", ".join(f'"{name}"' for name in columns)
    with target.driver.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row if at is None else (*row[:at], json.dumps(row[at]), *row[at + 1 :]))


def _texts(source: Any, table: str) -> Iterator[tuple[Any, ...]]:
    """Yield the texts as PostgreSQL has them: number, title, all of the text, the words that were counted."""
    for place, title, rest in source.execute(f"SELECT place, title, rest FROM {table}"):
        text = f"{title}\n{rest}"
        yield -place, title, text, " ".join(words_of(text, "")), "f"
