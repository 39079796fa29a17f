"""2026-11-21. People, workspaces, tokens, codes, and the audit log: what stands before the first record.

Every key is led by workspace_id where a row belongs to a workspace. Ids and times are made by the program. A workspace
has a number: it leads the rowids of its rows (number * 2**32 + n), so that one workspace's rows lie together and a
search reads that range alone.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "accounts",
    (
        """
        CREATE TABLE migrations (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL,
            applied_at TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE users (
            id TEXT PRIMARY KEY,
            email TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE workspaces (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            plan TEXT NOT NULL,
            created_at TEXT NOT NULL,
            created_by TEXT NOT NULL
        ) STRICT
        """,
        """
        CREATE TABLE memberships (
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            user_id TEXT NOT NULL REFERENCES users (id),
            role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
            joined_at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, user_id)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX memberships_by_user ON memberships (user_id, joined_at)",
        """
        CREATE TABLE invites (
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            id TEXT NOT NULL,
            email TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
            created_at TEXT NOT NULL,
            invited_by TEXT NOT NULL,
            PRIMARY KEY (workspace_id, id),
            UNIQUE (workspace_id, email)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX invites_by_email ON invites (email, created_at)",
        # hash is the SHA-256 of the token, which has over 160 random bits and is never stored
        """
        CREATE TABLE tokens (
            id TEXT PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE,
            user_id TEXT NOT NULL REFERENCES users (id),
            workspace_id TEXT NOT NULL REFERENCES workspaces (id),
            name TEXT NOT NULL,
            created_at TEXT NOT NULL,
            last_used_at TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX tokens_by_user ON tokens (user_id, created_at)",
        # purpose is what the code allows: 'login', or a step-up for one caller, action and target
        """
        CREATE TABLE codes (
            email TEXT NOT NULL,
            purpose TEXT NOT NULL,
            hash BLOB NOT NULL,
            wrong_tries INTEGER NOT NULL DEFAULT 0,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (email, purpose)
        ) STRICT, WITHOUT ROWID
        """,
        # one row per event that a limit counts: who caused it (an address, a client) and when
        """
        CREATE TABLE attempts (
            what TEXT NOT NULL,
            who TEXT NOT NULL,
            at TEXT NOT NULL,
            times INTEGER NOT NULL,
            PRIMARY KEY (what, who, at)
        ) STRICT, WITHOUT ROWID
        """,
        """
        CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            "by" TEXT NOT NULL,
            token_name TEXT NOT NULL,
            action TEXT NOT NULL,
            target TEXT NOT NULL,
            changes TEXT NOT NULL
        ) STRICT
        """,
        "CREATE INDEX audit_by_target ON audit (workspace_id, target, seq)",
        # ids that were given out and are gone; an id is never given out again
        """
        CREATE TABLE deleted (
            workspace_id TEXT NOT NULL,
            id TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, id)
        ) STRICT, WITHOUT ROWID
        """,
        # how many live records of each kind: a cap or a total never counts rows
        """
        CREATE TABLE counts (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            live INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind)
        ) STRICT, WITHOUT ROWID
        """,
        # the second step of a delete: one caller, one record, one version
        """
        CREATE TABLE confirmations (
            workspace_id TEXT NOT NULL,
            target TEXT NOT NULL,
            token_id TEXT NOT NULL,
            hash BLOB NOT NULL,
            version INTEGER NOT NULL,
            expires_at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, target, token_id)
        ) STRICT, WITHOUT ROWID
        """,
        # every word of the indexed texts, for search to find the one that was meant
        """
        CREATE TABLE search_words (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            word TEXT NOT NULL,
            uses INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind, word)
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
