"""2026-11-21. Contacts.

A `_key` column holds its neighbour without case, for filters and sorts. The search table is fed from
contacts_unindexed, in batches, after the write: what a search must find already stands there.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "contacts",
    (
        """
        CREATE TABLE contacts (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            name TEXT NOT NULL,
            name_key TEXT NOT NULL,
            email TEXT,
            phone TEXT,
            phone_key TEXT,
            company_id TEXT,
            company_name TEXT,
            company_name_key TEXT,
            owner TEXT,
            stage TEXT,
            stage_key TEXT,
            tags TEXT,
            tags_key TEXT,
            notes TEXT,
            custom TEXT,
            follow_up_at TEXT,
            follow_up_note TEXT,
            follow_up_note_key TEXT,
            version INTEGER NOT NULL,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            activities INTEGER NOT NULL,
            last_activity_at TEXT,
            UNIQUE (workspace_id, id),
            FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id)
        ) STRICT
        """,
        "CREATE UNIQUE INDEX contacts_by_email ON contacts (workspace_id, email) WHERE email IS NOT NULL",
        "CREATE INDEX contacts_by_updated_at ON contacts (workspace_id, updated_at, id)",
        "CREATE INDEX contacts_by_created_at ON contacts (workspace_id, created_at, id)",
        "CREATE INDEX contacts_by_name ON contacts (workspace_id, name_key, id)",
        "CREATE INDEX contacts_by_stage ON contacts (workspace_id, stage_key, updated_at, id)",
        """
        CREATE INDEX contacts_by_company ON contacts (workspace_id, company_id, updated_at, id)
        WHERE company_id IS NOT NULL
        """,
        """
        CREATE INDEX contacts_by_follow_up ON contacts (workspace_id, follow_up_at, id)
        WHERE follow_up_at IS NOT NULL
        """,
        "CREATE VIRTUAL TABLE contacts_search USING fts5 (title, rest, tokenize = 'trigram case_sensitive 1')",
        "CREATE TABLE contacts_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT",
    ),
)
