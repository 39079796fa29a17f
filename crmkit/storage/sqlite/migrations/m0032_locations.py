"""2026-11-28. Contacts and companies are found by where they are."""

from crmkit.storage.sqlite.migrations.migration import Migration, index

MIGRATION = Migration(
    "locations",
    tuple(index(plural, "latitude", "longitude", is_partial=True) for plural in ("contacts", "companies")),
)
