"""Workspaces: mine, a new one, the end of one."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from crmkit.core import path_ids, quotas
from crmkit.core.call import Call
from crmkit.core.crm import Crm
from crmkit.core.people import access, stepup
from crmkit.core.transfer import uploads
from crmkit.model.actor import Invite, Membership, User
from crmkit.model.fields import Text
from crmkit.model.form import REQUIRED, form_of
from crmkit.model.names import spoken
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.interface.workspace import Workspace
from crmkit.storage.log import audit
from crmkit.storage.log.chain import Chain
from crmkit.storage.people import accounts, invites
from crmkit.storage.workspaces import erasure

log = logging.getLogger("crmkit")


NAME = Text(200)  # of a workspace


class WorkspaceBody:
    name: Annotated[str, NAME, REQUIRED, "what the workspace is called"]


WORKSPACE = form_of(WorkspaceBody, "workspace")


async def mine(call: Call) -> tuple[list[Membership], list[Invite]]:
    """Return the caller's memberships, the first joined in front, and the invites that wait for the caller.

    Everybody may ask; a connected app is told of its own workspace alone.
    """

    actor = call.actor

    def read(connection: Connection) -> tuple[list[Membership], list[Invite]]:
        return access.memberships(connection, actor), invites.of_address(connection, actor.email)

    return await call.read(read)


async def create(call: Call, body: Mapping[str, Any]) -> Membership:
    """Open a workspace and return the caller's membership in it, as admin.

    Everybody may; a connected app needs a code (see stepup.confirmed). Raises `plan_limit_reached` for somebody who has
    opened as many as they may.
    """
    crm, actor = call.crm, call.actor
    name = WORKSPACE.filled(body)["name"]

    def check(tx: Tx) -> stepup.Act:
        quotas.check(tx, crm.settings, "workspaces")
        return stepup.Act("workspace.create", "open a new workspace", always=False)

    def do(tx: Tx) -> Membership:
        membership = accounts.insert_workspace(tx, User(actor.user_id, actor.email), name, crm.settings.plans.default)
        access.enter(tx, membership)
        audit.append(tx, "workspace.create", f"workspace/{membership.workspace_id}", {"name": [None, name]})
        return membership

    return await stepup.confirmed(call, check, do)


async def delete(call: Call, id: str) -> str:
    """Delete a workspace with all its data and return its bare id.

    Only admins may, with a code (see stepup.confirmed). Raises `admin_required`.
    """
    bare = workspace_id(call.crm, id)

    def check(tx: Tx) -> stepup.Act:
        membership = access.enter_as_admin(tx, bare)
        called = spoken(membership.name, "")
        named = f'"{called}" ({bare})' if called else bare
        return stepup.Act(f"workspace.delete {bare}", f"delete the workspace {named} with all its data")

    def do(tx: Tx) -> str:
        uploads.remove_all(tx, call.crm, bare)
        rows = erasure.erase(tx, call.crm.kinds, Chain(call.crm.key), Workspace(bare, tx.by.workspace_number))
        says = f"workspace {bare} deleted by {tx.by.email} at {tx.now}: {rows} rows"

        async def effect() -> None:
            log.warning(says)

        tx.after(effect)
        return bare

    return await stepup.confirmed(call, check, do, lanes=[bare])


def workspace_id(crm: Crm, text: str) -> str:
    """Return the bare id in a path; raises `not_found` for a text that cannot be one."""
    return path_ids.bare(crm.kinds.prefixes, text, "ws", "GET /workspaces lists yours.")
