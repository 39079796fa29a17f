"""2026-11-22. Texts have their codes beside them (see ../search/trigrams.py), which the index and the sample know too.

While it is written, the index is merged late (eight segments of a level, not four), since quiet moments are used too. A
million texts take a minute of work, up to two with a slow disk.
"""

from collections.abc import Iterator

from crmkit.storage.sqlite.migrations.migration import Migration

_TRIGRAMS = "columnsize = 0, tokenize = 'trigram case_sensitive 1'"


def _coded(table: str) -> Iterator[str]:
    yield f"DROP TABLE {table}_search"
    yield f"ALTER TABLE {table}_texts RENAME TO uncoded"
    yield (
        f"CREATE TABLE {table}_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, "
        "codes TEXT NOT NULL) STRICT"
    )
    yield (
        f"INSERT INTO {table}_texts "
        "SELECT place, title, rest, crm_coded(title || char(10) || rest) FROM uncoded ORDER BY place"
    )
    yield "DROP TABLE uncoded"
    yield (
        f"CREATE VIRTUAL TABLE {table}_search USING fts5 "
        f"(title, rest, codes, content = '{table}_texts', content_rowid = 'place', {_TRIGRAMS})"
    )
    yield f"INSERT INTO {table}_search ({table}_search, rank) VALUES ('automerge', 8)"
    yield f"INSERT INTO {table}_search ({table}_search) VALUES ('rebuild')"


def _counted(table: str) -> Iterator[str]:
    yield f"CREATE VIRTUAL TABLE temp.sampled USING fts5 (codes, content = '', detail = none, {_TRIGRAMS})"
    yield "CREATE VIRTUAL TABLE temp.found USING fts5vocab (temp, sampled, instance)"
    yield f"INSERT INTO sampled (rowid, codes) SELECT -place, codes FROM {table}_texts WHERE place % 61 = 0"
    yield (
        "INSERT INTO search_pieces (workspace_id, kind, piece, uses) "
        f"SELECT w.id, '{table}', f.term, count(DISTINCT f.doc) FROM found AS f "
        "JOIN workspaces AS w ON w.number = f.doc >> 32 WHERE instr(f.term, char(10)) = 0 GROUP BY w.id, f.term"
    )
    yield "DROP TABLE temp.found"
    yield "DROP TABLE temp.sampled"


MIGRATION = Migration(
    "codes",
    tuple(
        statement for table in ("companies", "contacts", "deals") for statement in (*_coded(table), *_counted(table))
    ),
)
