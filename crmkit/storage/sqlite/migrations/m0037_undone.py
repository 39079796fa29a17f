"""2026-11-28. Undos name what they took back by its id of today, which the workspace's id is part of."""

from crmkit import ids
from crmkit.storage.interface.connection import Connection
from crmkit.storage.sqlite.migrations.migration import Migration

_APART = 17_003_730_661  # by which the ids of a workspace's operations were moved, times its number
_BITS = 32  # of the number of an entry that count within its workspace
_UNDOS = "SELECT seq, target FROM audit WHERE workspace_id = ? AND target >= 'operation/' AND target < 'operation0'"
_FIRST = "SELECT 1 FROM audit WHERE seq = ? AND workspace_id = ? AND op IS NULL"


def _name_anew(connection: Connection) -> None:
    for workspace_id, number in connection.execute("SELECT id, number FROM workspaces").fetchall():
        for seq, target in connection.execute(_UNDOS, (workspace_id,)).fetchall():
            within = (ids.number(target) - number * _APART) % ids.NUMBERS
            first = number << _BITS | within
            if first >= seq or connection.execute(_FIRST, (first, workspace_id)).fetchone() is None:
                continue  # it has an id of today
            undone = ids.numbered("op", (within + ids.number(workspace_id)) % ids.NUMBERS)
            connection.execute("UPDATE audit SET target = ? WHERE seq = ?", (f"operation/{undone}", seq))


MIGRATION = Migration("undone", work=_name_anew)
