"""Who may set a workspace up, asked before a body is looked at; the transaction that writes asks again."""

from crmkit.core import roles
from crmkit.core.call import Call
from crmkit.core.people import access
from crmkit.core.people.workspaces import workspace_id


async def check_admin(call: Call, id: str = "") -> None:
    """Raise `admin_required` or `not_a_member` unless the caller is admin of a workspace; without id, of their own."""
    bare = workspace_id(call.crm, id) if id else call.actor.workspace_id
    membership = await call.read(access.membership, call.actor, bare)
    if membership.role != "admin":
        raise roles.admin_required()
