"""2026-11-28. The operator disables an account, and enables it again."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration("disabled", ("ALTER TABLE users ADD COLUMN disabled_at TEXT NOT NULL DEFAULT ''",))
