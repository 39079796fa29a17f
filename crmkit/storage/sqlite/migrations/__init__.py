"""The migrations, imported by name and in order. A released one is never edited; a change is a new one."""

from crmkit.storage.sqlite.migrations import (
    m0001_accounts,
    m0002_companies,
    m0003_contacts,
    m0004_deals,
    m0005_activities,
    m0006_grants,
    m0007_lookups,
    m0008_texts,
    m0009_places,
    m0010_codes,
    m0011_erasures,
    m0012_invites,
    m0013_operations,
    m0014_confirmations,
    m0015_jobs,
    m0016_values,
    m0017_word_ends,
    m0018_invite_mails,
    m0019_preferences,
    m0020_fields,
    m0021_phones,
    m0025_pipelines,
)
from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATIONS: tuple[Migration, ...] = (
    m0001_accounts.MIGRATION,
    m0002_companies.MIGRATION,
    m0003_contacts.MIGRATION,
    m0004_deals.MIGRATION,
    m0005_activities.MIGRATION,
    m0006_grants.MIGRATION,
    m0007_lookups.MIGRATION,
    m0008_texts.MIGRATION,
    m0009_places.MIGRATION,
    m0010_codes.MIGRATION,
    m0011_erasures.MIGRATION,
    m0012_invites.MIGRATION,
    m0013_operations.MIGRATION,
    m0014_confirmations.MIGRATION,
    m0015_jobs.MIGRATION,
    m0016_values.MIGRATION,
    m0017_word_ends.MIGRATION,
    m0018_invite_mails.MIGRATION,
    m0019_preferences.MIGRATION,
    m0020_fields.MIGRATION,
    m0021_phones.MIGRATION,
    m0025_pipelines.MIGRATION,
)

__all__ = ["MIGRATIONS", "Migration"]
