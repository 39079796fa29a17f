"""2026-11-27. Confirm tokens are bound to a hash of the act, and several of a session wait at once.

Those that were shown before work no more.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "confirmations",
    (
        "DROP TABLE confirmations",
        """
        CREATE TABLE confirmations (
            workspace_id TEXT NOT NULL,
            hash BLOB NOT NULL,
            token_id TEXT NOT NULL,
            binding BLOB NOT NULL,
            expires_at TEXT NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, hash)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX confirmations_by_session ON confirmations (workspace_id, token_id, number)",
    ),
)
