"""2026-11-21. Deals, laid out as contacts are."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "deals",
    (
        """
        CREATE TABLE deals (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            title TEXT NOT NULL,
            title_key TEXT NOT NULL,
            amount_cents INTEGER,
            currency TEXT NOT NULL,
            stage TEXT,
            stage_key TEXT,
            status TEXT NOT NULL,
            contact_id TEXT,
            contact_name TEXT,
            contact_name_key TEXT,
            company_id TEXT,
            company_name TEXT,
            company_name_key TEXT,
            owner TEXT,
            close_date TEXT,
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
            FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
            FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id)
        ) STRICT
        """,
        "CREATE INDEX deals_by_updated_at ON deals (workspace_id, updated_at, id)",
        "CREATE INDEX deals_by_created_at ON deals (workspace_id, created_at, id)",
        "CREATE INDEX deals_by_title ON deals (workspace_id, title_key, id)",
        "CREATE INDEX deals_by_stage ON deals (workspace_id, stage_key, updated_at, id)",
        "CREATE INDEX deals_by_amount ON deals (workspace_id, amount_cents, id)",
        """
        CREATE INDEX deals_by_contact ON deals (workspace_id, contact_id, updated_at, id)
        WHERE contact_id IS NOT NULL
        """,
        """
        CREATE INDEX deals_by_company ON deals (workspace_id, company_id, updated_at, id)
        WHERE company_id IS NOT NULL
        """,
        "CREATE INDEX deals_by_follow_up ON deals (workspace_id, follow_up_at, id) WHERE follow_up_at IS NOT NULL",
        "CREATE VIRTUAL TABLE deals_search USING fts5 (title, rest, tokenize = 'trigram case_sensitive 1')",
        "CREATE TABLE deals_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT",
    ),
)
