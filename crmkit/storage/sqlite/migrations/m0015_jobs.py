"""2026-11-27. Jobs: work that goes on step by step beside requests, and after a restart where it was.

`workspace_id` is empty for a job of the whole server, `token_id` for a job of the system. `due_at` is NULL for a job
that has ended and empty for one that is to go on at once; `ended_at` is NULL until a job ends.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "jobs",
    (
        """
        CREATE TABLE jobs (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'stopped')),
            due_at TEXT,
            ended_at TEXT CHECK ((ended_at IS NULL) = (due_at IS NOT NULL)),
            input TEXT NOT NULL,
            position TEXT NOT NULL,
            result TEXT NOT NULL,
            token_id TEXT NOT NULL,
            op INTEGER,
            tries INTEGER NOT NULL,
            error TEXT NOT NULL,
            UNIQUE (workspace_id, id)
        ) STRICT
        """,
        "CREATE INDEX jobs_due ON jobs (due_at) WHERE due_at IS NOT NULL",
        "CREATE INDEX jobs_turns ON jobs (workspace_id, due_at, seq) WHERE due_at IS NOT NULL",
        "CREATE INDEX jobs_ended ON jobs (ended_at) WHERE ended_at IS NOT NULL",
    ),
)
