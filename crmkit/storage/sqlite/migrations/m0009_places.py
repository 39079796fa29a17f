"""2026-11-22. The texts of search lie with the newest first, and one in 61 has its pieces of words counted.

FTS5 reads forwards in half the time. Which pieces a text has is left to it too, in an index that goes again. Numbers
are no longer counted among the words that a mistyped one may stand for. A million texts take half a minute of work, up
to two with a slow disk.
"""

from collections.abc import Iterator

from crmkit.storage.sqlite.migrations.migration import Migration

_TRIGRAMS = "columnsize = 0, tokenize = 'trigram case_sensitive 1'"


def _turned(table: str) -> Iterator[str]:
    yield f"DROP TABLE {table}_search"
    yield f"ALTER TABLE {table}_texts RENAME TO turned"
    yield f"CREATE TABLE {table}_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL) STRICT"
    yield f"INSERT INTO {table}_texts SELECT -seq, title, rest FROM turned ORDER BY seq DESC"
    yield "DROP TABLE turned"
    yield (
        f"CREATE VIRTUAL TABLE {table}_search USING fts5 "
        f"(title, rest, content = '{table}_texts', content_rowid = 'place', {_TRIGRAMS})"
    )
    yield f"INSERT INTO {table}_search ({table}_search) VALUES ('rebuild')"


def _counted(table: str) -> Iterator[str]:
    yield f"CREATE VIRTUAL TABLE temp.sampled USING fts5 (title, rest, content = '', detail = none, {_TRIGRAMS})"
    yield "CREATE VIRTUAL TABLE temp.found USING fts5vocab (temp, sampled, instance)"
    yield f"INSERT INTO sampled (rowid, title, rest) SELECT -place, title, rest FROM {table}_texts WHERE place % 61 = 0"
    yield (
        "INSERT INTO search_pieces (workspace_id, kind, piece, uses) "
        f"SELECT w.id, '{table}', f.term, count(DISTINCT f.doc) FROM found AS f "
        "JOIN workspaces AS w ON w.number = f.doc >> 32 GROUP BY w.id, f.term"
    )
    yield "DROP TABLE temp.found"
    yield "DROP TABLE temp.sampled"


MIGRATION = Migration(
    "places",
    (
        """
        CREATE TABLE search_pieces (
            workspace_id TEXT NOT NULL,
            kind TEXT NOT NULL,
            piece TEXT NOT NULL,
            uses INTEGER NOT NULL,
            PRIMARY KEY (workspace_id, kind, piece)
        ) STRICT, WITHOUT ROWID
        """,
        "DELETE FROM search_words WHERE word NOT GLOB '*[^0-9]*'",
        *(
            statement
            for table in ("companies", "contacts", "deals")
            for statement in (*_turned(table), *_counted(table))
        ),
    ),
)
