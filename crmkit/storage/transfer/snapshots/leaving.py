"""What leaves with a workspace, read in one moment: its row, its members, its tables as lines of JSON.

Numbers of rows leave without that of the workspace, which is another elsewhere.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from crmkit.storage.columns import quoted
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace, absolute
from crmkit.storage.workspaces.owned import Owned

OWN = frozenset(("number", "plan"))  # columns of the row of a workspace that are a server's own matter
ROWS = 200  # that one statement reads: some hundred kilobytes

_NUMBER = f"CASE WHEN {{0}} < 0 THEN -(-{{0}} & {0xFFFFFFFF}) ELSE {{0}} & {0xFFFFFFFF} END"


def schema(connection: Connection) -> int:
    """Return how many migrations made the tables what they are."""
    version: int = connection.execute("SELECT max(number) FROM migrations").fetchone()[0]
    return version


def columns(connection: Connection, table: str) -> tuple[str, ...]:
    """Return the names of a table's columns, in order, without those that are computed."""
    return tuple(name for (name,) in connection.execute(connection.dialect.stored_columns, (table,)).fetchall())


def settings(connection: Connection, workspace: Workspace) -> dict[str, Any]:
    """Return the row of a workspace, without what is a server's own matter."""
    names = [name for name in columns(connection, "workspaces") if name not in OWN]
    sql = f"SELECT {', '.join(f'w.{quoted(name)}' for name in names)} FROM workspaces AS w WHERE w.id = ?"
    return dict(zip(names, connection.execute(sql, (workspace.id,)).fetchone(), strict=True))


def unfinished(connection: Connection, workspace: Workspace) -> list[str]:
    """Return the kinds of the system's jobs that have not ended in a workspace."""
    sql = "SELECT DISTINCT kind FROM jobs WHERE workspace_id = ? AND token_id = '' AND due_at IS NOT NULL ORDER BY kind"
    return [kind for (kind,) in connection.execute(sql, (workspace.id,)).fetchall()]


def lines(connection: Connection, table: Owned, workspace: Workspace) -> Iterator[tuple[int, str]]:
    """Yield (rows, their lines) of a table, in the order of its key: each row is a JSON object of its columns."""
    sql = _page(connection, table)
    after: Sequence[Any] = ()
    while True:
        scope: tuple[Any, ...] = (workspace.id,)
        if table.is_numbered:
            scope = (*(after or (workspace.first,)), workspace.last)
        elif after:
            scope = (workspace.id, *after)
        found, rows = connection.execute(sql[bool(after)], (*scope, ROWS)).fetchone()
        if found is None:
            return
        yield rows, f"{found}\n"
        if rows < ROWS:
            return
        last = msgspec.json.decode(found[found.rfind("\n") + 1 :])
        after = [stored(connection, table, workspace, name, last[name]) for name in table.key]


def stored(connection: Connection, table: Owned, workspace: Workspace, name: str, value: Any) -> Any:
    """Return what a column has here for a value that left: the number of a row leads with that of the workspace."""
    if name in table.numbers:
        return value if value is None else absolute(workspace, value)
    return connection.dialect.held(value) if name in table.held else value


def _page(connection: Connection, table: Owned) -> tuple[str, str]:
    """Return the SQL of the first rows of a table, and that of the next ones after a key."""
    dialect, key = connection.dialect, ", ".join(f"t.{quoted(name)}" for name in table.key)
    moved = {name: _literal(value) for name, value in table.moved}
    pairs = []
    for name in columns(connection, table.name):
        if name != "workspace_id":
            column = moved.get(name) or f"t.{quoted(name)}"
            column = dialect.json_real.format(column) if name in table.reals else column
            pairs.append((name, _NUMBER.format(column) if name in table.numbers else column))
    row = dialect.json_object(pairs)
    if table.is_numbered:
        scopes = ("t.seq > ? AND t.seq <= ?",) * 2
    else:
        one = "t.workspace_id = ?"
        scopes = (one, f"{one} AND ({key}) > ({', '.join('?' * len(table.key))})")
    first, following = (
        f"SELECT {dialect.all_lines.format('q.line')}, count(*) FROM (SELECT {row} AS line "
        f"FROM {quoted(table.name)} AS t WHERE {scope} ORDER BY {key} {dialect.limit}) AS q"
        for scope in scopes
    )
    return first, following


def _literal(value: str | None) -> str:
    return "NULL" if value is None else "'{}'".format(value.replace("'", "''"))
