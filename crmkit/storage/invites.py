"""Pending invitations: an address, a workspace, a role. They are gone once accepted or withdrawn."""

from dataclasses import dataclass

from crmkit import ids
from crmkit.storage.tx import Connection, Tx


@dataclass(frozen=True)
class Invite:
    id: str
    workspace_id: str
    email: str
    role: str
    created_at: str


_SELECT = "SELECT id, workspace_id, email, role, created_at FROM invites"


def of_address(connection: Connection, email: str) -> list[Invite]:
    """Return the invites that wait for this address, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE email = ? ORDER BY created_at, id", (email,))
    return [Invite(*row) for row in rows]


def of_workspace(connection: Connection, workspace_id: str) -> list[Invite]:
    """Return the invites that a workspace has pending, oldest first."""
    rows = connection.execute(f"{_SELECT} WHERE workspace_id = ? ORDER BY created_at, id", (workspace_id,))
    return [Invite(*row) for row in rows]


def put(tx: Tx, workspace_id: str, email: str, role: str) -> tuple[Invite, bool]:
    """Return the invite of this address to the workspace, now with this role, and whether it is new."""
    for invite in of_workspace(tx.connection, workspace_id):
        if invite.email == email:
            tx.connection.execute(
                "UPDATE invites SET role = ? WHERE workspace_id = ? AND id = ?", (role, workspace_id, invite.id)
            )
            return Invite(invite.id, workspace_id, email, role, invite.created_at), False
    while True:
        id = ids.mint("inv")
        taken = "SELECT 1 FROM invites WHERE workspace_id = ? AND id = ?"
        if tx.connection.execute(taken, (workspace_id, id)).fetchone() is None:
            break
    tx.connection.execute(
        "INSERT INTO invites (workspace_id, id, email, role, created_at, invited_by) VALUES (?, ?, ?, ?, ?, ?)",
        (workspace_id, id, email, role, tx.now, tx.by.email),
    )
    return Invite(id, workspace_id, email, role, tx.now), True


def remove(tx: Tx, workspace_id: str, id: str) -> Invite | None:
    """Remove an invite and return it, or None when there is none."""
    row = tx.connection.execute(
        "DELETE FROM invites WHERE workspace_id = ? AND id = ? RETURNING id, workspace_id, email, role, created_at",
        (workspace_id, id),
    ).fetchone()
    return None if row is None else Invite(*row)
