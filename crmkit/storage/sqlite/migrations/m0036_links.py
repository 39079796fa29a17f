"""2026-11-28. Links: paths that are read for a while without a token."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "links",
    (
        """
        CREATE TABLE links (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            hash BLOB NOT NULL UNIQUE,
            token_id TEXT NOT NULL,
            path TEXT NOT NULL,
            created_at TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, id)
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
