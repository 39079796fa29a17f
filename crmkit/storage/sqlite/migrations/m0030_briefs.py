"""2026-11-28. Briefs: when each token asked for one, what open deals add up to, and an index of those that close."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "briefs",
    (
        """
        CREATE TABLE briefs (
            workspace_id TEXT NOT NULL,
            token_id TEXT NOT NULL REFERENCES tokens (id) ON DELETE CASCADE,
            since TEXT NOT NULL,
            since_seq INTEGER NOT NULL,
            asked_at TEXT NOT NULL,
            asked_seq INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, token_id)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX briefs_by_token ON briefs (token_id)",
        """
        CREATE TABLE open_sums (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            stage TEXT NOT NULL,
            currency TEXT NOT NULL,
            records INTEGER NOT NULL,
            high INTEGER NOT NULL,
            low INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind, stage, currency)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX open_sums_by_records ON open_sums (workspace_id, kind, records DESC, stage, currency)",
        """
        INSERT INTO open_sums (workspace_id, kind, stage, currency, records, high, low)
        SELECT workspace_id, 'deals', coalesce(stage_key, ''), coalesce(currency, ''), count(*),
            sum(coalesce(amount_cents, 0) >> 30), sum(coalesce(amount_cents, 0) & 1073741823)
        FROM deals WHERE status = 'open' GROUP BY 1, 3, 4
        """,
        "CREATE INDEX deals_by_status_and_close_date ON deals (workspace_id, status_key, close_date, id) "
        "WHERE close_date IS NOT NULL",
    ),
)
