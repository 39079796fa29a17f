"""A whole SQLite database, read in one transaction or filled in one."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection, Rows
from crmkit.storage.interface.database import Unusable
from crmkit.storage.sqlite.backup import checking
from crmkit.storage.sqlite.engine import faults, migrate
from crmkit.storage.sqlite.engine.connection import SqliteConnection, connect, connect_for_stream
from crmkit.storage.sqlite.engine.driver import sqlite3
from crmkit.storage.sqlite.engine.folder import FILE, existing, held, prepare
from crmkit.storage.sqlite.migrations import MIGRATIONS
from crmkit.storage.whole.contents import Row, Source, Table, Target, Type, plain

ROWS = 500  # that are read at a time
_OWN = "migrations"  # how its schema came to be
_TYPES: dict[str, Type] = {"TEXT": "text", "INTEGER": "whole", "REAL": "real", "BLOB": "bytes", "ANY": "any"}
_COUNTS_UP = "%INTEGER PRIMARY KEY AUTOINCREMENT%"


class _Whole:
    """A database in a transaction."""

    def __init__(self, folder: Path, connection: SqliteConnection) -> None:
        self._folder = folder
        self.connection: Connection = connection

    def tables(self) -> Iterator[Table]:
        with _told(self._folder):
            for name in checking.tables(self.connection):
                if name != _OWN:
                    yield self._table(name)

    def _table(self, name: str) -> Table:
        columns, key = checking.columns(self.connection, name)
        found = self.connection.execute("SELECT name, type FROM pragma_table_xinfo(?)", (name,))
        types = {column: _TYPES[type] for column, type in found.fetchall()}
        refers = self.connection.execute('SELECT DISTINCT "table" FROM pragma_foreign_key_list(?)', (name,)).fetchall()
        shown = tuple((column, types[column]) for column in columns)
        return Table(name, shown, tuple(key), frozenset(table for (table,) in refers))

    def rows(self, table: Table) -> Iterator[Row]:
        names, order = (", ".join(map(quoted, each)) for each in (table.names, table.key))
        any_ = table.places("any")
        with _told(self._folder):
            found = self.connection.execute(f"SELECT {names} FROM {quoted(table.name)} ORDER BY {order}")
        while rows := self._next(found):
            for row in rows:
                yield [plain(value) if place in any_ else value for place, value in enumerate(row)] if any_ else row

    def _next(self, found: Rows) -> list[Row]:
        with _told(self._folder):
            return found.fetchmany(ROWS)

    def numbered(self) -> Mapping[str, int]:
        return dict(self.connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


class _Filling(_Whole):
    """An empty database, of which the indexes of all rows are made once they are there."""

    def __init__(self, folder: Path, connection: SqliteConnection) -> None:
        super().__init__(folder, connection)
        sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid"
        self._indexes: list[tuple[str, str]] = connection.execute(sql).fetchall()
        for name, _ in self._indexes:
            connection.execute(f"DROP INDEX {quoted(name)}")

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        names, marks = ", ".join(map(quoted, table.names)), ", ".join("?" * len(table.columns))
        sql = f"INSERT INTO {quoted(table.name)} ({names}) VALUES ({marks})"
        with _told(self._folder, f"a row of {table.name} is refused"):
            self.connection.executemany(sql, rows)

    def finish(self, numbered: Mapping[str, int]) -> None:
        execute = self.connection.execute
        with _told(self._folder):
            for _, sql in self._indexes:
                execute(sql)
            counted = execute("SELECT name FROM sqlite_schema WHERE sql LIKE ?", (_COUNTS_UP,)).fetchall()
            for (name,) in counted:
                execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
                execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, numbered.get(name, 0)))


@contextmanager
def whole(folder: Path) -> Iterator[Source]:
    """Read a database at one moment, beside a server or not; the log of a server grows meanwhile."""
    file = existing(folder)
    with closing(connect_for_stream(file)) as connection:
        connection.execute("BEGIN")
        yield _Whole(folder, connection)


@contextmanager
def filled(folder: Path) -> Iterator[Target]:
    """Fill a database in one transaction, while no server runs; one that is missing is made."""
    prepare(folder)
    file = folder / FILE
    with held(folder), _told(folder):
        with closing(connect(file, True)) as connection:
            if 0 < migrate.version(connection) < len(MIGRATIONS):
                raise Unusable(f"{folder} has a database already, of an earlier crmkit: name another folder")
        migrate.run(file, connect)
        with closing(connect(file, True)) as connection:
            connection.execute("PRAGMA temp_store = FILE")  # by which indexes are sorted
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield _Filling(folder, connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise


@contextmanager
def _told(folder: Path, what: str = "the database cannot be read or written") -> Iterator[None]:
    """Raise Unusable for what SQLite raises in a block."""
    try:
        yield
    except sqlite3.Error as error:
        if faults.is_full(folder, error):
            raise Unusable(f"the disk is full where {folder} is: free some space and start again") from None
        raise Unusable(f"{folder}: {what}: {error}; `crmkit doctor` looks at it") from None
