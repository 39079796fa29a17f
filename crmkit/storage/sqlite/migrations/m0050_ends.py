"""2026-11-28. A workspace that is deleted leaves a proof that the server did that, or its seals are found to lack it.

Where one was deleted before, the log is sealed anew.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

_IF_ONE_IS_GONE = (
    "WHERE EXISTS (SELECT 1 FROM audit_seals AS s WHERE s.last_seq >> 32 NOT IN (SELECT number FROM workspaces))"
)

MIGRATION = Migration(
    "ends",
    (
        # by the numbers of workspaces
        "CREATE TABLE audit_ends (number INTEGER PRIMARY KEY, proof BLOB NOT NULL) STRICT",
        # of the seals last, which tell it
        *(f"DELETE FROM {table} {_IF_ONE_IS_GONE}" for table in ("audit_digests", "audit_begins", "audit_seals")),
    ),
)
