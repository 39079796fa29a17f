"""An account: its time zone, and its end: what goes with its person, and what stays with those they worked with."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from crmkit.core.call import Call
from crmkit.core.people import access, stepup, teams
from crmkit.core.transfer import uploads
from crmkit.model.actor import Member, Membership
from crmkit.model.fields import Timezone
from crmkit.model.form import form_of
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log.chain import Chain
from crmkit.storage.people import accounts, invites
from crmkit.storage.workspaces import erasure

log = logging.getLogger("crmkit")


class AccountBody:
    timezone: Annotated[str | None, Timezone(), "whose days count for you, before the workspace's"]


ACCOUNT = form_of(AccountBody, "account")


async def change(call: Call, body: Mapping[str, Any]) -> str | None:
    """Return the caller's own time zone, which `body` changes; None stands for that of each workspace.

    A connected app needs a code, since the zone counts in workspaces that its user did not pick as well.
    """
    zone = ACCOUNT.sent(body)["timezone"] or ""

    def check(tx: Tx) -> stepup.Act:
        says = f"set your time zone, in all your workspaces, to {zone or 'that of each'}"
        return stepup.Act(f"account.timezone {zone}", says, always=False)

    def do(tx: Tx) -> str | None:
        if zone != tx.by.own_timezone:
            accounts.change_timezone(tx, tx.by.user_id, zone)
        return zone or None

    return await stepup.confirmed(call, check, do)


async def end(call: Call) -> list[str]:
    """Delete the caller's account and return the ids of the workspaces that were deleted with it, to an app its own.

    Everybody may delete their own account, with a code (see stepup.confirmed). Workspaces with no other member are
    deleted with all data; what the caller did in others stays there. Raises `last_admin` where the caller is the only
    admin of a workspace with other members.
    """
    email = call.actor.email
    alone: list[Membership] = []
    shared: list[tuple[Membership, Member]] = []

    def check(tx: Tx) -> stepup.Act:
        alone.clear()
        shared.clear()
        belongs_to = [found.workspace_id for found in accounts.memberships(tx.connection, tx.by.user_id)]
        invited_to = [found.workspace_id for found in invites.of_address(tx.connection, email)]
        # a membership may end before we hold its lane, so look again; none can be added while we hold the lane of the
        # address
        tx.enter(*belongs_to, *invited_to)
        for membership in accounts.memberships(tx.connection, tx.by.user_id):
            people = accounts.people(tx.connection, membership.workspace_id)
            if len(people) == 1:
                alone.append(membership)
            else:
                member = next(member for member in people if member.user_id == tx.by.user_id)
                teams.keep_an_admin(tx, membership.workspace_id, member)
                shared.append((membership, member))
        going = [membership.workspace_id for membership in alone]
        purpose = f"account.end {', '.join(going)}"
        return stepup.Act(purpose, _ending(going), to_app=_ending(going, known=tx.by.workspace_id))

    def do(tx: Tx) -> list[str]:
        for membership, member in shared:
            access.enter(tx, membership)
            teams.end_membership(tx, membership.workspace_id, member)
        for invite in invites.of_address(tx.connection, email):
            access.enter(tx, accounts.workspace(tx.connection, invite.workspace_id, invite.role))
            teams.discard(tx, invite.workspace_id, invite.id)
        for membership in alone:
            uploads.remove_all(tx, call.crm, membership.workspace_id)
            workspace = Workspace(membership.workspace_id, membership.workspace_number)
            erasure.erase(tx, call.crm.kinds, Chain(call.crm.key), workspace)
        accounts.remove_user(tx, tx.by.user_id, email)
        gone = [membership.workspace_id for membership in alone]

        async def effect() -> None:
            log.warning("account %s ended by its owner, with %d workspaces", call.actor.user_id, len(gone))

        tx.after(effect)
        return [id for id in gone if not call.actor.is_app or id == call.actor.workspace_id]

    return await stepup.confirmed(call, check, do)


def _ending(going: list[str], known: str = "") -> str:
    """Return what ends with an account; with `known`, workspaces other than this are counted and not named."""
    named = [id for id in going if known in ("", id)]
    others = len(going) - len(named)
    if others:
        more = "other " if named else ""
        named.append(f"{others} {more}workspace{'s' if others > 1 else ''} that this app does not see")
    return f"end your account, with all data of {', '.join(named)}" if named else "end your account"
