"""2026-11-28. The id of a record that was merged into another leads to that one."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration("merges", ("ALTER TABLE deleted ADD COLUMN merged_into TEXT",))
