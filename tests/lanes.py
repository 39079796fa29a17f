"""A database that compares what each unit of work wrote with the lanes that it named.

Every in-process server of the tests runs on it (see house), so every verb that any of them calls is watched. The lane
of a row follows from the columns of its table, so a new table is watched without a line here.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from crmkit.clock import Clock
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import ANYWHERE, client_lane, mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.sqlite.brand import SQLITE
from crmkit.storage.sqlite.engine.connection import SqliteConnection
from crmkit.storage.sqlite.engine.database import SqliteDatabase
from crmkit.storage.sqlite.engine.folder import prepare

T = TypeVar("T")

EVENTS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}  # and the rows that their triggers see

_NUMBERED = "(SELECT id FROM main.workspaces WHERE number = {} >> 32)"
_MAIL, _CLIENT = (f"'{lane('')}' || " for lane in (mail_lane, client_lane))

# SQL of the lane that a row with such a column is in; NULL for a row that belongs to the whole server
BY_COLUMN = {
    "workspace_id": "{row}.workspace_id",
    "seq": _NUMBERED.format("{row}.seq"),
    "place": _NUMBERED.format("-{row}.place"),
    "email": _MAIL + "{row}.email",
}
BY_TABLE = {
    "workspaces": ["{row}.id"],
    "invites": ["{row}.workspace_id"],  # whoever is invited looks again in the workspace's lane
    # who: an address, a user, an app's token, a client, or a total of the server, which may be overshot
    "attempts": [
        f"CASE WHEN {{row}}.what LIKE 'client%' THEN {_CLIENT}{{row}}.who "
        f"WHEN {{row}}.who LIKE '%@%' THEN {_MAIL}{{row}}.who "
        f"ELSE {_MAIL}(SELECT email FROM main.users WHERE id = {{row}}.who "
        "OR id = (SELECT user_id FROM main.tokens WHERE id = {row}.who)) END"
    ],
}


class WatchedDatabase(SqliteDatabase):
    """`strays` has a sentence for each lane that a unit wrote in before it had named or entered it."""

    async def __aenter__(self) -> "WatchedDatabase":
        self.strays: list[str] = []
        self._unit = ""  # the name of the one that runs
        self._lanes: set[str] = set()  # its lanes, as they are at this moment
        self._outside: list[tuple[str, str]] = []  # what it wrote outside of them, and what a code was for
        self._ended: set[str] = set()  # workspaces, users and addresses that it removed
        await super().__aenter__()
        await super().write(lambda tx: watch(tx.connection, self._note, self._end), lanes=ANYWHERE, silent=True)
        return self

    async def write(self, unit: Callable[[Tx], T], *rest: Any, **named: Any) -> T:
        return await super().write(self._watched(unit), *rest, **named)

    def write_later(self, key: Any, unit: Callable[[Tx], Any]) -> None:
        super().write_later(key, self._watched(unit))

    def _watched(self, unit: Callable[[Tx], T]) -> Callable[[Tx], T]:
        name = getattr(getattr(unit, "func", unit), "__qualname__", type(unit).__name__)

        def watched(tx: Tx) -> T:
            self._unit, self._lanes, self._outside, self._ended = name, tx.lanes, [], set()
            value = unit(tx)
            # a code ends with the workspace or the user that it was for
            told = {line for line, purpose in self._outside if not self._ended.intersection(purpose.split())}
            self.strays += sorted(told)
            return value

        return watched

    def _note(self, table: str, lane: str | None, purpose: str) -> None:
        if lane is not None and lane not in self._lanes and not self._lanes.issuperset(ANYWHERE):
            lanes = ", ".join(sorted(self._lanes)) or "no lane"
            self._outside.append((f"{self._unit}, in {lanes}, wrote {table} of {lane}", purpose))

    def _end(self, *names: str) -> None:
        self._ended.update(names)


def _opened(folder: Path, clock: Clock) -> WatchedDatabase:
    prepare(folder)
    return WatchedDatabase(folder, clock)


WATCHED = replace(SQLITE, open=_opened)


def watch(connection: SqliteConnection, note: Callable[[str, str | None, str], None], end: Callable[..., None]) -> None:
    """Let triggers call `note` for each row that this connection writes, and `end` for who is removed."""
    connection.create_function("note", 3, note)
    connection.create_function("note_end", 2, end)
    for table, columns in tables(connection).items():
        purpose = "{row}.purpose" if "purpose" in columns else "''"
        for event, rows in EVENTS.items():
            calls = [
                f"SELECT note('{table}', {lane}, {purpose}); ".format(row=row)
                for row in rows
                for lane in lanes_of(table, columns)
            ]
            if calls:
                connection.execute(
                    f"CREATE TEMP TRIGGER note_{table}_{event} AFTER {event} ON main.{table} BEGIN {''.join(calls)} END"
                )
    for table, name in (("workspaces", "id"), ("users", "email")):
        body = f"SELECT note_end(OLD.id, OLD.{name});"
        connection.execute(f"CREATE TEMP TRIGGER note_end_of_{table} AFTER DELETE ON main.{table} BEGIN {body} END")


def lanes_of(table: str, columns: list[str]) -> list[str]:
    """Return the SQL of the lanes that a row is in."""
    if table in BY_TABLE:
        return BY_TABLE[table]
    if "workspace_id" in columns:
        return [BY_COLUMN["workspace_id"]]
    return [sql for column, sql in BY_COLUMN.items() if column in columns]


def tables(connection: Connection) -> dict[str, list[str]]:
    """Return the columns of each table that can have a trigger: the search index and where it is kept cannot."""
    found = connection.execute("SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM main.sqlite_master WHERE type = 'table'")
    names = dict(found.fetchall())
    index = tuple(f"{name}_" for name, is_virtual in names.items() if is_virtual)
    own = [name for name, is_virtual in names.items() if not is_virtual and not name.startswith((*index, "sqlite_"))]
    return {name: [row[1] for row in connection.execute(f"PRAGMA main.table_info({name})")] for name in own}
