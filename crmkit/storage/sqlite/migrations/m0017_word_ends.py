"""2026-11-27. Known words are found by how they end too, for search to find the one that was meant.

Half a second of CPU for 380,000 words.
"""

from crmkit.storage.sqlite.migrations.migration import Migration

MIGRATION = Migration(
    "word ends",
    (
        "CREATE INDEX search_words_by_end ON search_words "
        "(workspace_id, kind, length(word), substr(word, -2), substr(word, -4, 2))",
    ),
)
