"""Who may: what a token stands for at this moment, and how its owner belongs to a workspace."""

from dataclasses import replace

from crmkit.errors import Problem
from crmkit.model.actor import Actor
from crmkit.storage import accounts, tokens
from crmkit.storage.accounts import Membership
from crmkit.storage.tx import Connection, Tx

SIGN_IN = 'POST /auth/request {"email":"you@example.com"}, then POST /auth/verify with the code that is mailed'
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="crmkit"'}


def current(tx: Tx) -> Actor:
    """Return the actor as of the beginning of this unit; raises `invalid_token` when token or membership is gone."""
    id = tx.by.token_id
    actor = tx.known.actors.get(id) or tokens.current(tx.connection, id)
    if actor is None:
        raise invalid_token()
    tx.known.actors[id] = actor
    return actor


def membership(connection: Connection, user_id: str, workspace_id: str) -> Membership:
    """Return how a user belongs to a workspace; raises `not_a_member`, alike for one that never existed."""
    for place in accounts.memberships(connection, user_id):
        if place.workspace_id == workspace_id:
            return place
    raise Problem("not_a_member", "You do not belong to that workspace. GET /workspaces lists those you belong to.")


def member_of(tx: Tx, workspace_id: str) -> Membership:
    """Let the rest of the transaction happen in a workspace the actor belongs to; raises `not_a_member`."""
    place = membership(tx.connection, tx.by.user_id, workspace_id)
    enter(tx, place)
    return place


def admin_of(tx: Tx, workspace_id: str) -> Membership:
    """The same for a workspace whose admin the actor is; raises `admin_required` too."""
    place = member_of(tx, workspace_id)
    if place.role != "admin":
        raise Problem("admin_required", "Only admins of the workspace may do this: ask one of them.")
    return place


def enter(tx: Tx, place: Membership) -> None:
    """Let what follows in the transaction be done, and logged, in this workspace."""
    tx.actor = replace(
        tx.by,
        role=place.role,
        workspace_id=place.workspace_id,
        workspace_name=place.name,
        workspace_number=place.workspace_number,
        plan=place.plan,
    )


def invalid_token() -> Problem:
    return Problem(
        "invalid_token", f"This token is unknown or was revoked. Sign in again: {SIGN_IN}.", headers=CHALLENGE
    )
