"""2026-11-28. A grant has the access that its user chose for the app; one that is on its way gives what it did."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration("grants_access", ("ALTER TABLE grants ADD COLUMN access TEXT NOT NULL DEFAULT 'full'",))
