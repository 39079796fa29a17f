"""2026-11-28. Answers to writes that were sent under a key are kept for a day, beside what they wrote."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "answers",
    (
        """
        CREATE TABLE answers (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            token_id TEXT NOT NULL,
            key TEXT NOT NULL,
            at TEXT NOT NULL,
            request BLOB NOT NULL,
            needs TEXT NOT NULL,
            status INTEGER NOT NULL,
            headers TEXT NOT NULL,
            body BLOB NOT NULL
        ) STRICT
        """,
        "CREATE UNIQUE INDEX answers_by_key ON answers (workspace_id, token_id, key)",
    ),
)
