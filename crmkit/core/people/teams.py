"""Teams: who belongs to a workspace, who is invited, who may decide."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from crmkit.core import path_ids, quotas
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.people import access, budgets, codes, stepup
from crmkit.core.people.workspaces import workspace_id
from crmkit.errors import Problem, a
from crmkit.mail import Message
from crmkit.model.actor import Invite, Member
from crmkit.model.fields import Choice, Email
from crmkit.model.form import REQUIRED, Default, form_of
from crmkit.model.names import spoken, spoken_address
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.lanes import mail_lane
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import accounts, invites

ROLES = ("admin", "member")


class InviteBody:
    email: Annotated[str, Email(), REQUIRED, "whom to invite"]
    role: Annotated[str, Choice(ROLES), Default("member"), "member unless sent"]


class RoleBody:
    role: Annotated[str, Choice(ROLES), REQUIRED, "what they become"]


INVITE = form_of(InviteBody, "invite")
ROLE = form_of(RoleBody, "role")


async def people(call: Call, id: str) -> tuple[list[Member], list[Invite]]:
    """Return the members and the pending invites of a workspace. Any member may ask."""
    bare, actor = workspace_id(call.crm, id), call.actor

    def read(connection: Connection) -> tuple[list[Member], list[Invite]]:
        access.membership(connection, actor, bare)
        return accounts.people(connection, bare), invites.of_workspace(connection, bare)

    return await call.read(read)


async def invite(call: Call, id: str, body: Mapping[str, Any]) -> Invite:
    """Invite an address and mail it how to join; an address that is invited already gets the new role and a new mail.

    Only admins may, with a code to invite an admin or for a connected app (see stepup.confirmed). Raises
    `admin_required`, `already_exists` for a member, `plan_limit_reached`, `rate_limited` after too many mails, and
    `mail_failed` when the mail does not leave: an invite of which no mail left is withdrawn, one that became an admin's
    has its role back.
    """
    crm = call.crm
    bare, sent = workspace_id(crm, id), INVITE.filled(body)
    email, role = sent["email"], sent["role"] or "member"

    def check(tx: Tx) -> stepup.Act:
        access.enter_as_admin(tx, bare)
        if any(member.email == email for member in accounts.people(tx.connection, bare)):
            raise Problem(
                "already_exists",
                f"That is a member already; POST /workspaces/{bare}/members/USER_ID/role changes the role.",
                fields={"email": "belongs to a member"},
            )
        purpose, says = f"invite.{role} {bare} {email}", f"invite {spoken_address(email)} as {role} of {bare}"
        return stepup.Act(purpose, says, always=role == "admin")

    def do(tx: Tx) -> Invite:
        before = invites.waiting(tx.connection, bare, email)
        if before is None:
            quotas.check(tx, crm.settings, "members")
        spent = codes.postage(tx, crm, email, codes.INVITE, sender=tx.by.user_id)
        budgets.spend(tx, *spent)
        found, mails = invites.put(tx, bare, email, role)
        if before is None:
            changes = {"email": [None, email], "role": [None, role]}
            audit.append(tx, "invite.create", f"invite/{found.id}", changes)
        elif before.role != role:
            audit.append(tx, "invite.update", f"invite/{found.id}", {"role": [before.role, role]})
        codes.send(tx, crm, _letter(tx, crm, found), spent, partial(take_back, before or found, mails))
        return found

    async def take_back(before: Invite, mails: int) -> None:
        def unit(tx: Tx) -> None:
            access.enter_as_member(tx, bare)
            left = invites.unsent(tx, bare, before.id)
            if left == 0:
                discard(tx, bare, before.id)
            elif left == mails - 1 and role == "admin" and before.role == "member":  # nobody invited it since
                invites.change_role(tx, bare, before.id, before.role)
                audit.append(tx, "invite.update", f"invite/{before.id}", {"role": [role, before.role]})

        await Call(crm, call.actor).write(unit, lanes=[bare], asks_code=True)

    return await stepup.confirmed(call, check, do, lanes=[bare, mail_lane(email)])


async def withdraw(call: Call, id: str, invite: str) -> str:
    """Withdraw a pending invite and return its bare id.

    Only admins may; a connected app needs a code (see stepup.confirmed). Raises `admin_required`, and `not_found` for
    an invite that does not wait here.
    """
    bare = workspace_id(call.crm, id)
    bare_invite = _bare(call.crm, invite, "inv", bare)

    def check(tx: Tx) -> stepup.Act:
        access.enter_as_admin(tx, bare)
        if all(waiting.id != bare_invite for waiting in invites.of_workspace(tx.connection, bare)):
            raise _none("invite", bare)
        return stepup.Act(f"invite.delete {bare} {bare_invite}", f"withdraw {bare_invite} of {bare}", always=False)

    def do(tx: Tx) -> str:
        discard(tx, bare, bare_invite)
        return bare_invite

    return await stepup.confirmed(call, check, do, lanes=[bare])


async def set_role(call: Call, id: str, user: str, body: Mapping[str, Any]) -> Member:
    """Give a member this role and return the member; whoever is no admin any more has their invites withdrawn.

    Only admins may, with a code to make an admin or for a connected app (see stepup.confirmed). Raises
    `admin_required`, `not_found` for somebody who is no member, and `last_admin` for the only admin.
    """
    bare = workspace_id(call.crm, id)
    bare_user, role = _bare(call.crm, user, "u", bare), ROLE.filled(body)["role"]

    def check(tx: Tx) -> stepup.Act:
        access.enter_as_admin(tx, bare)
        member = _member(tx, bare, bare_user)
        if role == "member":
            keep_an_admin(tx, bare, member)
        says = f"make {spoken_address(member.email, bare_user)} {a(role)} of {bare}"
        return stepup.Act(f"member.{role} {bare} {bare_user}", says, always=role == "admin" and member.role != role)

    def do(tx: Tx) -> Member:
        member = _member(tx, bare, bare_user)
        if member.role != role:
            if role == "member":
                withdraw_invites_of(tx, bare, member.email)
            accounts.change_role(tx, bare, bare_user, role)
            audit.append(tx, "member.update", f"user/{bare_user}", {"role": [member.role, role]})
        return Member(member.user_id, member.email, role, member.joined_at)

    return await stepup.confirmed(call, check, do, lanes=[bare])


async def remove(call: Call, id: str, user: str) -> Member:
    """Remove a member and return who that was; their tokens here end at once, and their invites are withdrawn.

    Admins may remove everybody, members themselves; a connected app needs a code (see stepup.confirmed). Raises
    `admin_required`, `not_found` for somebody who is no member, and `last_admin` for the only admin.
    """
    bare = workspace_id(call.crm, id)
    bare_user = _bare(call.crm, user, "u", bare)

    def check(tx: Tx) -> stepup.Act:
        is_leaving = bare_user == tx.by.user_id
        if is_leaving:
            access.enter_as_member(tx, bare)
        else:
            access.enter_as_admin(tx, bare)
        member = _member(tx, bare, bare_user)
        keep_an_admin(tx, bare, member)
        says = f"leave {bare}" if is_leaving else f"remove {spoken_address(member.email, bare_user)} from {bare}"
        return stepup.Act(f"member.delete {bare} {bare_user}", says, always=False)

    def do(tx: Tx) -> Member:
        member = _member(tx, bare, bare_user)
        end_membership(tx, bare, member)
        return member

    return await stepup.confirmed(call, check, do, lanes=[bare])


def end_membership(tx: Tx, workspace: str, member: Member) -> None:
    """End a membership in the workspace in which the actor acts, with the tokens and invites of that member."""
    changes = {"email": [member.email, None], "role": [member.role, None]}
    audit.append(tx, "member.delete", f"user/{member.user_id}", changes)
    withdraw_invites_of(tx, workspace, member.email)
    accounts.remove_membership(tx, workspace, member.user_id)


def withdraw_invites_of(tx: Tx, workspace: str, email: str) -> None:
    """Withdraw the invites of a member, by this address, in the workspace in which the actor acts."""
    for waiting in invites.of_workspace(tx.connection, workspace):
        if waiting.invited_by == email:
            discard(tx, workspace, waiting.id)


def discard(tx: Tx, workspace: str, id: str) -> None:
    """Remove an invite, if it still waits, in the workspace in which the actor acts."""
    gone = invites.remove(tx, workspace, id)
    if gone is not None:
        changes = {"email": [gone.email, None], "role": [gone.role, None]}
        audit.append(tx, "invite.delete", f"invite/{id}", changes)


def _member(tx: Tx, workspace: str, user_id: str) -> Member:
    for member in accounts.people(tx.connection, workspace):
        if member.user_id == user_id:
            return member
    raise _none("member", workspace)


def keep_an_admin(tx: Tx, workspace: str, member: Member) -> None:
    """Raise `last_admin` if this member is the only admin of the workspace who is not disabled.

    An app is told who that is only of its own workspace.
    """
    if member.role == "admin" and not accounts.has_admin(tx.connection, workspace, besides=member.user_id):
        if tx.by.is_app and workspace != tx.by.workspace_id:
            raise Problem(
                "last_admin",
                "The user is the only admin of another workspace with other members. Ask them to make another member "
                "admin there first, or to delete it; this app does not reach it.",
            )
        raise Problem(
            "last_admin",
            f"{spoken_address(member.email, member.user_id)} is the only admin whose account is enabled. "
            f'Make another member admin first: POST /workspaces/{workspace}/members/USER_ID/role {{"role":"admin"}}, '
            "or delete the workspace.",
        )


def _none(what: str, workspace: str) -> Problem:
    return Problem("not_found", f"There is no such {what} here. GET /workspaces/{workspace}/members lists them.")


def _bare(crm: Crm, text: str, prefix: str, workspace: str) -> str:
    return path_ids.bare(crm.kinds.prefixes, text, prefix, f"GET /workspaces/{workspace}/members lists what there is.")


def _letter(tx: Tx, crm: Crm, invite: Invite) -> Message:
    sender, called = spoken_address(tx.by.email, tx.by.user_id), spoken(tx.by.workspace_name, invite.workspace_id)
    return Message(
        invite.email,
        "You are invited to a crmkit workspace",
        f'{sender} invites you to the workspace "{called}" as {invite.role}.\n\n'
        "To join, sign in with this address. This page shows how to do it with Claude, ChatGPT, Cursor and others:\n\n"
        f"    {crm.settings.base_url}/\n\n"
        f"Or let your assistant read {crm.settings.base_url}/help, or\n\n"
        f'    curl {crm.settings.base_url}/auth/request -d \'{{"email":"YOUR ADDRESS"}}\'\n\n'
        "If you have no account here yet, signing in joins it. Else your next sign-in tells you how to join.\n"
        "If you do not know the sender, ignore this mail.\n",
    )
