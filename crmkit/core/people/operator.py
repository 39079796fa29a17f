"""What the operator does with accounts and workspaces; who holds the data needs neither token nor mailed code."""

from collections.abc import Mapping

from msgspec import Struct

from crmkit import ids
from crmkit.core.people import access, teams
from crmkit.core.people.login import CODE_ENTRY
from crmkit.errors import nearest
from crmkit.model.actor import User
from crmkit.model.fields import Invalid
from crmkit.model.form import Field
from crmkit.plans import Caps
from crmkit.storage import records
from crmkit.storage.interface.connection import Connection
from crmkit.storage.interface.tx import Tx
from crmkit.storage.log import audit
from crmkit.storage.people import accounts

OPERATOR = User("", "operator")  # as the audit log names who did it


class Switched(Struct, frozen=True):
    """An account that was disabled or enabled; `orphaned` are the workspaces that have no other admin."""

    email: str
    has_changed: bool
    orphaned: tuple[str, ...] = ()


class Planned(Struct, frozen=True):
    """A workspace with another plan; `beyond` has (used, cap) of what it holds more than that allows."""

    id: str
    before: str
    plan: str
    beyond: Mapping[str, tuple[int, int]]


def checked(email: str, token_name: str) -> tuple[str, str]:
    """Return both as they are stored; raises ValueError, which names the flag, for what no client could send."""
    entry = CODE_ENTRY.by_name
    return accepted("--email", entry["email"], email), accepted("--name", entry["token_name"], token_name)


def address(email: str) -> str:
    """Return an address as it is stored; raises ValueError."""
    return accepted("EMAIL", CODE_ENTRY.by_name["email"], email)


def accepted(flag: str, field: Field, text: str) -> str:
    try:
        kept: str | None = field.type.accept(text)
    except Invalid as error:
        raise ValueError(f"{flag} {error}") from None
    if kept is None:
        raise ValueError(f"{flag} cannot be empty")
    return kept


def check_enabled(connection: Connection, email: str) -> None:
    """Raise ValueError for the address of an account that is disabled."""
    if accounts.is_disabled(connection, email):
        raise ValueError(f"{email} is disabled, so no token works: crmkit users enable {email}")


def switch(tx: Tx, email: str, disabled: bool) -> Switched:
    """Disable an account, or enable it again. Its tokens rest, and are refused, until then; its invites are withdrawn.

    The log of each of its workspaces tells it. Raises ValueError for an address without an account.
    """
    user = accounts.find_user(tx.connection, email)
    if user is None:
        raise ValueError(f"{email} has no account: crmkit users list")
    if accounts.is_disabled(tx.connection, email) == disabled:
        return Switched(email, has_changed=False)
    accounts.disable(tx, user.id, tx.now if disabled else "")
    orphaned = []
    for membership in accounts.memberships(tx.connection, user.id):
        access.act_as(tx, OPERATOR, membership, "crmkit users")
        audit.append(tx, "member.update", f"user/{user.id}", {"disabled": [not disabled, disabled]})
        if disabled:
            teams.withdraw_invites_of(tx, membership.workspace_id, email)
        if not accounts.has_admin(tx.connection, membership.workspace_id):
            orphaned.append(membership.workspace_id)
    return Switched(email, has_changed=True, orphaned=tuple(orphaned))


def workspace_id(text: str) -> str:
    """Return the bare id of a workspace; raises ValueError for what cannot be one."""
    try:
        return ids.parse(text, "ws", ids.OTHERS)
    except ids.BadId as error:
        raise ValueError(f"WS {error}") from None


def change_plan(tx: Tx, id: str, plan: str, plans: Mapping[str, Caps], where: str) -> Planned:
    """Give a workspace another plan, from the next request on; what it holds beyond that stays.

    Raises ValueError for a workspace or plan that does not exist; `where` says where plans are declared.
    """
    if plan not in plans:
        raise ValueError(f"no plan is called {plan!r}{nearest(plan, plans)}; {where}: {', '.join(sorted(plans))}")
    if not accounts.has_workspace(tx.connection, id):
        raise ValueError(f"there is no workspace {id}: crmkit workspaces list")
    found = accounts.workspace(tx.connection, id, "admin")
    if found.plan != plan:
        access.act_as(tx, OPERATOR, found, "crmkit workspaces")
        accounts.change_workspace(tx, id, {"plan": plan})
        audit.append(tx, "workspace.update", f"workspace/{id}", {"plan": [found.plan, plan]})
    used = {name: _held(tx.connection, id, name) for name in plans[plan]}
    beyond = {name: (held, plans[plan][name]) for name, held in used.items() if held > plans[plan][name]}
    return Planned(id, found.plan, plan, beyond)


def _held(connection: Connection, workspace_id: str, resource: str) -> int:
    if resource == "members":
        return accounts.members(connection, workspace_id)
    return records.live(connection, workspace_id, resource)  # 0 of what is no record
