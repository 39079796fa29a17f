"""2026-11-28. Imports are counted by their state and found by their end: neither scrape nor sweep reads them all."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "imports by state",
    (
        "CREATE INDEX imports_by_state ON imports (state, created_at)",
        "CREATE INDEX imports_by_end ON imports (ended_at) WHERE ended_at IS NOT NULL",
    ),
)
