"""2026-11-28. Answers to writes that were sent under a key are kept for a day, beside what they wrote."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "answers",
    (
        """
        CREATE TABLE answers (
            workspace_id TEXT NOT NULL,
            token_id TEXT NOT NULL,
            key TEXT NOT NULL,
            at TEXT NOT NULL,
            request BLOB NOT NULL,
            needs TEXT NOT NULL,
            status INTEGER NOT NULL,
            headers TEXT NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (workspace_id, token_id, key)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX answers_by_time ON answers (at)",
    ),
)
