"""2026-11-28. A workspace has webhooks: addresses that are told what happens, and what became of each message."""

from crmkit.storage.sqlite.migrations.migration import Migration, index, table

MIGRATION = Migration(
    "webhooks",
    (
        table(
            "webhooks",
            (
                "url TEXT NOT NULL",
                "events TEXT NOT NULL",
                "active INTEGER NOT NULL",
                "state TEXT NOT NULL",
                "reason TEXT",
                "failing_since TEXT",
                "last_delivered_at TEXT",
            ),
            {},
            is_logged=False,
        ),
        index("webhooks", "updated_at"),
        """
        CREATE TABLE webhook_keys (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            user_id TEXT NOT NULL,
            token_id TEXT NOT NULL,
            is_app INTEGER NOT NULL,
            access TEXT NOT NULL,
            secret TEXT NOT NULL,
            old_secret TEXT NOT NULL,
            old_until TEXT NOT NULL,
            job_id TEXT NOT NULL,
            reached INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, id)
        ) STRICT
        """,
        """
        CREATE TABLE deliveries (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            webhook_id TEXT NOT NULL,
            event TEXT NOT NULL,
            type TEXT NOT NULL,
            target TEXT NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL,
            told TEXT NOT NULL,
            at TEXT NOT NULL,
            state TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            status INTEGER,
            error TEXT,
            ms INTEGER,
            first_at TEXT NOT NULL,
            tried_at TEXT NOT NULL,
            next_at TEXT NOT NULL
        ) STRICT
        """,
        "CREATE UNIQUE INDEX deliveries_by_id ON deliveries (workspace_id, id)",
        "CREATE INDEX deliveries_by_webhook ON deliveries (workspace_id, webhook_id, seq, state)",
        "CREATE INDEX deliveries_waiting ON deliveries (workspace_id, webhook_id, first) WHERE state = 'waiting'",
        "CREATE INDEX deliveries_tried ON deliveries (tried_at) WHERE state <> 'waiting'",
    ),
)
