"""Entries of the audit log as they are read: those of one record by the index of targets, all others by their numbers.

Entries are in the order of their numbers; `at` may go back where the clock was set back.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit

ERASED = "erase"  # the verb after which nothing of a record is known
GONE = ("delete", "merge", ERASED)  # the verbs after which a record is no more
MADE = ("create", "restore")  # those before which there was none

_COLUMNS = 'seq, at, "by", token_name, action, target, changes, version'
_OF_TARGET = f"SELECT {_COLUMNS} FROM audit WHERE workspace_id = ? AND target = ?"
_MANY = 1_000
_TOGETHER = 100
_decode = msgspec.json.decode


class Entry(Struct, frozen=True):
    """An entry; `changes` are [old, new] of each field, whatever the form in which the log has them."""

    seq: int
    at: str
    by: str
    token_name: str
    action: str
    target: str
    changes: Mapping[str, list[Any]]
    version: int | None
    is_erased: bool = False  # its content went with a person

    @property
    def verb(self) -> str:
        return self.action.rpartition(".")[2]

    @property
    def is_gone(self) -> bool:
        """Whether the record was no more, after this."""
        return self.verb in GONE

    @property
    def into(self) -> str:
        """The id of the record that this one was merged into, empty if it was not."""
        return self.changes.get("merged_into", (None, None))[1] or ""


class Written(Struct, frozen=True):
    """What an entry did, without what changed; `operation` is the number of the first entry of its operation."""

    seq: int
    at: str
    action: str
    target: str
    operation: int


def newest(connection: Connection, workspace: Workspace) -> int:
    """Return the number of the newest entry; without one, a number below that of any."""
    (found,) = connection.execute(
        "SELECT max(seq) FROM audit WHERE seq BETWEEN ? AND ?", (workspace.first, workspace.last)
    ).fetchone()
    return workspace.first if found is None else found


def oldest(connection: Connection, workspace: Workspace) -> tuple[int, str] | None:
    """Return number and time of the oldest entry that is kept, None if the log is empty."""
    sql = f"SELECT seq, at FROM audit WHERE seq BETWEEN ? AND ? ORDER BY seq {connection.dialect.limit}"
    found: tuple[int, str] | None = connection.execute(sql, (workspace.first, workspace.last, 1)).fetchone()
    return found


def begins_before(connection: Connection, workspace: Workspace, at: str) -> bool:
    """Tell whether the oldest entry that is kept is from before a time."""
    sql = f"SELECT at < ? FROM audit WHERE seq BETWEEN ? AND ? ORDER BY seq {connection.dialect.limit}"
    row = connection.execute(sql, (at, workspace.first, workspace.last, 1)).fetchone()
    return row is not None and bool(row[0])


def newest_before(connection: Connection, workspace: Workspace, at: str) -> int:
    """Return the number of the newest entry before a time; without one, a number below that of any."""
    sql = (
        f"SELECT seq FROM audit WHERE workspace_id = ? AND at < ? ORDER BY at DESC, seq DESC {connection.dialect.limit}"
    )
    found = connection.execute(sql, (workspace.id, at, 1)).fetchone()
    return workspace.first if found is None else found[0]


def targets(connection: Connection, after: int, through: int, most: int) -> list[tuple[int, str]]:
    """Return (number, target) of the oldest entries in this range of numbers, which is one of a single workspace."""
    sql = f"SELECT seq, target FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq {connection.dialect.limit}"
    return connection.execute(sql, (after, through, most)).fetchall()


def written(connection: Connection, after: int, through: int, most: int) -> list[Written]:
    """Return what the oldest entries in this range of numbers did, which is one of a single workspace."""
    columns, order = "seq, at, action, target, coalesce(op, seq)", f"ORDER BY seq {connection.dialect.limit}"
    sql = f"SELECT {columns} FROM audit WHERE seq > ? AND seq <= ? {order}"
    return [Written(*row) for row in connection.execute(sql, (after, through, most)).fetchall()]


def one(connection: Connection, workspace: Workspace, seq: int) -> Entry | None:
    """Return the entry with this number, None if the log has it no more."""
    sql = f"SELECT {_COLUMNS} FROM audit WHERE workspace_id = ? AND seq = ?"
    row = connection.execute(sql, (workspace.id, seq)).fetchone()
    return None if row is None else _entry(row)


def before(connection: Connection, workspace: Workspace, entry: Entry) -> Entry | None:
    """Return the entry of the same target before this one, None if the log has none."""
    sql = f"{_OF_TARGET} AND seq < ? ORDER BY seq DESC {connection.dialect.limit}"
    row = connection.execute(sql, (workspace.id, entry.target, entry.seq, 1)).fetchone()
    return None if row is None else _entry(row)


def is_of_erasure(connection: Connection, workspace: Workspace, entry: Entry) -> bool:
    """Tell whether an entry is one of the operation that erases a person."""
    sql = (
        "SELECT 1 FROM audit WHERE workspace_id = ? AND op = (SELECT coalesce(op, seq) FROM audit WHERE seq = ?) "
        f"AND action LIKE '%.{ERASED}' {connection.dialect.limit}"
    )
    return connection.execute(sql, (workspace.id, entry.seq, 1)).fetchone() is not None


def nouns_after(connection: Connection, workspace: Workspace, after: int) -> tuple[int, set[str] | None]:
    """Return the number of the newest entry, and how the handles begin of those after a number, None for very many."""
    through = newest(connection, workspace)
    rows = targets(connection, after, through, _MANY)
    return through, None if len(rows) == _MANY else {target.partition("/")[0] for _, target in rows}


def of_others(connection: Connection, after: int, through: int, address: str, most: int) -> list[str]:
    """Return the targets of the newest entries in such a range that somebody else wrote, the newest first."""
    where = 'seq > ? AND seq <= ? AND "by" <> ?'
    sql = f"SELECT target FROM audit WHERE {where} ORDER BY seq DESC {connection.dialect.limit}"
    return [target for (target,) in connection.execute(sql, (after, through, address, most)).fetchall()]


def newest_of(connection: Connection, workspace_id: str, target: str, through: int) -> int:
    """Return the number of the newest entry of a target that has one, up to this number."""
    sql = "SELECT max(seq) FROM audit WHERE workspace_id = ? AND target = ? AND seq <= ?"
    (found,) = connection.execute(sql, (workspace_id, target, through)).fetchone()
    return int(found)


def of_target(connection: Connection, workspace: Workspace, target: str, after: int, through: int) -> list[Entry]:
    """Return the entries of a target in this range of numbers, the oldest first."""
    sql = f"{_OF_TARGET} AND seq > ? AND seq <= ? ORDER BY seq"
    rows = connection.execute(sql, (workspace.id, target, after, through)).fetchall()
    return [_entry(row) for row in rows]


def after(connection: Connection, workspace: Workspace, seq: int) -> list[Entry]:
    """Return all entries of a workspace after the one of a number, the oldest first."""
    sql = f"SELECT {_COLUMNS} FROM audit WHERE seq > ? AND seq <= ? ORDER BY seq"
    return [_entry(row) for row in connection.execute(sql, (seq, workspace.last)).fetchall()]


def newest_first(connection: Connection, workspace: Workspace, target: str) -> Iterator[Entry]:
    """Yield the entries of a target, the newest first.

    They are read some at a time, each time whole: a statement that is left half read would keep its moment open.
    """
    sql = f"{_OF_TARGET} AND seq <= ? ORDER BY seq DESC {connection.dialect.limit}"
    through, rows = workspace.last, None
    while rows is None or len(rows) == _TOGETHER:
        rows = connection.execute(sql, (workspace.id, target, through, _TOGETHER)).fetchall()
        for row in rows:
            through = row[0] - 1
            yield _entry(row)


def first_of(connection: Connection, workspace: Workspace, target: str) -> Entry | None:
    """Return the oldest entry of a target, None if it has none."""
    sql = f"{_OF_TARGET} ORDER BY seq {connection.dialect.limit}"
    row = connection.execute(sql, (workspace.id, target, 1)).fetchone()
    return None if row is None else _entry(row)


def was_written_by_others(
    connection: Connection, workspace_id: str, target: str, version: int, operation: int | None
) -> bool:
    """Tell whether another operation than this one (its first entry) wrote a record after this version, or ended it.

    The entry of its end has the version that the record had.
    """
    ended = " OR ".join(f"action LIKE '%.{verb}'" for verb in GONE)
    row = connection.execute(
        "SELECT 1 FROM audit WHERE workspace_id = ? AND target = ? AND coalesce(op, seq) <> ? "
        f"AND (version > ? OR (version = ? AND ({ended}))) {connection.dialect.limit}",
        (workspace_id, target, operation or 0, version, version, 1),
    ).fetchone()
    return row is not None


def _entry(row: tuple[Any, ...]) -> Entry:
    seq, at, by, token_name, action, target, changes, version = row
    is_erased = changes == audit.ERASED
    return Entry(seq, at, by, token_name, action, target, audit.pairs(_decode(changes)), version, is_erased)
