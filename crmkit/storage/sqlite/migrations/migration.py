"""What a migration is, and the statements that are alike for every kind.

A released migration is never edited, so what these functions return never changes (a golden file holds it): they take
names and columns as text, not a kind, whose declaration goes on changing.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from crmkit.storage.interface.connection import Connection


class Migration(Struct, frozen=True):
    """`statements` are run one by one in a single transaction, then `work`, which changes rows and no schema."""

    name: str
    statements: tuple[str, ...] = ()
    work: Callable[[Connection], None] | None = None


def table(plural: str, columns: Sequence[str], links: Mapping[str, str], is_logged: bool = True) -> str:
    """Return the statement that creates the table of a kind whose records have a history.

    `columns` are those of its own fields, as SQL has them: `title TEXT NOT NULL`. `links` maps a column to the table
    that it refers to. A kind that `is_logged` has the columns for activities too.
    """
    lines = ["seq INTEGER PRIMARY KEY", "workspace_id TEXT NOT NULL", "id TEXT NOT NULL", *columns]
    lines += ["version INTEGER NOT NULL", "created_at TEXT NOT NULL", "updated_at TEXT NOT NULL"]
    lines += ["created_by TEXT NOT NULL"]
    if is_logged:
        lines += ["activities INTEGER NOT NULL", "last_activity_at TEXT", "last_contacted_at TEXT"]
        lines += ["contacts_made INTEGER NOT NULL", "on_behalf_of TEXT", "on_behalf_of_key TEXT"]
    lines += ["UNIQUE (workspace_id, id)"]
    lines += [
        f'FOREIGN KEY (workspace_id, "{link}") REFERENCES "{to}" (workspace_id, id)' for link, to in links.items()
    ]
    return f'CREATE TABLE "{plural}" ({", ".join(lines)}) STRICT'


def index(plural: str, *columns: str, is_partial: bool = False, is_unique: bool = False) -> str:
    """Return the statement that creates an index, as a kind declares it; a field with a `_key` column has that here."""
    names = ", ".join(f'"{column}"' for column in columns)
    last = "" if is_unique else ", id"
    where = f' WHERE "{columns[0]}" IS NOT NULL' if is_partial or is_unique else ""
    what = "UNIQUE INDEX" if is_unique else "INDEX"
    return f'CREATE {what} "{plural}_by_{columns[0]}" ON "{plural}" (workspace_id, {names}{last}){where}'


def searchable(plural: str) -> tuple[str, ...]:
    """Return the statements that create what search keeps of a kind: its texts, their index, those that wait for it."""
    return (
        f"CREATE TABLE {plural}_texts (place INTEGER PRIMARY KEY, title TEXT NOT NULL, rest TEXT NOT NULL, "
        "codes TEXT NOT NULL) STRICT",
        f"CREATE VIRTUAL TABLE {plural}_search USING fts5 (title, rest, codes, content = '{plural}_texts', "
        "content_rowid = 'place', columnsize = 0, tokenize = 'trigram case_sensitive 1')",
        f"INSERT INTO {plural}_search ({plural}_search, rank) VALUES ('automerge', 8)",
        f"CREATE TABLE {plural}_unindexed (seq INTEGER PRIMARY KEY, title TEXT, rest TEXT) STRICT",
    )


def logged(name: str) -> tuple[str, ...]:
    """Return the statements that let activities link to records of a kind.

    SQLite adds no foreign key of two columns to a table that is there, so the link has none; a delete empties it.
    """
    link = f"{name}_id"
    return (
        f'ALTER TABLE activities ADD COLUMN "{link}" TEXT',
        f'CREATE INDEX "activities_by_{name}" ON activities (workspace_id, "{link}", occurred_at, id, kind) '
        f'WHERE "{link}" IS NOT NULL',
    )


def ranked(plural: str, field: str, words: Sequence[str]) -> str:
    """Return the statement that writes the place of each word of a closed set into the `_key` column beside it."""
    places = " ".join(f"WHEN '{word}' THEN {place}" for place, word in enumerate(words))
    return f'UPDATE "{plural}" SET "{field}_key" = CASE "{field}" {places} END WHERE "{field}" IS NOT NULL'
