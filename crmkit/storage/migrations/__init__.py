"""The migrations, imported by name and in order. A released one is never edited; a change is a new one."""

from crmkit.storage.migrations import m0001_accounts, m0002_contacts
from crmkit.storage.migrations.migration import Migration

MIGRATIONS: tuple[Migration, ...] = (m0001_accounts.MIGRATION, m0002_contacts.MIGRATION)

__all__ = ["MIGRATIONS", "Migration"]
