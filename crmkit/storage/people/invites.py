"""Pending invitations: an address, a workspace, a role. They are gone once accepted or withdrawn."""

from msgspec.structs import replace

from crmkit.model.actor import Invite
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people.new_ids import unused

_COLUMNS = "id, workspace_id, email, role, created_at, invited_by"
_SELECT = f"SELECT {_COLUMNS} FROM invites"


def of_address(connection: Connection, email: str) -> list[Invite]:
    """Return the invites that wait for this address, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE email = ? ORDER BY created_at, id", (email,))
    return [Invite(*row) for row in rows]


def of_workspace(connection: Connection, workspace_id: str) -> list[Invite]:
    """Return the invites that a workspace has pending, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE workspace_id = ? ORDER BY created_at, id", (workspace_id,))
    return [Invite(*row) for row in rows]


def waiting(connection: Connection, workspace_id: str, email: str) -> Invite | None:
    """Return the invite that waits for this address in a workspace, or None."""
    row = connection.execute(f"{_SELECT} WHERE workspace_id = ? AND email = ?", (workspace_id, email)).fetchone()
    return None if row is None else Invite(*row)


def put(tx: Tx, workspace_id: str, email: str, role: str) -> tuple[Invite, int]:
    """Return the actor's invite of this address to the workspace, now with this role, and how many mails tell of it.

    Those that are on their way count too; see `unsent`.
    """
    invite = waiting(tx.connection, workspace_id, email)
    if invite is not None:
        (mails,) = tx.connection.execute(
            "UPDATE invites SET role = ?, invited_by = ?, mails = mails + 1 WHERE workspace_id = ? AND id = ? "
            "RETURNING mails",
            (role, tx.by.email, workspace_id, invite.id),
        ).fetchone()
        return replace(invite, role=role, invited_by=tx.by.email), mails
    id = unused(tx, "invites", "inv", workspace_id)
    tx.connection.execute(
        f"INSERT INTO invites ({_COLUMNS}, mails) VALUES (?, ?, ?, ?, ?, ?, 1)",
        (id, workspace_id, email, role, tx.now, tx.by.email),
    )
    return Invite(id, workspace_id, email, role, tx.now, tx.by.email), 1


def unsent(tx: Tx, workspace_id: str, id: str) -> int | None:
    """Count one mail less of an invite and return how many are left, None when it waits no more."""
    row = tx.connection.execute(
        "UPDATE invites SET mails = mails - 1 WHERE workspace_id = ? AND id = ? RETURNING mails", (workspace_id, id)
    ).fetchone()
    return None if row is None else row[0]


def change_role(tx: Tx, workspace_id: str, id: str, role: str) -> None:
    """Give an invite another role."""
    tx.connection.execute("UPDATE invites SET role = ? WHERE workspace_id = ? AND id = ?", (role, workspace_id, id))


def remove(tx: Tx, workspace_id: str, id: str) -> Invite | None:
    """Remove an invite and return it, or None when there is none."""
    row = tx.connection.execute(
        f"DELETE FROM invites WHERE workspace_id = ? AND id = ? RETURNING {_COLUMNS}", (workspace_id, id)
    ).fetchone()
    return None if row is None else Invite(*row)
