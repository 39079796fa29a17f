"""What is known of a webhook that no answer, no log and no archive has: whose rights it has, its secret, its cursor."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import astuple

from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace


class Key(Struct, frozen=True):
    """`user_id` wrote the webhook last, with a token of this `access`.

    What is sent is also signed with the `old_secret` until `old_until`. `reached` is the number of the newest entry of
    the log that was read for it.
    """

    workspace_id: str
    id: str
    user_id: str
    token_id: str
    is_app: int
    access: str
    secret: str
    old_secret: str
    old_until: str
    job_id: str
    reached: int

    def secrets(self, now: str) -> tuple[str, ...]:
        """Return the secrets that a message is signed with at this moment, the newest first; none where none is set."""
        found = (self.secret, self.old_secret) if now < self.old_until else (self.secret,)
        return tuple(each for each in found if each)


class Standing(Struct, frozen=True):
    """Whether a webhook sends, why it does not, since when nothing arrived, when something did last."""

    state: str
    reason: str | None
    failing_since: str | None
    last_delivered_at: str | None


_NAMES = ", ".join(Key.__struct_fields__)


def find(connection: Connection, workspace_id: str, id: str) -> Key | None:
    """Return what is known of the webhook with this id; None of one that came from another server."""
    sql = f"SELECT {_NAMES} FROM webhook_keys WHERE workspace_id = ? AND id = ?"
    row = connection.execute(sql, (workspace_id, id)).fetchone()
    return None if row is None else Key(*row)


def put(tx: Tx, key: Key) -> None:
    """Keep this in place of what was known of the webhook."""
    values = [getattr(key, name) for name in Key.__struct_fields__]
    given = ", ".join("?" * len(values))
    changed = ", ".join(f"{name} = excluded.{name}" for name in Key.__struct_fields__[2:])
    tx.connection.execute(
        f"INSERT INTO webhook_keys ({_NAMES}) VALUES ({given}) ON CONFLICT (workspace_id, id) DO UPDATE SET {changed}",
        values,
    )


def reach(tx: Tx, key: Key, reached: int) -> None:
    """Take note of how far the log was read for a webhook."""
    sql = "UPDATE webhook_keys SET reached = ? WHERE workspace_id = ? AND id = ?"
    tx.connection.execute(sql, (reached, key.workspace_id, key.id))


def remove(tx: Tx, workspace_id: str, id: str) -> None:
    """Forget a webhook that is gone."""
    tx.connection.execute("DELETE FROM webhook_keys WHERE workspace_id = ? AND id = ?", (workspace_id, id))


def listening(connection: Connection, state: str) -> set[Workspace]:
    """Return the workspaces that have webhooks in this state."""
    sql = (
        "SELECT DISTINCT w.id, w.number FROM webhook_keys AS k "
        "JOIN webhooks AS h ON h.workspace_id = k.workspace_id AND h.id = k.id "
        "JOIN workspaces AS w ON w.id = k.workspace_id WHERE h.state = ?"
    )
    return {Workspace(id, number) for id, number in connection.execute(sql, (state,)).fetchall()}


def waiting(connection: Connection, workspace: Workspace, state: str, newest: int) -> list[str]:
    """Return the jobs that wait of the webhooks in this state whose log was not read up to the `newest` entry."""
    rows = connection.execute(
        "SELECT k.job_id FROM webhook_keys AS k "
        "JOIN webhooks AS h ON h.workspace_id = k.workspace_id AND h.id = k.id "
        "JOIN jobs AS j ON j.workspace_id = k.workspace_id AND j.id = k.job_id "
        "WHERE k.workspace_id = ? AND h.state = ? AND k.reached < ? AND j.state = 'waiting' AND j.due_at > ''",
        (workspace.id, state, newest),
    ).fetchall()
    return [id for (id,) in rows]


def states(connection: Connection, workspace_id: str) -> Sequence[tuple[str, str, str]]:
    """Return (id, events as JSON, state) of the webhooks of a workspace that have a key."""
    found: list[tuple[str, str, str]] = connection.execute(
        "SELECT h.id, h.events, h.state FROM webhooks AS h "
        "JOIN webhook_keys AS k ON k.workspace_id = h.workspace_id AND k.id = h.id WHERE h.workspace_id = ?",
        (workspace_id,),
    ).fetchall()
    return found


def stand(tx: Tx, workspace_id: str, id: str, standing: Standing) -> None:
    """Write how a webhook stands: no version, no audit entry."""
    tx.connection.execute(
        "UPDATE webhooks SET state = ?, reason = ?, failing_since = ?, last_delivered_at = ? "
        "WHERE workspace_id = ? AND id = ?",
        (*astuple(standing), workspace_id, id),
    )


def switch_all_off(tx: Tx, workspace_id: str, state: str, reason: str) -> None:
    """Write that the webhooks of a workspace send nothing, and why."""
    sql = "UPDATE webhooks SET state = ?, reason = ?, failing_since = NULL WHERE workspace_id = ?"
    tx.connection.execute(sql, (state, reason, workspace_id))


def stopped(connection: Connection, workspace_id: str, state: str, most: int) -> Sequence[tuple[str, str, str]]:
    """Return (id, state, reason) of some webhooks of a workspace that are not in this state though switched on."""
    found: list[tuple[str, str, str]] = connection.execute(
        "SELECT id, state, coalesce(reason, '') FROM webhooks WHERE workspace_id = ? AND active = 1 "
        f"AND state <> ? ORDER BY seq {connection.dialect.limit}",
        (workspace_id, state, most),
    ).fetchall()
    return found
