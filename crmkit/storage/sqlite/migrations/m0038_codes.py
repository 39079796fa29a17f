"""2026-11-28. The case of codes counts: two that differ in case alone are two."""

from crmkit.storage.sqlite.migrations.migration import Migration, index

MIGRATION = Migration(
    "codes",
    tuple(
        statement
        for plural in ("contacts", "companies")
        for statement in (
            f'DROP INDEX "{plural}_by_code_key"',
            f'ALTER TABLE "{plural}" DROP COLUMN code_key',
            index(plural, "code", is_unique=True),
        )
    ),
)
