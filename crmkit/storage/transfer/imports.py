"""Imports: what a workspace plans to take from a file, and what became of it.

An import is `planned`, `running` while its job has not ended, then `done` or `stopped`. Its file has a name in the
folder of uploads until then.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Struct, structs

from crmkit.clock import after
from crmkit.model.sheets.habits import Order
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit
from crmkit.storage.people.new_ids import unused
from crmkit.storage.pruning.bounded import FEW
from crmkit.storage.transfer import refused

PREFIX = "imp"
PLAN_HOURS = 24  # in which a planned import is to be started
REPORT_DAYS = 30  # that an import is told which has ended
DROPPED_AT_ONCE = 2_000  # refused rows: some ten milliseconds, in which nobody else writes
PLANNED, RUNNING, DONE, STOPPED = "planned", "running", "done", "stopped"

STATES = (PLANNED, RUNNING, DONE, STOPPED)

Mode = Literal["merge", "create", "update"]  # what a row may do
Unknown = Literal["custom", "ignore", "refuse"]  # what becomes of a column whose title says nothing

_encode = msgspec.json.encode


class Options(Struct, frozen=True):
    """What a client chose."""

    kind: str  # its plural
    mode: Mode = "merge"
    unknown: Unknown = "custom"
    dates: Order | Literal[""] = ""  # empty: the dates themselves tell
    map: Mapping[str, str] = {}  # fields by the titles of columns
    zone: str = "UTC"  # of times without an offset


class Column(Struct, frozen=True):
    """A column of the file: its number from 1, its title, and the field that it goes to, empty if it is left out."""

    column: int
    title: str
    field: str

    @property
    def is_custom(self) -> bool:
        """Whether it goes to a key of custom."""
        return self.field.startswith("custom.")


class Import(Struct, frozen=True):
    """An import; the counts are what is expected of the rows that were `tried`, then what happened to those `done`."""

    workspace_id: str
    id: str
    state: str
    options: Options
    file: str  # its name in the folder of uploads; empty once it was removed
    name: str  # that the client gave it
    content_type: str
    titles: Sequence[str]
    columns: Sequence[Column]
    notes: Sequence[str]
    kept: Any  # what the mapping found out by reading the whole file
    rows: int
    tried: int
    done: int
    creates: int
    updates: int
    refused: int
    error: str  # code: sentence
    job_id: str
    op: int | None  # number of the first audit entry of what it wrote
    by: str
    created_at: str
    ended_at: str | None

    @property
    def handle(self) -> str:
        return f"import/{self.id}"

    @property
    def operation(self) -> str:
        """The id of the operation that it wrote; empty while there is none."""
        return "" if self.op is None else audit.operation_id(self.workspace_id, self.op)

    @property
    def has_marks(self) -> bool:
        """Whether texts of the file have marks before formulas."""
        return bool(self.kept.get("marks", True))

    @property
    def is_planned(self) -> bool:
        return self.state == PLANNED

    @property
    def has_ended(self) -> bool:
        return self.state in (DONE, STOPPED)


_FIELDS = Import.__struct_fields__
_JSON = {"options", "titles", "columns", "notes", "kept"}
_NAMES = ", ".join(f'"{name}"' for name in _FIELDS)
_FIND = f"SELECT {_NAMES} FROM imports WHERE workspace_id = ?"


def new(tx: Tx, made: Import) -> Import:
    """Keep a new import of the actor's workspace, and return it with its id."""
    workspace = Workspace.of(tx.by)
    made = structs.replace(
        made,
        workspace_id=workspace.id,
        id=unused(tx, "imports", PREFIX, workspace.id),
        by=tx.by.email,
        created_at=tx.now,
    )
    tx.connection.execute(
        f"INSERT INTO imports (seq, {_NAMES}) SELECT coalesce(max(seq), CAST(? AS bigint)) + 1"
        f"{', ?' * len(_FIELDS)} FROM imports WHERE seq BETWEEN ? AND ?",
        (workspace.first, *_values(made, _FIELDS), workspace.first, workspace.last),
    )
    return made


def change(tx: Tx, found: Import, **values: Any) -> Import:
    """Write these values of an import, and return it with them."""
    changed = structs.replace(found, **values)
    assignments = ", ".join(f'"{name}" = ?' for name in values)
    tx.connection.execute(
        f"UPDATE imports SET {assignments} WHERE workspace_id = ? AND id = ?",
        (*_values(changed, tuple(values)), found.workspace_id, found.id),
    )
    return changed


def find(connection: Connection, workspace_id: str, id: str) -> Import | None:
    """Return the import with this id, or None."""
    row = connection.execute(f"{_FIND} AND id = ?", (workspace_id, id)).fetchone()
    return None if row is None else _import(row)


def states(connection: Connection) -> dict[str, int]:
    """Return how many imports of all workspaces are in each state."""
    found = dict(connection.execute("SELECT state, count(*) FROM imports GROUP BY state").fetchall())
    return {state: found.get(state, 0) for state in STATES}


def newest(connection: Connection, workspace: Workspace, most: int) -> list[Import]:
    """Return the newest imports of a workspace."""
    sql = f"{_FIND} AND seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?"
    return [_import(row) for row in connection.execute(sql, (workspace.id, workspace.first, workspace.last, most))]


def planned(connection: Connection, workspace_id: str) -> list[Import]:
    """Return the imports of a workspace that have not begun."""
    rows = connection.execute(f"{_FIND} AND state = ? AND file <> ''", (workspace_id, PLANNED)).fetchall()
    return [_import(row) for row in rows]


def files(connection: Connection, workspace_id: str | None = None) -> set[str]:
    """Return the names of the files that imports have which have not ended, of one workspace if it is named."""
    sql = "SELECT file FROM imports WHERE file <> ''"
    if workspace_id is None:
        return {name for (name,) in connection.execute(sql)}
    return {name for (name,) in connection.execute(f"{sql} AND workspace_id = ?", (workspace_id,))}


def forget(tx: Tx) -> tuple[list[str], bool]:
    """Drop outdated plans and imports; return the names of their files, and whether some are left for another time.

    At most so many refused rows are dropped at a time: an import stays until it has none. A plan that was stamped
    ahead of the clock counts as made now.
    """
    execute = tx.connection.execute
    execute(f"UPDATE imports SET created_at = ? WHERE state = '{PLANNED}' AND created_at > ?", (tx.now, tx.now))
    gone = execute(
        f"SELECT workspace_id, id, file FROM imports WHERE (state = '{PLANNED}' AND created_at < ?) "
        f"OR (ended_at IS NOT NULL AND ended_at < ?) LIMIT {FEW}",
        (after(tx.now, hours=-PLAN_HOURS), after(tx.now, days=-REPORT_DAYS)),
    ).fetchall()
    files, left = list[str](), DROPPED_AT_ONCE
    for workspace_id, id, file in gone:
        left -= refused.drop(tx, workspace_id, id, left)
        if left <= 0:
            return files, True
        execute("DELETE FROM imports WHERE workspace_id = ? AND id = ?", (workspace_id, id))
        files += [file] if file else []
    return files, len(gone) == FEW


def _values(found: Import, names: Sequence[str]) -> list[Any]:
    values = ((name, getattr(found, name)) for name in names)
    return [_encode(value).decode() if name in _JSON else value for name, value in values]


def _import(row: Sequence[Any]) -> Import:
    values = dict(zip(_FIELDS, row, strict=True))
    for name in _JSON:
        values[name] = msgspec.json.decode(values[name])
    return msgspec.convert(values, Import)
