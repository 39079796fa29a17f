"""2026-11-22. Indexes for what is asked of large workspaces: whose a record is; the log by who, what and when."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "lookups",
    (
        "CREATE INDEX companies_by_owner ON companies (workspace_id, owner, updated_at, id)",
        "CREATE INDEX contacts_by_owner ON contacts (workspace_id, owner, updated_at, id)",
        "CREATE INDEX deals_by_owner ON deals (workspace_id, owner, updated_at, id)",
        'CREATE INDEX audit_by_who ON audit (workspace_id, "by", seq)',
        "CREATE INDEX audit_by_action ON audit (workspace_id, action, seq)",
        "CREATE INDEX audit_by_at ON audit (workspace_id, at, seq)",
    ),
)
