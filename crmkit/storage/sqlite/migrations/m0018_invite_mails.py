"""2026-11-27. An invite knows how many mails tell of it, so that it is withdrawn once none of them left."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration("invite mails", ("ALTER TABLE invites ADD COLUMN mails INTEGER NOT NULL DEFAULT 1",))
