"""2026-11-28. Scoring rules have an order of their own."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration("priorities_of_rules", ("ALTER TABLE rules ADD COLUMN priority INTEGER NOT NULL DEFAULT 0",))
