"""2026-11-28. The records that a job is to write, as they were found when it began, some in each row."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "job records",
    (
        """
        CREATE TABLE job_records (
            workspace_id TEXT NOT NULL,
            job_id TEXT NOT NULL,
            part INTEGER NOT NULL,
            ids TEXT NOT NULL,
            versions TEXT NOT NULL,
            PRIMARY KEY (workspace_id, job_id, part)
        ) STRICT
        """,
    ),
)
