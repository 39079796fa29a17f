"""Who may act, and where: the actor that a token stands for at this moment, and the workspaces the actor may name."""

from collections.abc import Iterable

from msgspec.structs import replace

from crmkit.core import roles
from crmkit.errors import Problem
from crmkit.model.actor import Actor, Membership, User
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.people import accounts, tokens

SIGN_IN = 'POST /auth/request {"email":"you@example.com"}, then POST /auth/verify with the code that is mailed'
NOT_A_MEMBER = "You do not belong to that workspace. GET /workspaces lists those you belong to."
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="crmkit"'}


def current(tx: Tx) -> Actor:
    """Return the actor as of the beginning of this unit; raises `invalid_token` when token or membership is gone."""
    id = tx.by.token_id
    actor = tx.known.actors.get(id) or tokens.current(tx.connection, id)
    if actor is None:
        raise invalid_token()
    tx.known.actors[id] = actor
    return actor


def check_use(actor: Actor, address: str, now: str) -> None:
    """Raise `invalid_token` where a token is not for this address, `token_expired` once its own end has come."""
    access = actor.access
    if access.networks and not access.open_to(address):
        raise invalid_token(f"This token does not work from the address {address or 'of this machine'}. Sign in")
    if access.expires_at and access.expires_at <= now:  # NEVER is greater
        raise Problem(
            "token_expired", f"This token ended at {access.expires_at}. Sign in again: {SIGN_IN}.", headers=CHALLENGE
        )


def memberships(connection: Connection, actor: Actor) -> list[Membership]:
    """Return the memberships of the actor's user in workspaces that the token may name, the first joined in front."""
    found = accounts.memberships(connection, actor.user_id)
    return [membership for membership in found if actor.reaches(membership.workspace_id)]


def one_of(found: Iterable[Membership], workspace_id: str, hint: str = NOT_A_MEMBER) -> Membership:
    """Return the membership in this workspace; raises `not_a_member`, alike for one that never existed."""
    for membership in found:
        if membership.workspace_id == workspace_id:
            return membership
    raise Problem("not_a_member", hint)


def membership(connection: Connection, actor: Actor, workspace_id: str, hint: str = "") -> Membership:
    """Return the membership of the actor's user in a workspace.

    Raises `not_a_member`, with this hint, for one that the token may not name.
    """
    if not hint and not actor.reaches(workspace_id):
        user = "connects this app again and picks it" if actor.is_app else "makes one with a token that has full access"
        hint = f"This token works in {actor.workspace_id} alone; for another workspace the user {user}."
    return one_of(memberships(connection, actor), workspace_id, hint or NOT_A_MEMBER)


def enter_as_member(tx: Tx, workspace_id: str, hint: str = "") -> Membership:
    """Make the actor act in this workspace for the rest of the transaction, and return the membership there.

    Any member may; raises `not_a_member`, with this hint, for one that the actor's token may not name.
    """
    tx.enter(workspace_id)
    found = membership(tx.connection, tx.by, workspace_id, hint)
    enter(tx, found)
    if tx.rights is not None:
        tx.rights.append((workspace_id, "member"))
    return found


def enter_as_admin(tx: Tx, workspace_id: str) -> Membership:
    """Make the actor act in this workspace for the rest of the transaction, and return the membership there.

    Only admins may: raises `admin_required` for other members, `not_a_member` for everybody else.
    """
    found = enter_as_member(tx, workspace_id)
    roles.check_admin(tx)
    return found


def enter(tx: Tx, membership: Membership) -> None:
    """Make the actor act in this workspace for the rest of the transaction: its audit log tells what follows."""
    tx.enter(membership.workspace_id)
    tx.actor = replace(
        tx.by,
        role=membership.role,
        workspace_id=membership.workspace_id,
        workspace_name=membership.name,
        workspace_number=membership.workspace_number,
        plan=membership.plan,
        preferences=membership.preferences,
    )


def act_as(tx: Tx, user: User, membership: Membership, token_name: str, token_id: str = "") -> None:
    """Make a user who is signing in the actor of the rest of the transaction, in this workspace.

    The audit log names `token_name` beside the user.
    """
    tx.enter(membership.workspace_id)
    tx.actor = Actor(
        user.id,
        user.email,
        membership.role,
        token_id,
        token_name,
        membership.workspace_id,
        membership.name,
        membership.workspace_number,
        membership.plan,
        preferences=membership.preferences,
    )


def invalid_token(what: str = "This token is unknown or was revoked. Sign in again") -> Problem:
    return Problem("invalid_token", f"{what}: {SIGN_IN}.", headers=CHALLENGE)


def unconfirmed() -> Problem:
    """Return the refusal of what an app asks for and no mailed code confirms."""
    return Problem(
        "escalation_required",
        f"A connected app may not do this by itself. Ask the user to do it with a token of their own: {SIGN_IN}.",
    )
