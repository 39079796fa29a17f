"""2026-11-27. Words of closed sets sort in the order of their declaration."""

from crmkit.storage.sqlite.migrations.migration import Migration, ranked

MIGRATION = Migration(
    "fields",
    (
        "ALTER TABLE deals ADD COLUMN status_key INTEGER NOT NULL DEFAULT 0",
        ranked("deals", "status", ("open", "won", "lost")),
        "ALTER TABLE activities ADD COLUMN kind_key INTEGER NOT NULL DEFAULT 0",
        ranked("activities", "kind", ("call", "email", "meeting", "note", "task")),
    ),
)
