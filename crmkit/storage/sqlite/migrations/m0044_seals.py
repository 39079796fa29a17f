"""2026-11-28. Entries of the audit log are sealed, so that whoever changes one is found out (see storage/log/seals).

A later migration that changes rows of `audit` empties these three tables: the log is then sealed anew.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "seals",
    (
        # of the entries with numbers above after_seq, up to last_seq
        """
        CREATE TABLE audit_seals (
            number INTEGER PRIMARY KEY,
            after_seq INTEGER NOT NULL,
            last_seq INTEGER NOT NULL,
            entries INTEGER NOT NULL,
            root BLOB NOT NULL,
            digest BLOB NOT NULL
        ) STRICT
        """,
        "CREATE UNIQUE INDEX audit_seals_by_last ON audit_seals (last_seq)",
        # an entry that was erased has no salt, but the digest of what it held, and a proof
        """
        CREATE TABLE audit_digests (
            seq INTEGER PRIMARY KEY,
            digest BLOB NOT NULL,
            salt BLOB,
            content BLOB,
            proof BLOB
        ) STRICT
        """,
        # up to which number the entries of a workspace were removed for their age
        """
        CREATE TABLE audit_begins (
            workspace_id TEXT PRIMARY KEY,
            after_seq INTEGER NOT NULL,
            entries INTEGER NOT NULL,
            proof BLOB NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
