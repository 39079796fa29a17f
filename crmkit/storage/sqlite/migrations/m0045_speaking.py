"""2026-11-28. A webhook that clients of another service made tells events in the form of that service."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration("speaking_webhooks", ("ALTER TABLE webhooks ADD COLUMN speaks TEXT",))
