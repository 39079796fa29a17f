"""What was sent to webhooks, and what is to be sent again: which event, when, with what outcome; never its content."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import astuple, replace

from crmkit import ids
from crmkit.model.events import names
from crmkit.storage import sequence
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace, within
from crmkit.storage.pruning.bounded import dropped, limited

PREFIX = "dl"
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"
STATES = (WAITING, DELIVERED, FAILED)
KEPT_DAYS = 7
MOST_KEPT = 1_000  # of one webhook that do not wait
_TOGETHER = 500  # that one step of a webhook drops
_TABLE = "deliveries"


class Delivery(Struct, frozen=True):
    """One event for one webhook. `target` is the handle of its record, empty for an event of several.

    What it tells is in the log from the entry numbered `first` to that numbered `last`; `told` is JSON of what is not.
    `at` is when it happened; it is tried at `next_at`, at once where that is empty. `status` is what the receiver
    answered last, `error` why it did not. It was tried last, or given up untried, at `tried_at`. One that is not
    stored has no number.
    """

    seq: int
    id: str
    webhook_id: str
    event: str
    type: str
    target: str
    first: int
    last: int
    told: str
    at: str
    state: str = WAITING
    attempts: int = 0
    status: int | None = None
    error: str | None = None
    ms: int | None = None
    first_at: str = ""
    tried_at: str = ""
    next_at: str = ""

    @property
    def handle(self) -> str:
        return f"{ids.OTHERS[PREFIX]}/{self.id}"


_FIELDS = Delivery.__struct_fields__
_NAMES = ", ".join(f'"{name}"' for name in _FIELDS)
_PLACE = "at, first, told <> '', seq"  # of what it tells: its entry of the log, then what no entry tells


def add(tx: Tx, workspace: Workspace, new: Iterable[Delivery]) -> list[Delivery]:
    """Keep deliveries, and return them with their numbers and ids; an event without an id gets one."""
    new, found, rows = [*new], list[Delivery](), list[tuple[Any, ...]]()
    begin = workspace.first + sequence.give(tx, workspace.id, _TABLE, len(new)) - len(new) if new else 0
    for number, each in enumerate(new, begin + 1):
        # begun elsewhere in each workspace, so that an id that is sent to the wrong one names nothing there
        id = ids.numbered(PREFIX, (within(number) + ids.number(workspace.id)) % ids.NUMBERS)
        event = each.event or names.id_of(each.webhook_id, f"{each.type} {id}")
        found.append(replace(each, seq=number, id=id, event=event))
        rows.append((workspace.id, *astuple(found[-1])))
        if tx.made is not None:
            tx.made.append(id)
    if rows:
        given = ", ".join("?" * len(rows[0]))
        tx.connection.executemany(f"INSERT INTO deliveries (workspace_id, {_NAMES}) VALUES ({given})", rows)
    return found


def save(tx: Tx, workspace: Workspace, changed: Iterable[Delivery]) -> None:
    """Write what became of deliveries that are kept."""
    columns = ("state", "attempts", "status", "error", "ms", "first_at", "tried_at", "next_at")
    rows = [(*(getattr(each, name) for name in columns), workspace.id, each.seq) for each in changed]
    if rows:
        sets = ", ".join(f"{name} = ?" for name in columns)
        tx.connection.executemany(f"UPDATE deliveries SET {sets} WHERE workspace_id = ? AND seq = ?", rows)


def retell(tx: Tx, workspace_id: str, seq: int, type: str, target: str, told: str) -> bool:
    """Have a delivery tell something else, and tell whether it is there."""
    sql = "UPDATE deliveries SET type = ?, target = ?, told = ? WHERE workspace_id = ? AND seq = ?"
    return bool(tx.connection.execute(sql, (type, target, told, workspace_id, seq)).rowcount)


def drop(tx: Tx, workspace_id: str, seq: int) -> None:
    """Drop a delivery that is none."""
    tx.connection.execute("DELETE FROM deliveries WHERE workspace_id = ? AND seq = ?", (workspace_id, seq))


def find(connection: Connection, workspace_id: str, webhook_id: str, id: str) -> Delivery | None:
    """Return the delivery of a webhook with this id, or None."""
    sql = f"SELECT {_NAMES} FROM deliveries WHERE workspace_id = ? AND id = ? AND webhook_id = ?"
    row = connection.execute(sql, (workspace_id, id, webhook_id)).fetchone()
    return None if row is None else Delivery(*row)


def waiting(connection: Connection, workspace_id: str, webhook_id: str, most: int) -> list[Delivery]:
    """Return the first of what waits to be sent, in the order in which it happened."""
    sql = f"SELECT {_NAMES} FROM deliveries WHERE workspace_id = ? AND webhook_id = ? AND state = 'waiting'"
    rows = connection.execute(
        f"{sql} ORDER BY first, seq {connection.dialect.limit}", (workspace_id, webhook_id, most)
    ).fetchall()
    return [Delivery(*row) for row in rows]


def number_waiting(connection: Connection) -> int:
    """Return how many wait to be sent, of all workspaces."""
    (number,) = connection.execute("SELECT count(*) FROM deliveries WHERE state = 'waiting'").fetchone()
    return int(number)


def page(
    connection: Connection, workspace_id: str, webhook_id: str, state: str, before: int | None, most: int
) -> list[Delivery]:
    """Return some deliveries of a webhook, the newest first: those in a state if it is named, after one of a number.

    They are in the order in which what they tell happened; a test tells nothing, and goes by its time alone.
    """
    where, args = "workspace_id = ? AND webhook_id = ?", [workspace_id, webhook_id]
    if state:
        where, args = f"{where} AND state = ?", [*args, state]
    below = []
    if before is not None:
        below = [workspace_id, before]
        where = f"{where} AND ({_PLACE}) < (SELECT {_PLACE} FROM deliveries WHERE workspace_id = ? AND seq = ?)"
    order = ", ".join(f"{each} DESC" for each in _PLACE.split(", "))
    sql = f"SELECT {_NAMES} FROM deliveries WHERE {where} ORDER BY {order} {connection.dialect.limit}"
    return [Delivery(*row) for row in connection.execute(sql, (*args, *below, most)).fetchall()]


def give_up(tx: Tx, workspace_id: str, webhook_id: str, error: str) -> None:
    """Let nothing of a webhook wait any longer."""
    tx.connection.execute(
        "UPDATE deliveries SET state = 'failed', next_at = '', tried_at = CASE tried_at WHEN '' THEN ? ELSE tried_at "
        "END, error = coalesce(error, ?) WHERE workspace_id = ? AND webhook_id = ? AND state = 'waiting'",
        (tx.now, error, workspace_id, webhook_id),
    )


def remove(tx: Tx, workspace_id: str, webhook_id: str) -> None:
    """Forget what was sent to a webhook that is gone."""
    sql = "DELETE FROM deliveries WHERE workspace_id = ? AND webhook_id = ?"
    tx.connection.execute(sql, (workspace_id, webhook_id))


def cut(tx: Tx, workspace_id: str, webhook_id: str) -> None:
    """Drop some of those that do not wait, the oldest, where a webhook has more than MOST_KEPT."""
    own = "FROM deliveries WHERE workspace_id = ? AND webhook_id = ? AND state <> 'waiting'"
    tx.connection.execute(
        f"DELETE FROM deliveries WHERE seq IN (SELECT seq {own} AND seq <= (SELECT seq {own} "
        f"ORDER BY seq DESC LIMIT 1 OFFSET {MOST_KEPT}) ORDER BY seq LIMIT {_TOGETHER})",
        (workspace_id, webhook_id, workspace_id, webhook_id),
    )


_OLD, _AHEAD = (
    "DELETE FROM deliveries WHERE " + limited("deliveries", "seq", f"state <> 'waiting' AND {which}")
    for which in ("tried_at < ?", "tried_at > ?")
)


def forget(tx: Tx, before: str) -> bool:
    """Drop some of those that were tried before this moment or ahead of the clock; tell whether some may be left."""
    return dropped(tx, _OLD, before) or dropped(tx, _AHEAD, tx.now)
