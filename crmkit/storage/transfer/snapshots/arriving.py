"""What arrives with a workspace, written as it left: rows under numbers of the workspace's own range here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from crmkit.model.record import Kind
from crmkit.storage import records
from crmkit.storage.columns import quoted, whole
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, absolute
from crmkit.storage.transfer.snapshots.leaving import OWN, columns, stored
from crmkit.storage.workspaces.owned import Owned

Row = Mapping[str, str | int | float | None]


class Refused(ValueError):
    """A row that its table does not take; the message says which table, and why."""


def begin(tx: Tx, settings: Mapping[str, Any], plan: str) -> Workspace:
    """Return the workspace with this row, to which nobody belongs; raises Refused."""
    if {*settings, *OWN} != {*columns(tx.connection, "workspaces")} or settings.keys() & OWN:
        raise Refused("the settings of the workspace are others than this crmkit has")
    values = {**settings, "plan": plan}
    names, marks = ", ".join(map(quoted, values)), ", ".join("?" * len(values))
    with _refusals(tx, "workspaces"):
        sql = f"INSERT INTO workspaces ({names}) VALUES ({marks}) RETURNING id, number"
        return Workspace(*tx.connection.execute(sql, tuple(values.values())).fetchone())


def is_empty(connection: Connection, workspace: Workspace) -> bool:
    """Tell whether nobody belongs to a workspace: it did not arrive as a whole."""
    sql = "SELECT 1 FROM memberships WHERE workspace_id = ? LIMIT 1"
    return connection.execute(sql, (workspace.id,)).fetchone() is None


def insert(tx: Tx, table: Owned, workspace: Workspace, rows: Sequence[Row]) -> None:
    """Write rows of a table as `leaving.lines` has them; raises Refused."""
    names = [name for name in columns(tx.connection, table.name) if name != "workspace_id"]
    for row in rows:
        if row.keys() != set(names):
            raise Refused(f"a row of {table.name} has other columns than that table")
    values = (_values(tx.connection, table, workspace, names, row) for row in rows)
    marks = ", ".join("?" * (len(names) + 1))
    sql = f"INSERT INTO {quoted(table.name)} (workspace_id, {', '.join(map(quoted, names))}) VALUES ({marks})"
    with _refusals(tx, table.name):
        tx.connection.executemany(sql, values)


@contextmanager
def _refusals(tx: Tx, table: str) -> Iterator[None]:
    """Raise Refused for what breaks a rule of the table."""
    try:
        yield
    except Exception as error:
        if not (isinstance(error, OverflowError) or tx.connection.dialect.refused(error)):
            raise
        raise Refused(f"a row of {table} is refused: {error}") from None


def _values(
    connection: Connection, table: Owned, workspace: Workspace, names: Iterable[str], row: Row
) -> tuple[Any, ...]:
    for name in table.numbers:
        _check_number(table, workspace, name, row[name])
    return (workspace.id, *(stored(connection, table, workspace, name, row[name]) for name in names))


def _check_number(table: Owned, workspace: Workspace, name: str, number: Any) -> None:
    """Raise Refused for a number within the workspace that would lie in the range of another."""
    if number is None and name not in table.key:
        return
    most = workspace.last - workspace.first
    if not isinstance(number, int) or not (1 if table.is_numbered else -most) <= number <= most:
        raise Refused(f"a row of {table.name} has a number that no row has")


def queue_texts(tx: Tx, kind: Kind, workspace: Workspace, first: int, last: int) -> None:
    """Queue for the index the texts of the records of a kind that have these numbers within the workspace."""
    rows = tx.connection.execute(
        f"SELECT {whole(tx.connection.dialect, kind)} FROM {quoted(kind.plural)} AS r WHERE r.seq BETWEEN ? AND ?",
        (absolute(workspace, first), absolute(workspace, last)),
    ).fetchall()
    tx.connection.texts.queue(tx, kind, [(seq, records.shown(kind, packed)) for packed, seq in rows])
