"""What only admins may do."""

from crmkit.errors import Problem
from crmkit.storage.interface.tx import Tx


def check_admin(tx: Tx) -> None:
    """Raise `admin_required` unless the actor is an admin of the workspace."""
    if tx.by.role != "admin":
        raise admin_required()
    if tx.rights is not None:
        tx.rights.append((tx.by.workspace_id, "admin"))


def admin_required() -> Problem:
    return Problem("admin_required", "Only admins of the workspace may do this: ask one of them.")
