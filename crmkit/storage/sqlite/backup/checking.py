"""Whether a database is whole, and the hash of what it holds, which is the same wherever its content is the same."""

import hashlib
from collections.abc import Iterator

import msgspec

from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.backup import carried

ROWS = 500  # that are hashed at a time
# tables that search makes of records: beside its index, which SQLite knows as such
OF_SEARCH = ("search_words", "search_pieces")
OF_SEARCH_BY_KIND = ("_texts", "_unindexed")

_encode = msgspec.msgpack.encode


def fault(connection: Connection) -> str | None:
    """Return what is wrong with a database: a page, an index, a row that refers to none; None where it is whole."""
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        return " ".join(found.split())  # it may have several lines
    row = connection.execute("PRAGMA foreign_key_check").fetchone()
    return f"a row of {row[0]} refers to one of {row[2]} that is not there" if row else None


def hash_of(connection: Connection) -> str:
    """Return the hash of all rows, in hexadecimal, but of tables that search derives, and of those of backups."""
    sums = hashlib.sha256()
    for table in tables(connection):
        names, key = columns(connection, table)
        sums.update(_encode([table, *names]))
        order = ", ".join(map(quoted, key or names))
        rows = connection.execute(f"SELECT {', '.join(map(quoted, names))} FROM {quoted(table)} ORDER BY {order}")
        while some := rows.fetchmany(ROWS):
            sums.update(_encode(some))
    return sums.hexdigest()


def tables(connection: Connection) -> Iterator[str]:
    """Yield the names of all tables but those that search derives, and those of backups."""
    listed = connection.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
        "AND name NOT LIKE 'sqlite/_%' ESCAPE '/' AND name NOT LIKE '/_%' ESCAPE '/' ORDER BY name"  # Litestream's
    )
    for (name,) in listed.fetchall():
        if name not in (*OF_SEARCH, *carried.TABLES) and not name.endswith(OF_SEARCH_BY_KIND):
            yield name


def columns(connection: Connection, table: str) -> tuple[list[str], list[str]]:
    """Return the names of a table's columns that are stored, and of those of its primary key, in order."""
    found = connection.execute(
        "SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden = 0 ORDER BY cid", (table,)
    ).fetchall()
    return [name for name, _ in found], [name for place, name in sorted((pk, name) for name, pk in found if pk)]
