"""2026-11-28. Scoring rules give records points; deals have a score too, and all are sorted by it."""

from crmkit.storage.sqlite.migrations.migration import Migration, index, table

MIGRATION = Migration(
    "scoring",
    (
        table(
            "rules",
            (
                *("name TEXT NOT NULL", "name_key TEXT NOT NULL", '"kind" TEXT NOT NULL', "expression TEXT NOT NULL"),
                *("weight REAL NOT NULL", "active INTEGER NOT NULL"),
            ),
            {},
            is_logged=False,
        ),
        index("rules", "updated_at"),
        index("rules", "kind", "updated_at"),
        "ALTER TABLE deals ADD COLUMN score REAL NOT NULL DEFAULT 0",
        *(index(plural, "score") for plural in ("contacts", "companies", "deals")),
        "ALTER TABLE workspaces ADD COLUMN scored_kinds TEXT NOT NULL DEFAULT ''",
    ),
)
