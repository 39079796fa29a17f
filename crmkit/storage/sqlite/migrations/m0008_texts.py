"""2026-11-22. The texts of search in tables of their own, which can be read without the index.

A title begins with a line break, so that its beginning is a piece of text like any other. Nothing is ranked by how
long texts are, so the index keeps no sizes. A million texts take half a minute of work, up to two with a slow disk.
"""

from collections.abc import Iterator

from crmkit.storage.sqlite.migrations.migration import Migration


def _moved(table: str) -> Iterator[str]:
    yield f"CREATE TABLE {table}_texts (seq INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL) STRICT"
    yield f"INSERT INTO {table}_texts SELECT rowid, char(10) || title, rest FROM {table}_search"
    yield f"UPDATE {table}_unindexed SET title = char(10) || title WHERE title IS NOT NULL"
    yield f"DROP TABLE {table}_search"
    yield (
        f"CREATE VIRTUAL TABLE {table}_search USING fts5 (title, rest, content = '{table}_texts', "
        "content_rowid = 'seq', columnsize = 0, tokenize = 'trigram case_sensitive 1')"
    )
    yield f"INSERT INTO {table}_search ({table}_search) VALUES ('rebuild')"


MIGRATION = Migration("texts", (*_moved("companies"), *_moved("contacts"), *_moved("deals")))
