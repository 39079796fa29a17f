"""2026-11-28. A workspace has views: paths of lists that it keeps under names."""

from crmkit.storage.sqlite.migrations.migration import Migration, index, table

MIGRATION = Migration(
    "views",
    (
        table("views", ("name TEXT NOT NULL", "path TEXT NOT NULL"), {}, is_logged=False),
        index("views", "name", is_unique=True),
        index("views", "updated_at"),
    ),
)
