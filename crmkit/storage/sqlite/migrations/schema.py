"""The schema that all migrations together make, so that a new database gets it at once.

`schema.sql` is written by `make golden`. A test compares it with what the migrations make one after another.
"""

from importlib.resources import files

from msgspec import Struct

from crmkit.storage.interface.connection import Connection

FILE = "schema.sql"
_END = ";\n"


class Schema(Struct, frozen=True):
    """What the first so many migrations make of an empty database."""

    version: int
    statements: tuple[str, ...]

    def written(self) -> str:
        """Return the text of `schema.sql`."""
        return "".join(f"{statement}{_END}" for statement in (f"-- {self.version}", *self.statements))


def newest() -> Schema:
    """Return the schema that `schema.sql` holds."""
    text = (files(__package__) / FILE).read_text(encoding="utf-8")
    first, *statements = text.split(_END)[:-1]
    return Schema(int(first.removeprefix("-- ")), tuple(statements))


def of(connection: Connection) -> Schema:
    """Return the schema of a database without rows, which is at this version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    made = connection.execute(
        "SELECT sql FROM sqlite_schema JOIN pragma_table_list AS listed ON listed.name = tbl_name "
        "WHERE sql IS NOT NULL AND listed.type <> 'shadow' AND tbl_name NOT LIKE 'sqlite/_%' ESCAPE '/' "
        "ORDER BY sqlite_schema.rowid"
    )
    statements = [sql for (sql,) in made.fetchall()]
    indexes = connection.execute("SELECT name FROM pragma_table_list WHERE type = 'virtual' ORDER BY name")
    for (name,) in indexes.fetchall():
        settings = connection.execute(f"SELECT k, v FROM {name}_config WHERE k <> 'version' ORDER BY k").fetchall()
        statements += [f"INSERT INTO {name} ({name}, rank) VALUES ('{key}', {value})" for key, value in settings]
    return Schema(version, tuple(statements))
