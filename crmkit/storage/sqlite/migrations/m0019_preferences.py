"""2026-11-27. A workspace has a time zone, a currency and more that its admins choose; a person has a time zone."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "preferences",
    (
        "ALTER TABLE workspaces ADD COLUMN timezone TEXT NOT NULL DEFAULT 'UTC'",
        "ALTER TABLE workspaces ADD COLUMN currency TEXT NOT NULL DEFAULT 'USD'",
        "ALTER TABLE workspaces ADD COLUMN country TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE workspaces ADD COLUMN language TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE workspaces ADD COLUMN date_format TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE workspaces ADD COLUMN code_prefix TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE users ADD COLUMN timezone TEXT NOT NULL DEFAULT ''",
    ),
)
