"""A whole PostgreSQL database, read in one transaction or filled in one, by COPY."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.database import Newer, Unusable
from crmkit.storage.postgres import key, migrate
from crmkit.storage.postgres.engine import serving
from crmkit.storage.postgres.engine.connection import PostgresConnection
from crmkit.storage.postgres.engine.faults import told
from crmkit.storage.postgres.schema import newest
from crmkit.storage.whole.contents import Row, Source, Table, Target, Type, plain

_COPIED = f"'{{{','.join({*newest().tables} - {'lanes', 'leases'})}}}'"  # but for what only this brand has
_OF_SEARCH = r"_texts$|^search_words$"
_TYPES: dict[str, Type] = {"text": "text", "int8": "whole", "float8": "real", "bytea": "bytes", "jsonb": "any"}
_READ_AS = {type: name for name, type in _TYPES.items()} | {"any": "text"}

_NAMES = (
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence = 'p' "
    f"AND relnamespace = current_schema()::regnamespace AND relname = ANY ({_COPIED}) AND relname !~ '{_OF_SEARCH}' "
    'ORDER BY relname COLLATE "C"'
)
_COLUMNS = (
    "SELECT a.attname, t.typname FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid "
    "WHERE a.attrelid = ?::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum"
)
_KEY = (
    "SELECT a.attname FROM pg_index AS i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, n) "
    "JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number "
    "WHERE i.indrelid = ?::regclass AND i.indisprimary ORDER BY k.n"
)
_REFERS = (
    "SELECT DISTINCT t.relname FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.confrelid "
    "WHERE c.conrelid = ?::regclass AND c.contype = 'f'"
)
_INDEXES = (  # but those by which a table is as it was declared
    "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i "
    "JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid "
    f"WHERE c.relnamespace = current_schema()::regnamespace AND t.relname = ANY ({_COPIED}) "
    "AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid) ORDER BY c.oid"
)
_NUMBERED = (
    "SELECT c.relname, a.attname, pg_get_serial_sequence(quote_ident(c.relname), a.attname) FROM pg_attribute AS a "
    "JOIN pg_class AS c ON c.oid = a.attrelid WHERE a.attidentity <> '' "
    f"AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY ({_COPIED})"
)


class _Whole:
    """A database in a transaction."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._own = connection
        self.connection: Connection = connection

    def tables(self) -> Iterator[Table]:
        with told():
            for (name,) in self._own.execute(_NAMES).fetchall():
                yield self._table(name)

    def _table(self, name: str) -> Table:
        columns, key, refers = (self._own.execute(sql, (quoted(name),)).fetchall() for sql in (_COLUMNS, _KEY, _REFERS))
        for column, type in columns:
            if type not in _TYPES:
                raise Unusable(
                    f"{name}.{column} is no column of crmkit's, and of type {type}: drop it, then copy again"
                )
        shown = tuple((column, _TYPES[type]) for column, type in columns)
        return Table(name, shown, tuple(column for (column,) in key), frozenset(table for (table,) in refers))

    def rows(self, table: Table) -> Iterator[Row]:
        any_ = table.places("any")
        types = dict(table.columns)
        names = ", ".join(map(quoted, table.names))
        order = ", ".join(_order(quoted(name), types[name]) for name in table.key)
        sql = f"COPY (SELECT {names} FROM {quoted(table.name)} ORDER BY {order}) TO STDOUT"
        with told(), self._own.driver.cursor() as cursor, cursor.copy(sql) as copy:
            copy.set_types([_READ_AS[type] for _, type in table.columns])
            yield from copy.rows() if not any_ else (_changed(row, any_, _read) for row in copy.rows())

    def numbered(self) -> Mapping[str, int]:
        found = {}
        with told():
            for name, _, sequence in self._own.execute(_NUMBERED).fetchall():
                last, is_used = self._own.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()
                found[name] = last if is_used else last - 1
        return found


class _Filling(_Whole):
    """An empty database, of which the indexes of all rows are made once they are there."""

    def __init__(self, connection: PostgresConnection) -> None:
        super().__init__(connection)
        self._indexes = connection.execute(_INDEXES).fetchall()
        connection.execute(f"DROP INDEX {', '.join(name for name, _ in self._indexes)}")

    def insert(self, table: Table, rows: Iterable[Row]) -> None:
        any_ = table.places("any")
        sql = f"COPY {quoted(table.name)} ({', '.join(map(quoted, table.names))}) FROM STDIN"
        with told(f"a row of {table.name} is refused"), self._own.driver.cursor() as cursor, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(_changed(row, any_, json.dumps) if any_ else row)

    def finish(self, numbered: Mapping[str, int]) -> None:
        execute = self._own.execute
        with told():
            for _, sql in self._indexes:
                execute(sql)
            for name, column, sequence in execute(_NUMBERED).fetchall():
                most = f"(SELECT coalesce(max({quoted(column)}), 0) FROM {quoted(name)})"
                next_ = f"1 + greatest({most}, CAST(? AS bigint))"
                execute(f"SELECT setval(?, {next_}, FALSE)", (sequence, numbered.get(name, 0))).fetchall()
            execute("ANALYZE (SKIP_LOCKED)")  # but for the table that keeps servers out


@contextmanager
def whole(connect: Callable[[], PostgresConnection], folder: Path) -> Iterator[Source]:
    """Read a database at one moment, beside servers or not; its key is that of the folder."""
    with closing(connect()) as connection, told():
        done, known = migrate.version(connection)[0], newest().number
        if done > known:
            raise Newer(f"the database is at version {done}, this crmkit knows {known}: copy by the newer crmkit")
        key.check(connection, folder)
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield _Whole(connection)


@contextmanager
def filled(connect: Callable[[], PostgresConnection], url: str, folder: Path) -> Iterator[Target]:
    """Fill a database in one transaction, while no server runs; its schema is made, its key is that of the folder."""
    with closing(connect()) as connection, told():
        if 0 < migrate.version(connection)[0] < newest().number:
            raise Unusable("the database has data already, of an earlier crmkit: name an empty one")
    migrate.run(url)
    with closing(connect()) as gate, closing(connect()) as connection, told(), serving.excluded(gate):
        connection.execute("BEGIN")
        try:
            connection.execute("SET LOCAL statement_timeout = 0")
            yield _Filling(connection)
            key.claim(gate, folder)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK")
            raise


def _order(column: str, type: Type) -> str:
    """Return how a column is sorted: numbers before texts."""
    return f"jsonb_typeof({column}) <> 'number', {column}" if type == "any" else column


def _read(value: str) -> Any:
    return plain(json.loads(value))


def _changed(row: Row, places: tuple[int, ...], change: Callable[[Any], Any]) -> Row:
    """Return a row with what `change` makes of the values in these places."""
    return [change(value) if place in places else value for place, value in enumerate(row)]
