"""2026-11-27. A workspace has pipelines; a deal says when it was closed, why it was lost, where it came from.

Deals that are closed already get the time of the newest audit entry that gave them their status, or of their last
change where there is none.
"""

from crmkit.storage.sqlite.migrations.migration import Migration, index

MIGRATION = Migration(
    "pipelines",
    (
        """
        CREATE TABLE pipelines (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            stages TEXT NOT NULL,
            strict INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind)
        ) STRICT, WITHOUT ROWID
        """,
        "ALTER TABLE deals ADD COLUMN closed_at TEXT",
        "ALTER TABLE deals ADD COLUMN lost_reason TEXT",
        "ALTER TABLE deals ADD COLUMN lost_reason_key TEXT",
        "ALTER TABLE deals ADD COLUMN probability INTEGER",
        "ALTER TABLE deals ADD COLUMN source TEXT",
        "ALTER TABLE deals ADD COLUMN source_key TEXT",
        "ALTER TABLE deals ADD COLUMN source_id TEXT",
        index("deals", "source_id", is_unique=True),
        """
        UPDATE deals SET closed_at = coalesce(
            (
                SELECT max(at) FROM audit INDEXED BY audit_by_target
                WHERE audit.workspace_id = deals.workspace_id AND target = 'deal/' || deals.id
                AND coalesce(json_extract(changes, '$.status[1]'), json_extract(changes, '$[1].status')) = deals.status
            ),
            updated_at
        )
        WHERE status IN ('won', 'lost')
        """,
    ),
)
