"""2026-11-28. A token has an access: what it may do, from which addresses, until when, and which token made it."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "access",
    (
        "ALTER TABLE tokens ADD COLUMN access TEXT NOT NULL DEFAULT 'full'",
        "ALTER TABLE tokens ADD COLUMN networks TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE tokens ADD COLUMN expires_at TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE tokens ADD COLUMN made_by TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX tokens_by_made_by ON tokens (made_by) WHERE made_by <> ''",
    ),
)
