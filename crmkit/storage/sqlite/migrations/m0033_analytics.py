"""2026-11-28. Indexes of when a stage changed, as the log tells, and of deals by when they were closed."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "analytics",
    (
        # of an entry that changed the stage of a record, else NULL; instr spares most entries the parsing of their JSON
        """
        ALTER TABLE audit ADD COLUMN moved_at TEXT GENERATED ALWAYS AS (
            CASE WHEN instr(changes, '"stage":[') > 0 AND json_type(changes, '$.stage') = 'array' THEN at END
        ) VIRTUAL
        """,
        "CREATE INDEX audit_by_moved_at ON audit (workspace_id, moved_at, target) WHERE moved_at IS NOT NULL",
        "CREATE INDEX deals_by_closed_at ON deals (workspace_id, closed_at, id, status_key, currency, amount_cents) "
        "WHERE closed_at IS NOT NULL",
    ),
)
