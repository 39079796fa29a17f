"""2026-11-28. Pairs of records that are likely one; what somebody said of pairs; phone numbers have an index.

Records that are there already are paired by upkeep: `unpaired` has how far it came in each workspace.
"""

from crmkit.storage.sqlite.migrations.migration import Migration, index, table

MIGRATION = Migration(
    "duplicates",
    (
        index("contacts", "phone_key", is_partial=True),
        """
        CREATE TABLE likely_duplicates (
            workspace_id TEXT NOT NULL,
            a TEXT NOT NULL,
            b TEXT NOT NULL CHECK (a < b),
            kind TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, a, b)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX likely_duplicates_by_b ON likely_duplicates (workspace_id, b)",
        "CREATE INDEX likely_duplicates_by_at ON likely_duplicates (workspace_id, kind, at, a, b)",
        table("dismissals", ("a TEXT NOT NULL", "b TEXT NOT NULL"), {}, is_logged=False),
        "CREATE UNIQUE INDEX dismissals_by_pair ON dismissals (workspace_id, a, b)",
        "CREATE INDEX dismissals_by_b ON dismissals (workspace_id, b)",
        """
        CREATE TABLE unpaired (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            last INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind)
        ) STRICT, WITHOUT ROWID
        """,
        *(
            f"INSERT INTO unpaired (workspace_id, kind, last) SELECT id, '{plural}', 0 FROM workspaces "
            f"WHERE id IN (SELECT workspace_id FROM counts WHERE kind = '{plural}' AND live > 1)"
            for plural in ("contacts", "companies", "deals", "tasks")
        ),
    ),
)
