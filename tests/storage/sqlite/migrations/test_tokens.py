"""The migration of what tokens may do: one that was made before does what it did."""

from contextlib import closing
from pathlib import Path

from crmkit.model.access import FULL_ACCESS
from crmkit.storage.hashed import sha256
from crmkit.storage.people import tokens
from crmkit.storage.sqlite.engine import migrate
from crmkit.storage.sqlite.engine.connection import connect
from crmkit.storage.sqlite.engine.folder import FILE, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS, m0039_access

WHEN = "2026-01-01T00:00:00Z"
ROWS = (
    ("users", {"id": "u_1", "email": "alice@example.com", "created_at": WHEN}),
    (
        "workspaces",
        {"id": "ws_1", "number": 1, "name": "Acme", "plan": "unlimited", "created_at": WHEN, "created_by": "u_1"},
    ),
    ("memberships", {"workspace_id": "ws_1", "user_id": "u_1", "role": "admin", "joined_at": WHEN}),
    (
        "tokens",
        {
            **{"id": "tok_1", "hash": sha256("ck_old"), "user_id": "u_1", "workspace_id": "ws_1", "name": "old"},
            **{"created_at": WHEN, "last_used_at": WHEN, "is_app": 0},
        },
    ),
)


def test_a_token_that_was_made_before_has_full_access_from_anywhere(tmp_path: Path) -> None:
    prepare(tmp_path)
    migrate.run(tmp_path / FILE, connect, MIGRATIONS[: MIGRATIONS.index(m0039_access.MIGRATION)])
    with closing(connect(tmp_path / FILE, True)) as connection:
        for table, row in ROWS:
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))
    migrate.run(tmp_path / FILE, connect)
    with closing(connect(tmp_path / FILE, True)) as connection:
        found = tokens.find(connection, sha256("ck_old"))
        assert found is not None
        assert (found.actor.token_id, found.actor.access) == ("tok_1", FULL_ACCESS)
        assert tokens.made_by(connection, "u_1", "tok_1") == []
