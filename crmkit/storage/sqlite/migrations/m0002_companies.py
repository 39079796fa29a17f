"""2026-11-21. Companies.

A `_key` column holds its neighbour without case, for filters and sorts. The search table is fed from unindexed texts
in batches, after the write: what a search must find already stands there.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "companies",
    (
        """
        CREATE TABLE companies (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            domain TEXT,
            owner TEXT,
            tags TEXT,
            tags_key TEXT,
            notes TEXT,
            custom TEXT,
            version INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            activities INTEGER NOT NULL,
            last_activity_at TEXT,
            UNIQUE (workspace_id, id)
        ) STRICT
        """,
        "CREATE UNIQUE INDEX companies_by_domain ON companies (workspace_id, domain) WHERE domain IS NOT NULL",
        "CREATE INDEX companies_by_updated_at ON companies (workspace_id, updated_at, id)",
        "CREATE INDEX companies_by_created_at ON companies (workspace_id, created_at, id)",
        "CREATE INDEX companies_by_name ON companies (workspace_id, name_key, id)",
        "CREATE VIRTUAL TABLE companies_search USING fts5 (title, rest, tokenize = 'trigram case_sensitive 1')",
        "CREATE TABLE companies_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT",
    ),
)
