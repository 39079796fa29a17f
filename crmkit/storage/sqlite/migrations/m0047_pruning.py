"""2026-11-28. What is outdated is found by its time, so that no table is read whole to drop some of its rows."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "pruning",
    (
        "CREATE INDEX attempts_by_at ON attempts (at)",
        "CREATE INDEX confirmations_by_end ON confirmations (expires_at)",
        "CREATE INDEX links_by_end ON links (expires_at)",
        "CREATE INDEX tokens_by_use ON tokens (last_used_at)",
        "CREATE INDEX tokens_by_end ON tokens (expires_at) WHERE expires_at <> ''",
    ),
)
