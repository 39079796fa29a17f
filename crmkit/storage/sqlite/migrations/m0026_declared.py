"""2026-11-27. Declared keys of custom: their declarations, their indexes, and the values that those hold.

An index is known by its number, which is the `place` of its values; the values that do not fit its type stand at
`-place`. Each time the type changes an index of a new number is built, and the old one is dropped.
"""

from crmkit.storage.sqlite.migrations.migration import Migration, index, table

MIGRATION = Migration(
    "declared",
    (
        table(
            "fields",
            (
                *('"kind" TEXT NOT NULL', '"key" TEXT NOT NULL', '"type" TEXT NOT NULL', "type_key INTEGER NOT NULL"),
                *("about TEXT", "about_key TEXT", "choices TEXT", "required INTEGER NOT NULL", "state TEXT NOT NULL"),
                "misfits INTEGER NOT NULL",
            ),
            {},
            is_logged=False,
        ),
        'CREATE UNIQUE INDEX fields_by_key ON fields (workspace_id, "kind", "key")',
        index("fields", "updated_at"),
        index("fields", "kind", "updated_at"),
        """
        CREATE TABLE custom_indexes (
            seq INTEGER PRIMARY KEY,
            workspace_id TEXT NOT NULL,
            "kind" TEXT NOT NULL,
            "key" TEXT NOT NULL,
            form TEXT NOT NULL,
            required INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'dropped'))
        ) STRICT
        """,
        """
        CREATE UNIQUE INDEX custom_indexes_live ON custom_indexes (workspace_id, "kind", "key")
        WHERE state <> 'dropped'
        """,
        """
        CREATE TABLE custom_values (
            workspace_id TEXT NOT NULL,
            place INTEGER NOT NULL,
            value ANY NOT NULL,
            id TEXT NOT NULL,
            seq INTEGER NOT NULL,
            updated_at TEXT NOT NULL,
            PRIMARY KEY (workspace_id, place, value, id)
        ) STRICT, WITHOUT ROWID
        """,
        "CREATE INDEX custom_values_by_change ON custom_values (workspace_id, place, value, updated_at, id, seq)",
        "ALTER TABLE workspaces ADD COLUMN declared_kinds TEXT NOT NULL DEFAULT ''",
    ),
)
