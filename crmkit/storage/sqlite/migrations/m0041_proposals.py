"""2026-11-28. A token with the access `propose` asks for writes, which wait as proposals."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "proposals",
    (
        """
        CREATE TABLE proposals (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            state TEXT NOT NULL,
            method TEXT NOT NULL,
            path TEXT NOT NULL,
            version INTEGER,
            body TEXT,
            area TEXT NOT NULL,
            needs TEXT NOT NULL,
            now TEXT NOT NULL,
            zone TEXT NOT NULL,
            changes TEXT NOT NULL,
            says TEXT NOT NULL,
            "by" TEXT NOT NULL,
            token_id TEXT NOT NULL,
            token_name TEXT NOT NULL,
            created_at TEXT NOT NULL,
            position INTEGER NOT NULL,
            closed_at TEXT NOT NULL,
            closed_by TEXT NOT NULL,
            reason TEXT,
            op INTEGER,
            size INTEGER NOT NULL
        ) STRICT
        """,
        "CREATE UNIQUE INDEX proposals_by_id ON proposals (workspace_id, id)",
        "CREATE INDEX proposals_by_state ON proposals (workspace_id, state, seq, size)",
        "CREATE INDEX proposals_open ON proposals (created_at) WHERE state = 'open'",
        "CREATE INDEX proposals_closed ON proposals (closed_at) WHERE closed_at <> ''",
    ),
)
