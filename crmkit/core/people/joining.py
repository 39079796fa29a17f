"""Invites accepted: who joins by signing in, who has to say so, and the joining itself."""

from crmkit.core.call import Call
from crmkit.core.people import access, stepup
from crmkit.core.people.workspaces import workspace_id
from crmkit.model.actor import Invite, Membership, User
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import accounts, invites


def of_acquaintances(tx: Tx, user: User) -> list[Invite]:
    """Return the invites to a user by people who share a workspace with them, oldest first.

    Those of others wait until the user says that they join: anybody may invite anybody.
    """
    waiting = invites.of_address(tx.connection, user.email)
    return [invite for invite in waiting if accounts.is_known_to(tx.connection, user.id, invite.invited_by)]


def join(tx: Tx, user: User, invite: Invite, token_name: str) -> Membership:
    """Make the user a member by this invite, and the actor of the rest of the transaction in that workspace.

    Returns the membership. Raises `not_a_member` if the invite was withdrawn after it was looked up.
    """
    tx.enter(invite.workspace_id)
    is_waiting = invites.remove(tx, invite.workspace_id, invite.id) is not None
    if is_waiting:
        accounts.insert_membership(tx, invite.workspace_id, user.id, invite.role)
    membership = access.one_of(accounts.memberships(tx.connection, user.id), invite.workspace_id)
    access.act_as(tx, user, membership, token_name)
    if is_waiting:
        changes = {"role": [None, membership.role], "email": [None, user.email]}
        audit.append(tx, "member.create", f"user/{user.id}", changes)
    return membership


async def accept(call: Call, id: str) -> Membership:
    """Accept the caller's invite to a workspace and return the membership; a member stays what they are.

    Whoever is invited may; a connected app needs a code (see stepup.confirmed). Raises `not_a_member` where no invite
    waits for the caller.
    """
    bare = workspace_id(call.crm, id)

    def check(tx: Tx) -> stepup.Act:
        if invites.waiting(tx.connection, bare, tx.by.email) is None:
            access.enter_as_member(tx, bare, "No invite to that workspace waits for you. Ask an admin of it for one.")
        return stepup.Act(f"invite.accept {bare}", f"join the workspace {bare}", always=False)

    def do(tx: Tx) -> Membership:
        invite = invites.waiting(tx.connection, bare, tx.by.email)
        if invite is None:
            return access.enter_as_member(tx, bare)
        return join(tx, User(tx.by.user_id, tx.by.email), invite, tx.by.token_name)

    return await stepup.confirmed(call, check, do, lanes=[bare])
