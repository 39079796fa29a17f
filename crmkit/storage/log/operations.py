"""The entries of one operation, read from the log by the index on `op`; what is known of an operation as a whole."""

from typing import Any

import msgspec
from msgspec import Struct

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit

_decode = msgspec.json.decode


class Entry(Struct, frozen=True):
    """An entry of the log; `changes` are as they are stored (see audit)."""

    seq: int
    action: str
    target: str
    changes: Any
    version: int | None

    @property
    def noun(self) -> str:
        """What changed, as the handle of it begins: contact, pipeline."""
        return self.target.partition("/")[0]

    @property
    def id(self) -> str:
        return self.target.partition("/")[2]

    @property
    def is_erased(self) -> bool:
        """Whether its content went with a person."""
        return self.changes is None

    @property
    def ended(self) -> dict[str, Any] | None:
        """What a record had that the entry took away, deleted or merged into another; None of any other entry."""
        is_end = isinstance(self.changes, list) and not _fields(self.changes[1])
        return self.changes[0] if is_end else None

    @property
    def begun(self) -> dict[str, Any] | None:
        """What a record had that the entry brought, created or restored; None of any other entry."""
        is_begin = isinstance(self.changes, list) and not _fields(self.changes[0])
        return self.changes[1] if is_begin else None

    @property
    def was_merged_into(self) -> dict[str, str]:
        """The id of the record into which the restored one had been merged, as `merged_into`; else nothing."""
        return {} if self.begun is None else self.changes[0] or {}


def _fields(part: dict[str, Any] | None) -> set[str]:
    """Return the names of the fields in a part of an entry, which may tell instead what a record was merged into."""
    return set(part or ()) - {"merged_into"}


class Newest(Struct, frozen=True):
    """What a target's newest entry tells: the number of the first entry of its operation, what was done, and when."""

    first: int
    action: str
    at: str


_COLUMNS = "seq, action, target, changes, version"


def handle(operation_id: str) -> str:
    """Return what the entry of an undo has as its target."""
    return f"operation/{operation_id}"


def first(connection: Connection, workspace: Workspace, operation_id: str) -> int | None:
    """Return the number of the first entry of an operation, None where the workspace has none with this id."""
    seq = audit.first_entry(workspace, operation_id)
    sql = "SELECT 1 FROM audit WHERE seq = ? AND workspace_id = ? AND op IS NULL"
    return seq if connection.execute(sql, (seq, workspace.id)).fetchone() else None


def size(connection: Connection, workspace_id: str, first: int) -> int:
    """Return how many entries an operation has."""
    sql = "SELECT count(*) FROM audit WHERE workspace_id = ? AND op = ?"
    more: int = connection.execute(sql, (workspace_id, first)).fetchone()[0]
    return 1 + more


def actions(connection: Connection, workspace_id: str, first: int) -> list[str]:
    """Return what an operation did, each once: `contact.create`."""
    sql = "SELECT action FROM audit WHERE workspace_id = ? AND op = ? UNION SELECT action FROM audit WHERE seq = ?"
    return sorted(action for (action,) in connection.execute(sql, (workspace_id, first, first)))


def records(connection: Connection, workspace_id: str, first: int) -> int:
    """Return how many records an operation wrote."""
    own = "(SELECT target FROM audit WHERE workspace_id = ? AND op = ? UNION SELECT target FROM audit WHERE seq = ?)"
    sql = f"SELECT count(*) FROM {own} AS q WHERE target NOT LIKE 'operation/%'"
    found: int = connection.execute(sql, (workspace_id, first, first)).fetchone()[0]
    return found


def newest_first(
    connection: Connection, workspace_id: str, first: int, most: int, before: int | None = None
) -> list[Entry]:
    """Return up to `most` entries of an operation, the newest first: those before the entry of a number, if given."""
    below, args = ("", ()) if before is None else (" AND seq < ?", (before,))
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM audit WHERE workspace_id = ? AND op = ?{below} ORDER BY seq DESC "
        f"{connection.dialect.limit}",
        (workspace_id, first, *args, most),
    ).fetchall()
    if len(rows) < most and (before is None or first < before):
        rows += connection.execute(f"SELECT {_COLUMNS} FROM audit WHERE seq = ?", (first,)).fetchall()
    return [Entry(seq, action, target, _decode(changes), version) for seq, action, target, changes, version in rows]


def writes(connection: Connection, workspace_id: str, first: int, target: str, after: int = 0) -> bool:
    """Tell whether an operation has an entry of this target, after the entry of a number."""
    sql = "SELECT 1 FROM audit WHERE workspace_id = ? AND target = ? AND seq > ? AND (op = ? OR seq = ?) LIMIT 1"
    args = (workspace_id, target, max(after, first - 1), first, first)
    return connection.execute(sql, args).fetchone() is not None


def newest_of(connection: Connection, workspace_id: str, target: str) -> Newest | None:
    """Return the newest entry of a target, None if it has none."""
    found = "SELECT coalesce(op, seq), action, at FROM audit WHERE workspace_id = ? AND target = ?"
    row = connection.execute(f"{found} ORDER BY seq DESC LIMIT 1", (workspace_id, target)).fetchone()
    return None if row is None else Newest(*row)


def chain(connection: Connection, workspace_id: str, operation_id: str) -> list[str]:
    """Return an operation, the one that took it back, the one that took that back, and so on."""
    found = [operation_id]
    while (by := undone_by(connection, workspace_id, found[-1])) is not None:
        found.append(by)
    return found


def undone_by(connection: Connection, workspace_id: str, operation_id: str) -> str | None:
    """Return the id of the operation that took an operation back, None if none did."""
    found = newest_of(connection, workspace_id, handle(operation_id))
    return None if found is None else audit.operation_id(workspace_id, found.first)
