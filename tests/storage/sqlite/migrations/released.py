"""A database of every released schema, with a row in each of its tables, as the program of that day could have left it.

They are made on the way: each migration is applied to the database of the version before, and its new tables get a row.
So a row stands in the columns that its table had when it was new.
"""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from crmkit.ids import numbered
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS

AT = "2026-06-10T09:00:00Z"
FIRST = 1 << 32 | 1  # the number of the first row of workspace 1
# what is derived of texts is written by the indexer, and `migrations` by the migrations
OF_SEARCH = ("_search", "_texts", "_unindexed")

# values by the names of their columns, where a column may not be empty or a migration looks at it
VALUES: dict[str, Any] = {
    "workspace_id": numbered("ws", 1),
    "user_id": numbered("u", 1),
    "token_id": numbered("tok", 1),
    "contact_id": numbered("c", 1),
    "company_id": numbered("co", 1),
    "seq": FIRST,
    "last_seq": FIRST,
    "number": 1,
    "email": "alice@example.com",
    "name": "Jane Doe",
    "name_key": "jane doe",
    "title": "Boat",
    "title_key": "boat",
    "invited_by": "alice@example.com",
    "role": "admin",
    "plan": "unlimited",
    "hash": b"hash",
    "status": "open",
    "kind": "contacts",
    "target": f"contact/{numbered('c', 1)}",
    "action": "contact.create",
    "changes": '{"name":[null,"Jane Doe"]}',
    "custom": '{"region":"emea"}',
    "tags": '["vip"]',
    "currency": "EUR",
    "a": numbered("c", 1),
    "b": numbered("c", 2),
    "state": "ready",
    "needs": "[]",
    "access": "full",
}
IDS = {
    "users": numbered("u", 1),
    "workspaces": numbered("ws", 1),
    "tokens": numbered("tok", 1),
    "contacts": numbered("c", 1),
    "companies": numbered("co", 1),
    "deals": numbered("d", 1),
    "activities": numbered("a", 1),
    "campaigns": numbered("cmp", 1),
}
OTHERWISE: dict[str, dict[str, Any]] = {
    "activities": {"kind": "call", "body": "called", "company_id": None},
    "contacts": {"email": "jane@example.com", "phone": "+49 30 123456", "company_id": numbered("co", 1)},
    "companies": {"domain": "www.acme.com"},
    "campaign_memberships": {"campaign_id": numbered("cmp", 1), "company_id": None},
    "answers": {"status": 200, "headers": "[]", "body": b""},
    "deliveries": {"status": 200, "state": "sent"},
    "jobs": {"state": "done", "ended_at": AT},
    "imports": {"state": "done", "ended_at": AT},
    "proposals": {"state": "closed"},
    "pipelines": {"kind": "deals", "stages": "[]"},
}


def fresh(folder: Path) -> Path:
    """Return where the database of a new folder will be."""
    prepare(folder)
    return folder / FILE


def databases(folder: Path) -> Iterator[Path]:
    """Yield a folder for each version, from the first on, whose database was just migrated to it and has its rows."""
    before: Path | None = None
    for number in range(1, len(MIGRATIONS) + 1):
        place = folder / f"{number:04d}"
        if before is None:
            prepare(place)
        else:
            place.mkdir()
            shutil.copy(before / FILE, place / FILE)
        with closing(connect(place / FILE, True)) as connection:
            migrate.apply(connection, number, MIGRATIONS[number - 1])
            for table in tables(connection):
                if connection.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone() is None:
                    insert(connection, table)
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        before = place
        yield place


def tables(connection: Connection) -> list[str]:
    """Return the tables that hold rows of their own, those that others refer to first."""
    listed = connection.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
        "AND name NOT LIKE 'sqlite/_%' ESCAPE '/' AND name NOT IN ('migrations', 'search_words', 'search_pieces')"
    )
    names = [name for (name,) in listed.fetchall() if not name.endswith(OF_SEARCH)]
    first = [name for name in ("users", "workspaces", "companies", "contacts", "campaigns", "tokens") if name in names]
    return [*first, *sorted(set(names) - set(first))]


def insert(connection: Connection, table: str) -> None:
    """Write a row, with something in every column that may not be empty and in those that are named above."""
    row: dict[str, Any] = {}
    for _, name, type_, not_null, default, key in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
        if name == "id":
            row[name] = IDS.get(table, table)
        elif name in OTHERWISE.get(table, {}):
            row[name] = OTHERWISE[table][name]
        elif name in VALUES:
            row[name] = VALUES[name]
        elif (not_null and default is None) or key:
            row[name] = {"INTEGER": 1, "REAL": 0.0, "BLOB": b"", "ANY": 1}.get(
                type_, AT if name.endswith("_at") else ""
            )
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
    connection.execute(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', tuple(row.values()))
