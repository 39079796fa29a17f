"""What only admins may do."""

from crmkit.errors import Problem
from crmkit.storage.interface.tx import Tx


def check_admin(tx: Tx) -> None:
    """Raise `admin_required` unless the actor is an admin of the workspace."""
    if tx.by.role != "admin":
        raise admin_required()


def admin_required() -> Problem:
    return Problem("admin_required", "Only admins of the workspace may do this: ask one of them.")
