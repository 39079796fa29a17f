"""2026-11-28. A workspace has imports: files that are planned, then run, each with the rows of it that were refused."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "imports",
    (
        """
        CREATE TABLE imports (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            state TEXT NOT NULL,
            options TEXT NOT NULL,
            file TEXT NOT NULL,
            name TEXT NOT NULL,
            content_type TEXT NOT NULL,
            titles TEXT NOT NULL,
            columns TEXT NOT NULL,
            notes TEXT NOT NULL,
            kept TEXT NOT NULL,
            "rows" INTEGER NOT NULL,
            tried INTEGER NOT NULL,
            done INTEGER NOT NULL,
            creates INTEGER NOT NULL,
            updates INTEGER NOT NULL,
            refused INTEGER NOT NULL,
            error TEXT NOT NULL,
            job_id TEXT NOT NULL,
            op INTEGER,
            "by" TEXT NOT NULL,
            created_at TEXT NOT NULL,
            ended_at TEXT
        ) STRICT
        """,
        "CREATE UNIQUE INDEX imports_by_id ON imports (workspace_id, id)",
        "CREATE INDEX imports_with_files ON imports (created_at) WHERE file <> ''",
        """
        CREATE TABLE refused_rows (
            workspace_id TEXT NOT NULL,
            import_id TEXT NOT NULL,
            number INTEGER NOT NULL,
            error TEXT NOT NULL,
            fields TEXT NOT NULL,
            cells TEXT NOT NULL,
            PRIMARY KEY (workspace_id, import_id, number)
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
