"""2026-11-21. Activities. Each link has an index in the order in which its record's log is read."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "activities",
    (
        """
        CREATE TABLE activities (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            occurred_at TEXT NOT NULL,
            on_behalf_of TEXT,
            contact_id TEXT,
            company_id TEXT,
            deal_id TEXT,
            body TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL,
            UNIQUE (workspace_id, id),
            FOREIGN KEY (workspace_id, contact_id) REFERENCES contacts (workspace_id, id),
            FOREIGN KEY (workspace_id, company_id) REFERENCES companies (workspace_id, id),
            FOREIGN KEY (workspace_id, deal_id) REFERENCES deals (workspace_id, id)
        ) STRICT
        """,
        "CREATE INDEX activities_by_occurred_at ON activities (workspace_id, occurred_at, id)",
        """
        CREATE INDEX activities_by_contact ON activities (workspace_id, contact_id, occurred_at, id)
        WHERE contact_id IS NOT NULL
        """,
        """
        CREATE INDEX activities_by_company ON activities (workspace_id, company_id, occurred_at, id)
        WHERE company_id IS NOT NULL
        """,
        """
        CREATE INDEX activities_by_deal ON activities (workspace_id, deal_id, occurred_at, id)
        WHERE deal_id IS NOT NULL
        """,
    ),
)
