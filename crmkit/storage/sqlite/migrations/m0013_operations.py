"""2026-11-27. An audit entry knows the operation that it is part of, and the version of the record after the change.

`op` is the number of the operation's first entry, and NULL on that one: an operation of one entry is not in the index.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "operations",
    (
        "ALTER TABLE audit ADD COLUMN op INTEGER",
        "ALTER TABLE audit ADD COLUMN version INTEGER",
        "CREATE INDEX audit_by_op ON audit (workspace_id, op, seq) WHERE op IS NOT NULL",
    ),
)
