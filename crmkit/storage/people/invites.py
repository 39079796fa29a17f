"""Pending invitations: an address, a workspace, a role. They are gone once accepted or withdrawn."""

from dataclasses import replace

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


def put(tx: Tx, workspace_id: str, email: str, role: str) -> tuple[Invite, bool]:
    """Return the actor's invite of this address to the workspace, now with this role, and whether it is new."""
    invite = waiting(tx.connection, workspace_id, email)
    if invite is not None:
        tx.connection.execute(
            "UPDATE invites SET role = ?, invited_by = ? WHERE workspace_id = ? AND id = ?",
            (role, tx.by.email, workspace_id, invite.id),
        )
        return replace(invite, role=role, invited_by=tx.by.email), False
    id = unused(tx, "invites", "inv", workspace_id)
    tx.connection.execute(
        f"INSERT INTO invites ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)",
        (id, workspace_id, email, role, tx.now, tx.by.email),
    )
    return Invite(id, workspace_id, email, role, tx.now, tx.by.email), True


def remove(tx: Tx, workspace_id: str, id: str) -> Invite | None:
    """Remove an invite and return it, or None when there is none."""
    row = tx.connection.execute(
        f"DELETE FROM invites WHERE workspace_id = ? AND id = ? RETURNING {_COLUMNS}", (workspace_id, id)
    ).fetchone()
    return None if row is None else Invite(*row)
