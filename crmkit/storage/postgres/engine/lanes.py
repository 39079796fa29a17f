"""Lanes as locks of rows: those of workspaces, and of a table with a row for each other lane while it is used."""

import json
from collections.abc import Iterable

from crmkit.storage.interface.lanes import ANYWHERE, Lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.postgres.engine.connection import PostgresConnection

# of whoever holds a lock and asks nothing meanwhile: its machine may be gone, which nobody tells PostgreSQL
IDLE_SECONDS = 30
_LOCKED = f"pg_current_xact_id()::text, set_config('idle_in_transaction_session_timeout', '{IDLE_SECONDS}s', true)"

_WORKSPACES = (
    "WITH locked AS (SELECT 1 FROM workspaces WHERE id IN (SELECT value FROM json_array_elements_text(?::json)) "
    f"ORDER BY id FOR NO KEY UPDATE) SELECT {_LOCKED}, count(*) FROM locked"
)
_OTHERS = (
    f"INSERT INTO lanes (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING {_LOCKED}"
)


def lock(connection: PostgresConnection, lanes: Iterable[Lane]) -> str | None:
    """Lock these lanes until the transaction ends, in an order that all transactions keep.

    Returns the id of the transaction, None where there is nothing to lock.
    """
    found = None
    for lane in _others(lanes):
        found = connection.execute(_OTHERS, (lane,)).fetchone()
    workspaces = sorted(lane for lane in lanes if lane.startswith("ws_"))
    if workspaces:
        found = connection.execute(_WORKSPACES, (json.dumps(workspaces),)).fetchone()
    return None if found is None else found[0]


def release(connection: PostgresConnection, lanes: Iterable[Lane]) -> None:
    """Delete the rows of lanes that are none of a workspace; they stay locked until the transaction ends."""
    for lane in _others(lanes):
        connection.execute("DELETE FROM lanes WHERE name = ?", (lane,))


def _others(lanes: Iterable[Lane]) -> list[Lane]:
    return sorted(lane for lane in lanes if not lane.startswith("ws_") and lane not in ANYWHERE)


class LaneTx(Tx):
    """A Tx that locks the lanes which it enters."""

    def enter(self, *lanes: Lane) -> None:
        """Lock these lanes, unless it has them."""
        new = {*lanes} - self.lanes
        super().enter(*lanes)
        connection = self.connection
        if new and isinstance(connection, PostgresConnection):
            lock(connection, new)
