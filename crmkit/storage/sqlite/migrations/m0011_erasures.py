"""2026-11-27. Erasures whose bytes may still lie in the search index or the write-ahead log: upkeep drops them."""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration("erasures", ("CREATE TABLE erasures (number INTEGER PRIMARY KEY, at TEXT NOT NULL) STRICT",))
