"""2026-11-22. Connecting an app: a sign-in in a browser that is under way, and the code an app redeems for a token.

Both are known by SHA-256 alone. A redeemed grant stays until it is swept, so that a second use is noticed and the token
made from it ended.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "grants",
    (
        # asked is the SHA-256 of the app's request, which every page repeats; user_id is empty until the right code was
        # entered
        """
        CREATE TABLE signins (
            hash BLOB PRIMARY KEY,
            email TEXT NOT NULL,
            user_id TEXT NOT NULL DEFAULT '',
            asked BLOB NOT NULL,
            expires_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE grants (
            hash BLOB PRIMARY KEY,
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            user_id TEXT NOT NULL REFERENCES users (id),
            client_id TEXT NOT NULL,
            redirect_uri TEXT NOT NULL,
            challenge TEXT NOT NULL,
            resource TEXT NOT NULL,
            expires_at TEXT NOT NULL,
            spent INTEGER NOT NULL DEFAULT 0 CHECK (spent IN (0, 1)),
            token_id TEXT NOT NULL DEFAULT ''
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX grants_by_workspace ON grants (workspace_id)",
        # 1 where an app was given it: what such a token may not do alone is decided in core
        "ALTER TABLE tokens ADD COLUMN is_app INTEGER NOT NULL DEFAULT 0",
    ),
)
