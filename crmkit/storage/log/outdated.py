"""Entries of the audit log that are older than a workspace keeps them: where there are some, what still reads them."""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from crmkit.model.events.names import PAUSED, SENDS
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.workspace import Workspace, within
from crmkit.storage.log import entries

UNDO = "undo"  # the kind of job that takes an operation back
LAST = "9999"  # after every stamp


class Outdated(Struct, frozen=True):
    """A workspace whose oldest entry is from before the time `before`."""

    workspace: Workspace
    before: str


class _Undo(Struct, frozen=True):
    first: int


def outdated(
    connection: Connection, cuts: Mapping[str, str], after: int, most: int
) -> tuple[list[Outdated], int | None]:
    """Return which of the next workspaces after a number have entries that are too old, and the number of the last.

    That is None after the last workspace there is. `cuts` are the times before which entries go, by plan; none go
    where it is empty, or the plan has none.
    """
    rows = connection.execute(
        f"SELECT id, number, plan FROM workspaces WHERE number > ? ORDER BY number {connection.dialect.limit}",
        (after, most),
    ).fetchall()
    found = []
    for id, number, plan in rows:
        workspace, before = Workspace(id, number), cuts.get(plan, "")
        if before and entries.begins_before(connection, workspace, before):
            found.append(Outdated(workspace, before))
    return found, rows[-1][1] if len(rows) == most else None


def held_from(connection: Connection, workspace: Workspace, is_open: str) -> str:
    """Return the time of the oldest entry that something reads which is not over, a time after all others if none.

    That are webhooks that are behind, deliveries, which may be sent again, proposals in the state `is_open`, and undos
    that run.
    """
    id = workspace.id
    (read,) = connection.execute(
        "SELECT min(k.reached) FROM webhook_keys AS k JOIN webhooks AS h ON h.workspace_id = k.workspace_id "
        "AND h.id = k.id WHERE k.workspace_id = ? AND h.state IN (?, ?)",
        (id, SENDS, PAUSED),
    ).fetchone()
    (told,) = connection.execute(
        "SELECT min(first) FROM deliveries WHERE workspace_id = ? AND first > 0", (id,)
    ).fetchone()
    (seen,) = connection.execute(
        "SELECT min(position) FROM proposals WHERE workspace_id = ? AND state = ?", (id, is_open)
    ).fetchone()
    undone = connection.execute(
        "SELECT input FROM jobs WHERE workspace_id = ? AND kind = ? AND due_at IS NOT NULL", (id, UNDO)
    ).fetchall()
    needed = [number + 1 for number in (read, seen) if number is not None] + ([told] if told is not None else [])
    needed += [msgspec.json.decode(text, type=_Undo).first for (text,) in undone]
    if not needed:
        return LAST
    sql = f"SELECT at FROM audit WHERE seq >= ? AND seq <= ? ORDER BY seq {connection.dialect.limit}"
    row = connection.execute(sql, (min(needed), workspace.last, 1)).fetchone()
    return LAST if row is None else row[0]


def begins_at(connection: Connection, workspace: Workspace) -> str:
    """Return the time of the oldest entry that is kept where older ones were removed, else an empty text."""
    found = entries.oldest(connection, workspace)
    return "" if found is None or within(found[0]) == 1 else found[1]
